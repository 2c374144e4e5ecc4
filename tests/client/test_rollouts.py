"""Replicas change their model one after another: a call goes on with the one that began it, or begins again."""

from typing import TYPE_CHECKING, Any

import pytest

from elman.aio.client import AsyncClient
from elman.errors import GoElsewhere, SendTextAgain
from elman.protocol import stretches
from elman.protocol.exchange import Exchange
from elman.protocol.replicas import Replicas
from elman.protocol.retry import Retry
from elman.v1 import completion_service_pb2 as pb

if TYPE_CHECKING:
    from tests.client.conftest import Break, Connect, Scripted, StartScripted
    from tests.conftest import MakeModel

    from elman.sync.client import Client
    from elman_models.law.artifact import Model

TEXT = "a cab, a bed\nzß 😀 dad! fed… a cab, a bed and a bad ace\n"
GIVEN: dict[str, Any] = {"seed": 5, "max_characters": 20}
LONGEST = 7
STRETCHES = -(-len(TEXT) // LONGEST)
ATTEMPTS = Retry().attempts


@pytest.fixture(scope="session")
def other(make_model: "MakeModel") -> "Model":
    """Another model."""
    return make_model(characters="\n !abcdefgé…😀xyz", seed=2)


@pytest.fixture
def replicas(start_scripted: "StartScripted") -> "list[Scripted]":
    """Three of one model."""
    return [start_scripted() for _ in range(3)]


def addresses(replicas: "list[Scripted]") -> list[str]:
    return [each.address for each in replicas]


@pytest.fixture
def small_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of a few characters goes in stretches."""
    monkeypatch.setattr(stretches, "LONGEST_TEXT", LONGEST)
    monkeypatch.setattr(stretches, "LARGEST_PREFIX_BYTES", LONGEST)


def test_a_broken_stream_goes_on_where_its_model_still_is(
    replicas: "list[Scripted]", connect: "Connect", other: "Model", break_at: "type[Break]"
) -> None:
    client = connect(addresses(replicas))
    whole = client.complete("ab", **GIVEN).read()
    replicas[0].breaks = [break_at(4)]
    replicas[1].roll_out(other)
    assert client.complete("ab", **GIVEN).read() == whole
    assert [len(replica.requests) for replica in replicas] == [2, 1, 1]
    assert replicas[2].requests[0].already_received == whole[:4]


def test_a_completion_that_gave_text_says_so_where_its_model_is_gone(
    scripted: "Scripted", client: "Client", other: "Model", break_at: "type[Break]"
) -> None:
    scripted.breaks = [break_at(4)]
    scripted.roll_out(other, after=1)
    completion = client.complete("ab", **GIVEN)
    with pytest.raises(SendTextAgain, match="is not served"):
        completion.read()
    assert len(completion.text) == 4
    assert len(scripted.requests) == 2


def test_a_digest_or_a_state_is_found_where_its_model_still_is(
    replicas: "list[Scripted]", connect: "Connect", other: "Model", model: "Model"
) -> None:
    client = connect(addresses(replicas))
    before = client.complete("ab", **GIVEN)
    before.read()
    rest = client.complete(state=before.state, **GIVEN).read()
    for replica in replicas[:2]:
        replica.roll_out(other)
    assert client.complete("ab", digest=model.digest, **GIVEN).read() == before.text
    assert client.complete(state=before.state, **GIVEN).read() == rest
    assert client.score("b", state=before.state).characters == 1
    replicas[2].roll_out(other)
    for refused in (client.complete(state=before.state), client.complete("ab", digest=model.digest)):
        with pytest.raises(SendTextAgain):
            refused.read()
    with pytest.raises(SendTextAgain):
        client.score("b", state=before.state)


@pytest.mark.parametrize("after", range(STRETCHES + 1))
@pytest.mark.usefixtures("small_messages")
async def test_a_text_in_stretches_is_read_again_from_its_start_where_its_model_is_gone(
    after: int, start_scripted: "StartScripted", connect: "Connect", other: "Model", at_once: Retry
) -> None:
    steady, renewed = start_scripted(), start_scripted()
    renewed.roll_out(other)
    texts = [connect(each.address).complete(TEXT, **GIVEN).read() for each in (steady, renewed)]
    scores = [connect(each.address).score(TEXT) for each in (steady, renewed)]

    def rolling() -> str:
        (scripted := start_scripted()).roll_out(other, after)
        return scripted.address

    is_new = after < STRETCHES  # otherwise the last answer came before
    assert connect(rolling()).complete(TEXT, **GIVEN).read() == texts[is_new]
    assert connect(rolling()).score(TEXT) == scores[is_new]
    async with AsyncClient(rolling(), retry=at_once) as client, AsyncClient(rolling(), retry=at_once) as another:
        assert await client.complete(TEXT, **GIVEN).read() == texts[is_new]
        assert await another.score(TEXT) == scores[is_new]


@pytest.mark.usefixtures("small_messages")
def test_a_text_in_stretches_goes_on_with_its_model_while_a_replica_has_it(
    replicas: "list[Scripted]", connect: "Connect", other: "Model"
) -> None:
    client = connect(addresses(replicas))
    whole = client.complete(TEXT, **GIVEN).read()
    replicas[0].roll_out(other, 3)
    replicas[1].roll_out(other)
    assert client.complete(TEXT, **GIVEN).read() == whole
    assert len(replicas[1].requests) == 1


class HeldClock:
    """Stands still."""

    def now(self) -> float:
        return 0.0

    def jitter(self) -> float:
        return 1.0


@pytest.mark.parametrize("attempts", [1, 2, 5, 6])
def test_a_completion_of_which_nothing_came_begins_again_once_its_model_is_nowhere(attempts: int) -> None:
    """Whatever else goes wrong meanwhile."""
    exchange = Exchange(pb.CompleteRequest(prefix="ab", alternatives=1, sampling=pb.Sampling(seed=3)))
    replicas = Replicas(["one", "two"], Retry(attempts), HeldClock())
    tries = replicas.tries(None)
    assert exchange.next_request() is not None
    exchange.receive(pb.CompleteResponse(started=pb.Started(model=pb.Model(name="a", digest="d" * 64), seed=3)))
    errors = [SendTextAgain("another"), *[GoElsewhere("away")] * (attempts - 1)]
    for error in errors[:-1]:
        replicas.wait_seconds(tries, error, exchange)
        assert (request := exchange.next_request()) is not None
        assert request.model.digest == "d" * 64
    assert replicas.wait_seconds(tries, errors[-1], exchange) == 0
    assert (request := exchange.next_request()) is not None
    assert request.model == pb.Model()
    for _ in range(attempts - 1):
        replicas.wait_seconds(tries, GoElsewhere("away"), exchange)
    with pytest.raises(GoElsewhere):
        replicas.wait_seconds(tries, GoElsewhere("away"), exchange)


def test_a_refused_state_is_asked_of_each_server_once(replicas: "list[Scripted]", connect: "Connect", other: "Model") -> None:
    before = connect(replicas[0].address).complete("ab", **GIVEN)
    before.read()
    for replica in replicas:
        replica.roll_out(other)
    for several in (replicas[:1], replicas):
        asked = [len(replica.requests) for replica in several]
        with pytest.raises(SendTextAgain):
            connect(addresses(several)).complete(state=before.state).read()
        assert [len(replica.requests) for replica in several] == [1 + count for count in asked]
    asked = [len(replica.requests) for replica in replicas]
    with pytest.raises(SendTextAgain):  # one target, of which nobody knows how many it leads to
        connect(f"ipv4:{','.join(addresses(replicas))}").complete(state=before.state).read()
    assert sum(len(replica.requests) for replica in replicas) - sum(asked) == ATTEMPTS


def test_what_a_caller_names_is_not_given_up(scripted: "Scripted", client: "Client", other: "Model", model: "Model") -> None:
    scripted.roll_out(other)
    with pytest.raises(SendTextAgain):
        client.complete("ab", digest=model.digest).read()
    assert {request.model.digest for request in scripted.requests} == {model.digest}
