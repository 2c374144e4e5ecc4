"""A stream that breaks anywhere and is resumed anywhere equals the unbroken one."""

from typing import Any

import grpc
import pytest

from elman.aio.client import AsyncClient
from elman.errors import AllowMoreTime, ElmanError, GoElsewhere, MendRequest, NeverRetry, ReportDefect
from elman.protocol.retry import Retry
from elman.sync.client import Client

LENGTH = 12
WISHES: dict[str, dict[str, Any]] = {
    "plain": {},
    "stop": {"stop": ["dgf", "\n!\n", "éab"], "temperature": 2.0},  # ends in the second, after beginnings of the others
    "confidence": {"min_confidence": 1e-5},
    "greedy": {"temperature": 0},
    "log-probabilities": {"include_log_probabilities": True},
}


def outcome(record: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What a caller keeps of each alternative."""
    names = ("alternative", "text", "finish_reason", "state", "log_probabilities")
    return [tuple(each.get(name) for name in names) for each in record["alternatives"]]


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
@pytest.mark.parametrize("after", range(LENGTH + 1))
def test_a_stream_broken_after_n_characters_is_resumed_to_the_same_bytes(
    after: int, wish: dict[str, Any], scripted: Any, client: Client, break_at: Any
) -> None:
    whole = client.complete("a bad ", seed=7, max_characters=LENGTH, **wish)
    whole.read()
    scripted.breaks = [break_at(after)]
    broken = client.complete("a bad ", seed=7, max_characters=LENGTH, **wish)
    broken.read()
    assert outcome(broken.record()) == outcome(whole.record())


def test_the_wishes_above_end_in_every_way(client: Client) -> None:
    completions = [client.complete("a bad ", seed=7, max_characters=LENGTH, **wish) for wish in WISHES.values()]
    for completion in completions:
        completion.read()
    assert {completion.finish_reason for completion in completions} == {"length", "stop", "confidence"}


@pytest.mark.parametrize("after", range(3 * LENGTH + 1))
def test_each_unfinished_alternative_is_resumed_alone_and_no_finished_one_is_asked_for_again(
    after: int, scripted: Any, client: Client, break_at: Any
) -> None:
    wish: dict[str, Any] = {"seed": 5, "max_characters": LENGTH, "alternatives": 3, "first_alternative": 2, "temperature": 2.0}
    whole = client.complete("a", **wish, stop=["b"])
    whole.read()
    scripted.requests.clear()
    scripted.breaks = [break_at(after)]
    broken = client.complete("a", **wish, stop=["b"])
    broken.read()
    assert outcome(broken.record()) == outcome(whole.record())
    resumed = [request for request in scripted.requests[1:] if request.already_received]
    assert all(request.alternatives == 1 for request in resumed)
    numbers = [request.first_alternative for request in scripted.requests[1:]]
    assert len(numbers) == len(set(numbers)) <= 3


def test_a_stream_that_breaks_after_every_character_still_ends(scripted: Any, client: Client, break_at: Any) -> None:
    whole = client.complete("ab", seed=1, max_characters=20).read()
    scripted.breaks = [break_at(1)] * 20
    assert client.complete("ab", seed=1, max_characters=20).read() == whole


def test_every_retry_carries_the_seed_and_every_one_after_started_the_digest(
    scripted: Any, client: Client, break_at: Any
) -> None:
    scripted.breaks = [break_at(3), break_at(2), None]
    completion = client.complete("ab", max_characters=9)
    completion.read()
    first, *retries = scripted.requests
    assert first.model.digest == ""
    assert {request.sampling.seed for request in scripted.requests} == {completion.seed}
    assert [request.model.digest for request in retries] == [completion.digest] * 2
    assert [len(request.already_received) for request in retries] == [3, 5]


def test_two_completions_draw_different_seeds(client: Client) -> None:
    assert client.complete("a").seed != client.complete("a").seed


def test_a_broken_stream_is_resumed_at_the_next_address(
    start_scripted: Any, connect: Any, break_at: Any, scripted: Any
) -> None:
    other = start_scripted()
    scripted.breaks = [break_at(4)]
    completion = connect([scripted.address, other.address]).complete("ab", seed=3, max_characters=9)
    completion.read()
    assert [len(scripted.requests), len(other.requests)] == [1, 1]
    assert other.requests[0].already_received == completion.text[:4]


def test_an_address_where_nobody_answers_is_passed_over_and_not_tried_first_again(connect: Any, scripted: Any) -> None:
    client = connect(["127.0.0.1:1", scripted.address])
    assert client.complete("ab", seed=3).read() == client.complete("ab", seed=3).read()
    assert len(client.models()) == 1


@pytest.mark.parametrize(
    ("status", "details", "pushback"),
    [
        (grpc.StatusCode.UNAVAILABLE, "draining", ""),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "the queue is full", "1"),
        (grpc.StatusCode.CANCELLED, "by a proxy", ""),
        (grpc.StatusCode.INTERNAL, "Received RST_STREAM with error code 2", ""),
    ],
)
def test_what_breaks_a_stream_is_retried(
    status: grpc.StatusCode, details: str, pushback: str, scripted: Any, client: Client, break_at: Any
) -> None:
    scripted.breaks = [break_at(2, status, details, pushback)] * 3
    assert len(client.complete("ab", max_characters=9).read()) == 9
    assert len(scripted.requests) == 4


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, NeverRetry),
        (grpc.StatusCode.INTERNAL, ReportDefect),
        (grpc.StatusCode.INVALID_ARGUMENT, MendRequest),
    ],
)
def test_what_cannot_be_mended_by_a_retry_is_raised_and_keeps_what_was_received(
    status: grpc.StatusCode, error: type[ElmanError], scripted: Any, client: Client, break_at: Any
) -> None:
    scripted.breaks = [break_at(2, status, "no")]
    completion = client.complete("ab", max_characters=9)
    with pytest.raises(error, match="no"):
        completion.read()
    assert len(completion.text) == 2
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("pushback", ["soon", "-1", "1.5"])
def test_a_pushback_that_is_not_a_number_is_ignored(pushback: str, scripted: Any, client: Client, break_at: Any) -> None:
    scripted.breaks = [break_at(2, grpc.StatusCode.RESOURCE_EXHAUSTED, "too large", pushback)]
    with pytest.raises(NeverRetry, match="too large"):
        client.complete("ab").read()
    assert len(scripted.requests) == 1


def test_retries_that_bring_nothing_are_bounded(scripted: Any, connect: Any, break_at: Any) -> None:
    retry = Retry(attempts=4, first_seconds=0, largest_seconds=0)
    scripted.breaks = [break_at(0)] * 9
    with pytest.raises(GoElsewhere, match="the test breaks this stream"):
        connect(scripted.address, retry=retry).complete("ab").read()
    assert len(scripted.requests) == 4


def test_a_timeout_covers_the_waits_between_retries(scripted: Any, connect: Any, break_at: Any) -> None:
    scripted.breaks = [break_at(0, grpc.StatusCode.RESOURCE_EXHAUSTED, "full", "60000")]
    with pytest.raises(AllowMoreTime, match="full"):
        connect(scripted.address).complete("ab", timeout=5).read()
    assert len(scripted.requests) == 1


def test_score_and_models_are_retried(scripted: Any, client: Client, break_at: Any) -> None:
    scripted.breaks = [break_at(0)]
    assert client.score("ab").characters == 2
    scripted.breaks = [break_at(0)]
    assert [model.name for model in client.models()] == ["tiny"]
    assert len(scripted.requests) == 4


@pytest.mark.parametrize("after", [0, 1, 5, 11, 12])
async def test_the_asynchronous_face_resumes_to_the_same_bytes(
    after: int, scripted: Any, client: Client, break_at: Any, at_once: Retry
) -> None:
    whole = client.complete("ab", seed=9, max_characters=6, alternatives=2)
    whole.read()
    scripted.breaks = [break_at(after)]
    async with AsyncClient(scripted.address, retry=at_once) as asynchronous:
        broken = asynchronous.complete("ab", seed=9, max_characters=6, alternatives=2)
        await broken.read()
    assert outcome(broken.record()) == outcome(whole.record())


async def test_the_asynchronous_face_retries_score_and_models(scripted: Any, break_at: Any, at_once: Retry) -> None:
    scripted.breaks = [break_at(0), None, break_at(0), None]
    async with AsyncClient(scripted.address, retry=at_once) as client:
        assert (await client.score("ab")).characters == 2
        assert [model.name for model in await client.models()] == ["tiny"]


def test_a_record_repeats_its_completion(client: Client) -> None:
    first = client.complete("a bad ", temperature=1.5, top_k=5, max_characters=9, alternatives=2, stop=["ef"])
    first.read()
    request = first.record()["request"]
    again = client.complete(**request | {"state": b""})
    again.read()
    assert outcome(again.record()) == outcome(first.record())


def test_a_returned_state_spares_the_text(client: Client) -> None:
    first = client.complete("a bad ", seed=4, max_characters=8)
    first.read()
    rest = client.complete(state=first.state, seed=4, max_characters=8)
    rest.read()
    assert first.text + rest.text == client.complete("a bad ", seed=4, max_characters=16).read()
    assert rest.usage is not None
    assert rest.usage.spared_characters == 14
