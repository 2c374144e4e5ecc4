"""Every end, at every offset within a tick: the same text, reason and state, whatever the size of the ticks."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_models.law.artifact import Model
from elman_server.embedded import Embedded
from elman_server.engine.ending import Ending, Reason

if TYPE_CHECKING:
    from tests.laws.conftest import Ask, CompletionRequests, MakeEmbedded, MakeTogether, Oracle, Told

PREFIX = "a bed"
SAMPLING = pb.Sampling(seed=8, temperature=0.7)
FARTHEST = 70
SHORT = "abé"


def case(*stops: str, length: int = 200, confidence: float | None = None) -> pb.CompleteRequest:
    """One request, with one end."""
    limits = pb.Limits(max_characters=length, stop=stops, min_confidence=confidence)
    return pb.CompleteRequest(prefix=PREFIX, sampling=SAMPLING, limits=limits)


def offsets(draws: int) -> list[int]:
    """Ends worth a look: all of a small tick and its next, the edges of larger ones."""
    edges = {1, draws - 1, draws, draws + 1, 2 * draws - 1, 2 * draws, 2 * draws + 1}
    return sorted(set(range(1, 2 * draws + 2)) if draws < 5 else edges - {0})


@pytest.fixture(scope="module")
def free(oracle: "Oracle") -> str:
    """What the requests here would say without an end."""
    return oracle.complete(case(length=FARTHEST)).text


@pytest.fixture(scope="module")
def states(oracle: "Oracle", free: str) -> list[bytes]:
    """The state after each number of its characters."""
    return [oracle.pack(oracle.consume(oracle.initial(), PREFIX + free[:count])) for count in range(FARTHEST + 1)]


@pytest.fixture(scope="module")
def surprises(oracle: "Oracle", free: str) -> list[int]:
    """The running surprise after each number of its characters."""
    place, running = oracle.consume(oracle.initial(), PREFIX), [0]
    for character in free:
        running.append(running[-1] + oracle.surprise(place, oracle.index(character)))
        place = oracle.step(place, character)
    return running


def stops_ending_at(free: str, end: int) -> Iterator[str]:
    """The shortest and the longest stop string whose first match in the text ends there."""
    found = [free[start:end] for start in range(max(0, end - 64), end)]
    first = [stop for stop in found if free.index(stop) + len(stop) == end]
    yield from {min(first, key=len), max(first, key=len)}


def decoy(free: str, end: int) -> str:
    """A stop string that holds all of the text back until its last character, which turns out to be another."""
    return free[max(0, end - 50) : end - 1] + ("!" if free[end - 1] != "!" else "a")


@pytest.mark.parametrize("draws", range(1, 33))
def test_every_end_at_every_offset_within_a_tick(
    model: Model, make_together: "MakeTogether", free: str, states: list[bytes], surprises: list[int], draws: int
) -> None:
    patience = [entry / 2**24 for entry in model.tables.exp.tolist()]
    cases = [each for end in offsets(draws) for each in cases_ending_at(end, free, surprises, patience)]
    told = make_together(model, 1 + draws % 7, draws).ask([request for request, _, _ in cases])
    for (request, count, reason), one in zip(cases, told, strict=True):
        assert (one.text, one.reason, one.state) == (free[:count], reason, states[count]), request


def cases_ending_at(
    end: int, free: str, surprises: Sequence[int], patience: Sequence[float]
) -> Iterator[tuple[pb.CompleteRequest, int, int]]:
    """Requests that each end there in another way, with how many characters they say and why they end."""
    yield case(length=end), end, pb.FINISH_REASON_LENGTH
    for stop in stops_ending_at(free, end):
        yield case(stop), end - len(stop), pb.FINISH_REASON_STOP
        yield case(stop, decoy(free, end)), end - len(stop), pb.FINISH_REASON_STOP
    if surprises[end - 1] < surprises[end] < 2800:  # further out, EXP has equal neighbours
        yield case(confidence=patience[surprises[end] - 1]), end - 1, pb.FINISH_REASON_CONFIDENCE
        yield case(confidence=patience[surprises[end - 1]]), end - 1, pb.FINISH_REASON_CONFIDENCE


@given(data=st.data(), run=st.integers(1, 9), draws=st.integers(1, 32))
@settings(deadline=None, max_examples=40)
def test_no_end_depends_on_the_size_of_a_tick(
    model: Model,
    oracle: "Oracle",
    make_embedded: "MakeEmbedded",
    ask: "Ask",
    requests: "CompletionRequests",
    data: st.DataObject,
    run: int,
    draws: int,
) -> None:
    request = data.draw(requests(oracle))
    assert ask(make_embedded(model, run=run, draws=draws), request) == [oracle.complete(request)]


@given(data=st.data(), run=st.integers(1, 9), draws=st.integers(1, 32))
@settings(deadline=None, max_examples=20)
def test_a_broken_stream_goes_on_elsewhere_as_if_it_had_not_broken(
    model: Model,
    oracle: "Oracle",
    make_embedded: "MakeEmbedded",
    ask: "Ask",
    requests: "CompletionRequests",
    data: st.DataObject,
    run: int,
    draws: int,
) -> None:
    request, embedded = data.draw(requests(oracle)), make_embedded(model, run=run, draws=draws)
    unbroken = oracle.complete(request)
    check_resumed(embedded, ask, request, unbroken)


def check_resumed(embedded: Embedded, ask: "Ask", request: pb.CompleteRequest, unbroken: "Told") -> None:
    """After any number of its characters, the rest is the rest."""
    for count in range(len(unbroken.text) + 1):
        resumed = pb.CompleteRequest()
        resumed.CopyFrom(request)
        resumed.already_received = unbroken.text[:count]
        (rest,) = ask(embedded, resumed)
        assert (rest.text, rest.reason, rest.state) == (unbroken.text[count:], unbroken.reason, unbroken.state)


@pytest.mark.parametrize("temperature", [0.0, 0.9])
@pytest.mark.parametrize("alternative", [0, 3])
def test_a_broken_alternative_goes_on_alone(
    model: Model, oracle: "Oracle", embedded: Embedded, ask: "Ask", temperature: float, alternative: int
) -> None:
    request = pb.CompleteRequest(
        model=pb.Model(digest=model.digest),
        prefix="bad ",
        sampling=pb.Sampling(seed=4, temperature=temperature),
        limits=pb.Limits(max_characters=15, min_confidence=2.0**-18),
        first_alternative=alternative,
    )
    unbroken = oracle.complete(request)
    assert len(unbroken.text) > 2
    check_resumed(embedded, ask, request, unbroken)


@pytest.mark.parametrize("draws", [1, 3, 32])
def test_a_stop_string_that_straddles_the_break_ends_the_stream(
    model: Model, oracle: "Oracle", make_embedded: "MakeEmbedded", ask: "Ask", free: str, draws: int
) -> None:
    embedded = make_embedded(model, run=4, draws=draws)
    for received in range(1, 12):
        request = case(free[received - 1 : received + 6])  # an older elman, or another stop string, let its first character out
        request.model.digest, request.already_received = model.digest, free[:received]
        expected = oracle.complete(request)
        assert ask(embedded, request) == [expected]
        assert expected.reason == pb.FINISH_REASON_STOP


def test_what_was_received_may_reach_the_limit_but_not_exceed_it(
    model: Model, embedded: Embedded, ask: "Ask", free: str, states: list[bytes]
) -> None:
    request = case(length=9)
    request.model.digest, request.already_received = model.digest, free[:9]
    (told,) = ask(embedded, request)
    assert (told.text, told.reason, told.state) == ("", pb.FINISH_REASON_LENGTH, states[9])
    request.already_received = free[:10]
    with pytest.raises(InvalidField, match="already_received: 10 characters is out of range; allowed: at most max_char"):
        embedded.complete(request)


@pytest.mark.parametrize("draws", [1, 4, 64])
def test_what_was_received_and_is_too_unlikely_ends_with_the_state_after_all_of_it(
    model: Model, make_embedded: "MakeEmbedded", ask: "Ask", oracle: "Oracle", free: str, states: list[bytes], draws: int
) -> None:
    request = case(confidence=1.0)
    request.model.digest, request.already_received = model.digest, free[:9]
    (told,) = ask(make_embedded(model, run=3, draws=draws), request)
    assert (told.text, told.reason, told.state) == ("", pb.FINISH_REASON_CONFIDENCE, states[9])
    assert told == oracle.complete(request)


def test_what_was_received_holds_no_whole_stop_string(model: Model, embedded: Embedded, free: str) -> None:
    request = case(free[3:5])
    request.model.digest, request.already_received = model.digest, free[:5]
    with pytest.raises(InvalidField, match="already_received"):
        embedded.complete(request)


@given(
    received=st.text(SHORT, max_size=6),
    drawn=st.text(SHORT, min_size=1, max_size=30),
    stops=st.lists(st.text(SHORT, min_size=1, max_size=6), max_size=4),
    most=st.integers(1, 40),
    patience=st.none() | st.integers(0, 60),
    data=st.data(),
)
@settings(deadline=None, max_examples=400)
def test_an_ending_is_what_a_look_at_the_whole_text_finds(
    received: str, drawn: str, stops: list[str], most: int, patience: int | None, data: st.DataObject
) -> None:
    surprises = data.draw(st.lists(st.integers(0, 5), min_size=len(drawn), max_size=len(drawn)))
    ending = Ending(most, stops, patience)
    ending.receive(received)
    done = 0
    while done < len(drawn) and not ending.reason and len(received) <= most:
        size = data.draw(st.integers(1, 9))
        ending.take(drawn[done : done + size], surprises[done : done + size])
        done = min(done + size, len(drawn))
        assert (ending.sendable, ending.reason) == look(received, drawn[:done], stops, most, patience, surprises)


def look(
    received: str, drawn: str, stops: list[str], most: int, patience: int | None, surprises: list[int]
) -> tuple[int, Reason | None]:
    """How many characters may be sent, and why it ended, by trying every length in turn."""
    for count in range(len(drawn) + 1):
        text = received + drawn[:count]
        if count and (matched := [len(stop) for stop in stops if text.endswith(stop)]):
            return max(len(received), len(text) - max(matched)), Reason.STOP
        if len(text) == most:
            return most, Reason.LENGTH
        if patience is not None and sum(surprises[: count + 1]) > patience and count < len(drawn):
            return len(text), Reason.CONFIDENCE
    text = received + drawn
    held = max((size for stop in stops for size in range(len(stop)) if text.endswith(stop[:size])), default=0)
    return max(len(received), len(text) - held), None
