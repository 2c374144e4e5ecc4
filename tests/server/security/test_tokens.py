"""Bearer tokens at a real server: who is let in, how often, and for how long; and nothing ever repeats one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc

from elman.aio.client import AsyncClient
from elman.credentials import Credentials
from elman.errors import BackOff, LogIn
from elman.protocol.retry import Retry
from elman.sync.client import Client as SyncClient
from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_server import renewal
from elman_server.errors import OverLimit
from elman_server.security.limits import Allowance, Limits
from elman_server.security.tokens import Grant, Tokens, lines_of, new_token

if TYPE_CHECKING:
    from tests.conftest import Authority
    from tests.server.conftest import Client, Connect, Logged, Start, Until

    from elman_server.server import Server

ONCE = Retry(attempts=1)
REFUSED = "no token, or one that is not taken"
SHORT = pb.CompleteRequest(prefix="a bad cab", limits=pb.Limits(max_characters=5))


class Bearers:
    """A server's file of tokens, and a file for each token."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "tokens"
        self.tokens: dict[str, str] = {}
        self._lines: dict[str, str] = {}
        self.write()

    def add(self, name: str, **most: Any) -> str:
        """Make a token for somebody."""
        self.tokens[name], line = new_token(name, Limits(**most))
        self._lines[name] = str(line)
        self.file_of(name).write_text(f"{self.tokens[name]}\n")
        self.write()
        return self.tokens[name]

    def remove(self, name: str) -> None:
        """Let somebody in no longer."""
        del self._lines[name]
        self.write()

    def write(self, more: str = "") -> None:
        """Write the file, with more at its end."""
        new = self.path.with_suffix(".new")
        new.write_text("".join(f"{line}\n" for line in ("# name hash limits", "", *self._lines.values(), more)))
        new.rename(self.path)

    def file_of(self, name: str) -> Path:
        return self._folder / f"{name}.token"

    def credentials(self, name: str) -> Credentials:
        return Credentials(token_file=str(self.file_of(name)))


@pytest.fixture
def bearers(tmp_path: Path) -> Bearers:
    return Bearers(tmp_path)


@pytest.fixture
async def server(start: Start, bearers: Bearers, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that asks for tokens, and looks at its file all the time."""
    monkeypatch.setattr(renewal, "LOOK_SECONDS", 0.01)
    return await start(tokens=str(bearers.path))


def client_of(server: Server, credentials: Credentials) -> AsyncClient:
    return AsyncClient(f"127.0.0.1:{server.port}", retry=ONCE, credentials=credentials)


async def completes(server: Server, credentials: Credentials) -> bool:
    """Whether a new client gets a completion. Raises ElmanError."""
    async with client_of(server, credentials) as client:
        return len(await client.complete("a bad cab", max_characters=5).read()) == 5


def bearing(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


async def test_who_bears_a_token_is_let_in_by_every_method_of_both_faces(
    server: Server, bearers: Bearers, logged: Logged, until: Until
) -> None:
    bearers.add("alice")
    await until("tokens renewed")
    async with client_of(server, bearers.credentials("alice")) as client, client.document("a bad cab") as document:
        assert len(await client.complete("a bad", max_characters=5).read()) == 5
        assert (await client.score("a bad cab")).characters == 9
        assert [each.name for each in await client.models()] == ["one"]
        [_ async for _ in document.suggestions()]

    def in_a_thread() -> None:
        address = f"127.0.0.1:{server.port}"
        with SyncClient(address, credentials=bearers.credentials("alice")) as client, client.document("a bad") as document:
            assert len(client.complete("a bad", max_characters=5).read()) == 5
            assert client.score("a bad cab").characters == 9
            assert len(client.models()) == 1
            list(document.suggestions())

    await asyncio.to_thread(in_a_thread)
    await until("call", 8)
    assert {line["bearer"] for line in logged() if line["event"] == "call"} == {"alice"}


ASKED: list[Callable[[Any], Any]] = [
    lambda client: client.complete("a bad").read(),
    lambda client: client.score("a bad"),
    lambda client: client.models(),
]


@pytest.mark.parametrize("ask", ASKED)
async def test_who_bears_none_is_told_to_log_in_by_both_faces(server: Server, ask: Callable[[Any], Any]) -> None:
    async with client_of(server, Credentials()) as client:
        with pytest.raises(LogIn, match=REFUSED):
            await ask(client)
    with SyncClient(f"127.0.0.1:{server.port}", retry=ONCE) as client, pytest.raises(LogIn, match=REFUSED):
        await asyncio.to_thread(ask, client)


async def test_who_bears_none_gets_no_suggestions_from_either_face(server: Server) -> None:
    async with client_of(server, Credentials()) as client:
        with pytest.raises(LogIn, match=REFUSED):
            [_ async for _ in client.document("a bad").suggestions()]
    with SyncClient(f"127.0.0.1:{server.port}", retry=ONCE) as client:
        document = client.document("a bad")
        with pytest.raises(LogIn, match=REFUSED):
            await asyncio.to_thread(lambda: list(document.suggestions()))


async def refusal(client: Client, method: str, metadata: Any) -> tuple[grpc.StatusCode, str]:
    """How a call is refused that sends nothing."""
    channel: Any = client.channel
    call = channel.stream_stream(method)(metadata=metadata, timeout=20)
    try:
        return await call.code(), await call.details()
    finally:
        call.cancel()


@pytest.mark.parametrize(
    "method",
    [
        "/elman.v1.CompletionService/Complete",
        "/elman.v1.CompletionService/Follow",
        "/elman.v1.CompletionService/Nothing",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.health.v1.Health/List",
        "/",
    ],
)
async def test_whatever_is_asked_without_a_token_is_refused_before_anything_is_sent(
    server: Server, bearers: Bearers, connect: Connect, method: str, until: Until
) -> None:
    token = bearers.add("alice")
    await until("tokens renewed")
    client = connect(server)
    wrong = (
        None,
        *(bearing(each) for each in ("", token[:-1], f"{token}a", token.upper(), "a" * 5000, f"{token} ", f" {token}")),
        (("authorization", token),),
        (("authorization", f"Basic {token}"),),
        (("authorization", "Bearer"),),
        (*bearing(f"{token}a"), *bearing(token)),
        (("x-authorization", f"Bearer {token}"),),
        (("authorization-bin", f"Bearer {token}".encode()),),
    )
    found = await asyncio.gather(*(refusal(client, method, metadata) for metadata in wrong))
    assert found == [(grpc.StatusCode.UNAUTHENTICATED, REFUSED)] * len(wrong)


async def test_a_flood_without_tokens_is_refused_to_the_last_call_and_nobody_else_notices(
    start: Start, bearers: Bearers, connect: Connect, monkeypatch: pytest.MonkeyPatch, logged: Logged, until: Until
) -> None:
    """More at a time than are kept waiting for their refusal, and calls that are given up meanwhile."""
    monkeypatch.setattr("elman_server.security.guard.MOST_WAITING", 20)
    bearers.add("alice")
    server = await start(tokens=str(bearers.path))
    method = "/elman.v1.CompletionService/Complete"
    channels = [connect(server) for _ in range(3)]
    for each in [channels[number % 3].stub.Complete(SHORT) for number in range(60)]:
        each.cancel()

    async def flood() -> set[tuple[grpc.StatusCode, str]]:
        calls = (refusal(channels[number % 3], method, bearing(f"elman_{number}")) for number in range(300))
        return set(await asyncio.gather(*calls))

    flooding = asyncio.create_task(flood())
    async with client_of(server, bearers.credentials("alice")) as client, client.document("a bad cab") as document:
        while not flooding.done():
            document.insert("a")
            [_ async for _ in document.suggestions()]
            assert len(await client.complete("a bad", max_characters=5).read()) == 5
    assert await flooding == {(grpc.StatusCode.UNAUTHENTICATED, REFUSED)}
    assert {line["bearer"] for line in logged() if line["event"] == "call"} == {"alice"}


async def test_health_is_told_to_anyone_as_those_ask_who_balance(server: Server, connect: Connect) -> None:
    stub: Any = health_pb2_grpc
    answer = await stub.HealthStub(connect(server).channel).Check(health_pb2.HealthCheckRequest(service=""))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_tokens_are_rotated_without_a_call_that_fails(
    server: Server, bearers: Bearers, logged: Logged, until: Until
) -> None:
    bearers.add("old")
    await until("tokens renewed")
    own = bearers.file_of("own")
    own.write_text(bearers.tokens["old"])
    async with client_of(server, Credentials(token_file=str(own))) as client, client.document("a bad cab") as document:
        client._replicas._retry = Retry(attempts=3, first_seconds=0)  # pyright: ignore[reportPrivateUsage]
        [_ async for _ in document.suggestions()]
        bearers.add("new")
        await until("tokens renewed", 2)
        own.write_text(bearers.tokens["new"])
        assert len(await client.complete("a bad", max_characters=5).read()) == 5
        bearers.remove("old")
        await until("tokens renewed", 3)
        document.insert(" a")  # its stream began with the old token: it goes on with the new one
        [_ async for _ in document.suggestions()]
        with pytest.raises(LogIn):
            await completes(server, bearers.credentials("old"))
    await until("call", 3)  # a completion, and two streams of the document
    ended = [line["outcome"] for line in logged() if line["event"] == "call" and line["bearer"] == "old"]
    assert ended in (["UNAVAILABLE"], ["CANCELLED"])  # after goodbye a document leaves at once: either may be first


async def test_no_call_fails_while_certificates_and_tokens_are_renewed(
    start: Start, bearers: Bearers, authority: Authority, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """Callers who come anew each time and callers who stay; everything is replaced in place."""
    monkeypatch.setattr(renewal, "LOOK_SECONDS", 0.01)
    own, pair = bearers.file_of("own"), authority.issue("localhost")
    own.write_text(bearers.add("0"))
    tls = {"tls_certificate": str(pair[0]), "tls_key": str(pair[1])}
    server = await start(host="localhost", tokens=str(bearers.path), rows=16, **tls)
    credentials = Credentials(certificate_authority=str(authority.certificate), token_file=str(own))
    is_over, calls = False, 0

    async def ask(client: AsyncClient) -> None:
        nonlocal calls
        assert len(await client.complete("a bad", max_characters=5).read()) == 5
        calls += 1

    async def stay() -> None:
        client = AsyncClient(f"localhost:{server.port}", credentials=credentials)
        async with client, client.document("a bad") as document:
            while not is_over:
                await ask(client)
                document.insert("a")
                [_ async for _ in document.suggestions()]

    async def come_and_go() -> None:
        while not is_over:
            async with AsyncClient(f"localhost:{server.port}", credentials=credentials) as client:
                await ask(client)

    callers = asyncio.gather(stay(), stay(), come_and_go(), come_and_go())
    for number in (1, 2):
        before = calls
        authority.issue("localhost")  # into the same files
        await until("certificates renewed", number)
        token = bearers.add(str(number))
        await until("tokens renewed", 2 * number - 1)
        own.with_suffix(".new").write_text(token)
        own.with_suffix(".new").rename(own)
        while calls < before + 20:  # noqa: ASYNC110 # until all have the new one
            await asyncio.sleep(0.005)
        bearers.remove(str(number - 1))
        await until("tokens renewed", 2 * number)
    is_over = True
    await callers


async def test_a_revoked_token_s_stream_ends_at_its_next_request(
    server: Server, bearers: Bearers, connect: Connect, until: Until
) -> None:
    token = bearers.add("alice")
    await until("tokens renewed")
    call = connect(server).stub.Follow(metadata=bearing(token))
    await call.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="a bad")))
    assert isinstance(await call.read(), pb.FollowResponse)
    bearers.remove("alice")
    await until("tokens renewed", 2)
    await call.write(pb.FollowRequest(revision=2, edit=pb.Edit(insert=" cab")))
    assert await last(call) == "goodbye"
    assert await call.code() is grpc.StatusCode.UNAVAILABLE
    assert await call.details() == "the token of this stream is no longer taken"


async def last(call: Any) -> str:
    """The last event of a stream of which nothing else is read."""
    event = ""
    with suppress(grpc.aio.AioRpcError):
        while isinstance(response := await call.read(), pb.FollowResponse):
            event = response.WhichOneof("event") or ""
    return event


@pytest.mark.parametrize("more", ["bob", "bob sha256:00", "\x00", "bob elman_secretsecret"])
async def test_a_file_that_is_damaged_leaves_the_old_tokens(
    server: Server, bearers: Bearers, logged: Logged, more: str, until: Until
) -> None:
    bearers.add("alice")
    await until("tokens renewed")
    bearers.write(more)
    await until("tokens not renewed: the old ones hold")
    assert await completes(server, bearers.credentials("alice"))
    (trouble,) = [line for line in logged() if line["event"] == "tokens not renewed: the old ones hold"]
    assert trouble["reason"].startswith("tokens, line 4: this line is out of range; allowed: NAME sha256:HASH, and limits")
    assert "secret" not in json.dumps(logged())
    bearers.write()
    await until("tokens renewed", 1)
    bearers.path.unlink()
    await until("tokens not renewed: the old ones hold", 2)
    assert await completes(server, bearers.credentials("alice"))


async def test_a_file_without_tokens_lets_nobody_in(server: Server, bearers: Bearers, until: Until) -> None:
    bearers.add("alice")
    await until("tokens renewed")
    bearers.path.write_text("")
    await until("tokens renewed", 2)
    with pytest.raises(LogIn):
        await completes(server, bearers.credentials("alice"))


async def refused(client: Client, token: str) -> tuple[str, float, float]:
    """Why a call is refused, and after how long to come back by either of the two ways that tell it."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [_ async for _ in client.stub.Complete(SHORT, metadata=bearing(token))]
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    trailing: dict[str, Any] = dict(caught.value.trailing_metadata() or ())
    info = RetryInfo()
    assert Status.FromString(trailing["grpc-status-details-bin"]).details[0].Unpack(info)
    return (
        caught.value.details() or "",
        int(trailing["grpc-retry-pushback-ms"]) / 1000,
        info.retry_delay.ToMilliseconds() / 1000,
    )


async def completed(client: Client, token: str) -> int:
    return len([event async for event in client.stub.Complete(SHORT, metadata=bearing(token))])


async def test_calls_beyond_a_token_s_are_refused_with_the_time_to_come_back_and_others_are_not(
    server: Server, bearers: Bearers, connect: Connect, until: Until
) -> None:
    slow = bearers.add("slow", calls_per_second=0.1)
    await until("tokens renewed")
    other = bearers.add("other")
    await until("tokens renewed", 2)
    client = connect(server)
    assert await completed(client, slow)
    assert await has_no_more(client, slow)
    words, pushback, delay = await refused(client, slow)
    assert words.startswith("this token may begin 0.1 calls a second; retry after ")
    assert 0 < pushback <= 10
    assert pushback == delay
    assert await completed(client, other)


async def has_no_more(client: Client, token: str) -> bool:
    """Whether it is refused in the end, and soon."""
    with suppress(grpc.aio.AioRpcError):
        return not any([await completed(client, token) for _ in range(20)])
    return True


async def test_running_calls_beyond_a_token_s_are_refused_until_one_has_ended(
    server: Server, bearers: Bearers, connect: Connect, until: Until
) -> None:
    token = bearers.add("one", concurrent_calls=1)
    await until("tokens renewed")
    client = connect(server)
    first = client.stub.Follow(metadata=bearing(token))
    await first.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="a bad")))
    await first.read()
    words, pushback, _ = await refused(client, token)
    assert words.startswith("1 calls of this token are running; retry after ")
    assert pushback > 0
    first.cancel()
    await until("call", 2)
    assert await completed(client, token)


async def test_characters_beyond_a_token_s_are_refused_in_calls_and_in_streams(
    server: Server, bearers: Bearers, connect: Connect, until: Until
) -> None:
    one = bearers.add("one", characters_per_second=1)
    await until("tokens renewed")
    other = bearers.add("other", characters_per_second=1)
    await until("tokens renewed", 2)
    client = connect(server)
    long = pb.CompleteRequest(prefix="a" * 100, limits=pb.Limits(max_characters=5))
    assert [event async for event in client.stub.Complete(long, metadata=bearing(one))]
    words, pushback, _ = await refused(client, one)
    assert words.startswith("this token may send and get 1 characters a second; retry after ")
    assert 50 < pushback < 100
    call = client.stub.Follow(metadata=bearing(other))
    await call.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="a" * 100)))
    await call.read()
    await call.write(pb.FollowRequest(revision=2, edit=pb.Edit(insert="b")))
    await last(call)
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    async with client_of(server, bearers.credentials("one")) as polite:
        with pytest.raises(BackOff) as caught:
            await polite.complete("a bad", max_characters=5).read()
        assert caught.value.seconds > 50


async def test_each_character_of_a_stream_counts_once(
    server: Server, bearers: Bearers, connect: Connect, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, counted = bearers.add("one", characters_per_second=1000), list[int]()
    await until("tokens renewed")

    def spend(_: Grant, characters: int) -> None:
        counted.append(characters)

    monkeypatch.setattr(Grant, "spend", spend)
    call = connect(server).stub.Follow(metadata=bearing(token))
    await call.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="a" * 100, limits=pb.Limits(max_characters=5))))
    await call.done_writing()
    assert [response async for response in call][-1].HasField("finished")
    assert sum(counted) == 105


def test_what_was_not_asked_for_is_saved_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("elman_server.security.limits.time.monotonic", lambda: now)
    allowance = Allowance(2.0)
    allowance.spend(20)
    assert allowance.wait_seconds == 0
    allowance.spend(3)
    assert allowance.wait_seconds == 1.5
    now += 1.5
    assert allowance.wait_seconds == 0
    now += 1000
    allowance.spend(21)
    assert allowance.wait_seconds == 0.5
    assert Allowance(None).wait_seconds == 0


def test_limits_that_change_hold_at_once_and_running_calls_stay_counted() -> None:
    _, line = new_token("a", Limits(concurrent_calls=2))
    grant = Grant(line)
    grant.begin()
    grant.renew(line._replace(limits=Limits(concurrent_calls=1)))
    with pytest.raises(OverLimit):
        grant.begin()
    grant.end()
    grant.begin()


def test_a_line_says_what_was_made() -> None:
    token, line = new_token("a.b-c_d", Limits(calls_per_second=0.5, concurrent_calls=3))
    assert str(line).endswith(" calls_per_second=0.5 concurrent_calls=3")
    assert list(lines_of(f"# a comment\n\n{line}  # another\r\n".encode())) == [line]
    assert token not in str(line)
    assert new_token("a", Limits())[0] != new_token("a", Limits())[0]


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "é", "a" * 65, "#a", "a=b"])
def test_a_name_that_a_line_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(InvalidField, match=r"^name: "):
        new_token(name, Limits())


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("calls=3", "what follows the hash is out of range; allowed: limits: calls_per_second, "),
        ("calls_per_second=0", "calls_per_second is out of range; allowed: above 0"),
        ("calls_per_second=nan", "calls_per_second is out of range"),
        ("concurrent_calls=1.5", "concurrent_calls is out of range; allowed: 1 to 1000000"),
        ("elman_secret", "what follows the hash is out of range"),
    ],
)
def test_limits_that_are_none_are_refused_by_line(limit: str, words: str) -> None:
    _, line = new_token("a", Limits())
    with pytest.raises(InvalidField, match=f"^tokens, line 2: {words}") as caught:
        list(lines_of(f"{line}\n{line} {limit}\n".encode()))
    assert "secret" not in str(caught.value)


def test_a_token_is_found_among_many_and_nothing_like_it_is(tmp_path: Path) -> None:
    made = [new_token(f"n{number}", Limits()) for number in range(100)]
    path = tmp_path / "tokens"
    path.write_text("".join(f"{line}\n" for _, line in made))
    tokens = Tokens(str(path))
    for token, line in made:
        grant = tokens.grant_of(token)
        assert grant is not None
        assert grant.line == line
        assert tokens.grant_of(token[:-1]) is tokens.grant_of(line.digest.hex()) is None


async def test_no_token_is_in_logs_metrics_or_refusals(
    server: Server, bearers: Bearers, connect: Connect, logged: Logged, until: Until
) -> None:
    right, wrong = bearers.add("alice", calls_per_second=1e-6), f"{new_token('x', Limits())[0]}"
    await until("tokens renewed")
    client = connect(server)
    said: list[str] = []
    for token, method in ((right, wrong), (wrong, wrong), (wrong, "Complete")):
        said.append(str(await refusal(client, f"/elman.v1.CompletionService/{method}", bearing(token))))
    async with client_of(server, bearers.credentials("alice")) as polite:
        with pytest.raises(BackOff) as caught:
            [await polite.complete("a bad", max_characters=5).read() for _ in range(20)]
        said.append(repr(caught.value))
    bearers.write(right)
    await until("tokens not renewed: the old ones hold")
    said.append(repr(bearers.credentials("alice")))
    metrics = await asyncio.to_thread(
        lambda: urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics", timeout=10).read().decode()
    )
    everything = json.dumps(logged()) + metrics + "".join(said)
    assert 'outcome="UNAUTHENTICATED"' in metrics
    assert "alice" in everything
    for token in (right, wrong):
        assert token[6:20] not in everything
        assert token[-14:] not in everything


def test_limits_are_written_as_they_are_read() -> None:
    limits = Limits(calls_per_second=0.1234567, characters_per_second=12345678.0, concurrent_calls=1_000_000)
    _, line = new_token("a", limits)
    assert str(line).endswith("calls_per_second=0.1234567 characters_per_second=12345678 concurrent_calls=1000000")
    assert list(lines_of(str(line).encode())) == [line]
