"""A document at streams and a clock held by hand: what it sends, what it waits for, and what it does when a stream ends."""

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from elman.errors import AllowMoreTime, BackOff, ElmanError, GoElsewhere, MendRequest, SendTextAgain
from elman.protocol.draft import Draft
from elman.protocol.gathering import SPACING
from elman.protocol.heard import Heard
from elman.protocol.replicas import Replicas
from elman.protocol.request import opening
from elman.protocol.retry import Retry
from elman.sync.document import IDLE_SECONDS, Document
from elman.v1 import completion_service_pb2 as pb

PLAIN: dict[str, Any] = {"model": None, "digest": "", "temperature": 0.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "seed": 7}
ENDS: dict[str, Any] = {"max_characters": 9, "stop": [], "min_confidence": None, "alternatives": 1}
LONG = "a bad cab\n" * SPACING
PATIENCE_SECONDS = 10


class Clock:
    """Time that passes only when someone says so. It is the document's `time` too."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    def jitter(self) -> float:
        return 1.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


class Stream:
    """One stream. Whoever waits for it lets the next thing happen; once nothing is left to happen it fails."""

    is_embedded = False

    def __init__(self, happenings: deque[Callable[["Stream"], object]]) -> None:
        self._happenings = happenings
        self._heard: deque[Heard] = deque()
        self.failure: ElmanError | None = None
        self.sent: list[pb.FollowRequest] = []
        self.asked: list[pb.ScoreRequest] = []
        self.waits: list[float | None] = []
        self.wakes = self.closes = 0

    def send(self, request: pb.FollowRequest) -> None:
        self.sent.append(request)

    def ask(self, request: pb.ScoreRequest) -> None:
        self.asked.append(request)

    def read(self, request: pb.ScoreRequest, is_idle: Callable[[], bool]) -> bytes:
        raise AssertionError

    def take(self) -> Heard | None:
        return self._heard.popleft() if self._heard else None

    def wait(self, seconds: float | None) -> None:
        self.waits.append(seconds)
        self._happenings.popleft()(self)

    def wake(self) -> None:
        self.wakes += 1

    def close(self) -> None:
        self.closes += 1

    def hear(self, heard: Heard) -> None:
        self._heard.append(heard)

    def answer(self, **event: Any) -> None:
        """Answer the last request."""
        self.hear(pb.FollowResponse(revision=self.sent[-1].revision, **event))

    def last(self) -> Any:
        """What was sent last."""
        return getattr(self.sent[-1], str(self.sent[-1].WhichOneof("event")))


class World:
    """A document, the clock, and the streams that it has opened: the number of the replica, and the stream."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.streams: list[tuple[int, Stream]] = []
        self.happenings: deque[Callable[[Stream], object]] = deque()

    def document(
        self,
        text: str = "",
        *,
        debounce_seconds: float = 0.0,
        retry: Retry | None = None,
        replicas: int = 2,
        context: int | None = None,
    ) -> Document:
        """A new one, over replicas that accept every stream."""
        transports: list[Any] = [Replica(self, number) for number in range(replicas)]
        draft = Draft(opening(**PLAIN, **ENDS, include_log_probabilities=False), text, context=context)
        return Document(draft, Replicas(transports, retry, self.clock), debounce_seconds)

    def then(self, *happenings: Callable[[Stream], object]) -> None:
        """What happens while the next waits last, one each."""
        self.happenings.extend(happenings)

    @property
    def stream(self) -> Stream:
        """The newest one."""
        return self.streams[-1][1]


class Replica:
    """The part of a transport that a document uses."""

    def __init__(self, world: World, number: int) -> None:
        self._world, self._number = world, number

    def follow(self) -> Stream:
        stream = Stream(self._world.happenings)
        self._world.streams.append((self._number, stream))
        return stream


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    clock = Clock()
    monkeypatch.setattr("elman.sync.document.time", clock)
    return World(clock)


def start(stream: Stream) -> None:
    stream.answer(started=pb.Started(model=pb.Model(name="m", digest="d" * 64), seed=7))


def suggest(text: str, position: int = 0) -> Callable[[Stream], None]:
    return lambda stream: stream.answer(suggestion=pb.Piece(text=text, position=position))


def finish(stream: Stream) -> None:
    stream.answer(finished=pb.Finished(reason=pb.FINISH_REASON_LENGTH, state=b"s"))


def fail(error: ElmanError) -> Callable[[Stream], None]:
    return lambda stream: setattr(stream, "failure", error)


def given(document: Document, timeout: float | None = None) -> list[str]:
    return [suggestion.text for suggestion in document.suggestions(timeout=timeout)]


def both(*happenings: Callable[[Stream], object]) -> Callable[[Stream], None]:
    """At once."""

    def happen(stream: Stream) -> None:
        for happening in happenings:
            happening(stream)

    return happen


def test_suggestions_are_given_as_they_come_and_end_with_the_last(world: World) -> None:
    document = world.document()
    world.then(start, suggest("a"), both(suggest("b", 1), finish))
    suggestions = document.suggestions()
    assert next(suggestions).text == "a"
    assert len(world.stream.waits) == 2
    assert [each.text for each in suggestions] == ["ab"]
    assert world.stream.waits == [None] * 3
    assert [request.WhichOneof("event") for request in world.stream.sent] == ["open"]
    assert given(document) == []
    assert len(world.streams) == 1


def test_before_a_stream_is_open_edits_send_nothing_and_no_state_is_asked_for(world: World) -> None:
    document = world.document(LONG)
    document.insert("a", suggest=False)
    assert given(document) == []
    assert world.streams == []


def test_an_edit_is_sent_at_once_and_ends_the_wait(world: World) -> None:
    document = world.document()
    world.then(lambda stream: document.insert("a"), both(suggest("b", 1), finish))
    assert given(document) == ["b"]
    assert (world.stream.last(), world.stream.wakes) == (pb.Edit(keep=0, insert="a", suggest=True), 1)


def test_what_arrived_before_a_stream_ended_is_given_first(world: World) -> None:
    document = world.document()
    world.then(both(suggest("a"), fail(GoElsewhere("gone"))), both(suggest("ab"), finish))
    suggestions = document.suggestions()
    assert next(suggestions).text == "a"
    assert len(world.streams) == 1
    assert [each.text for each in suggestions] == ["ab"]


def test_after_an_error_suggestions_may_be_asked_for_again(world: World) -> None:
    document = world.document(retry=Retry(attempts=1))
    world.then(fail(GoElsewhere("gone")), both(suggest("a"), finish))
    with pytest.raises(GoElsewhere, match="gone"):
        given(document)
    assert given(document) == ["a"]


def test_a_stream_that_ends_is_closed_and_the_next_replica_hears_the_whole_text(world: World) -> None:
    document = world.document("bad ")
    world.then(suggest("a", 4), fail(GoElsewhere("gone")), both(suggest("ab", 4), finish))
    assert given(document) == ["a", "ab"]
    (first, left), (second, stream) = world.streams
    assert (first, second) == (0, 1)
    assert (left.closes, left.wakes, stream.closes) == (1, 1, 0)
    assert (stream.last().prefix, stream.last().suggest) == ("bad ", True)
    assert world.clock.slept == [0]


def test_a_lone_server_that_is_full_is_asked_again_after_as_long_as_it_wants(world: World) -> None:
    document = world.document(replicas=1)
    world.then(fail(BackOff("full", 3.0)), both(suggest("a"), finish))
    assert given(document) == ["a"]
    assert world.clock.slept == [3.0]


def test_an_error_that_no_other_try_mends_is_raised(world: World) -> None:
    document = world.document()
    world.then(fail(MendRequest("no")))
    with pytest.raises(MendRequest):
        given(document)
    assert (len(world.streams), world.stream.closes) == (1, 1)


def test_a_model_that_no_replica_has_any_more_is_given_up_once(world: World) -> None:
    document = world.document("bad ")
    world.then(start, both(suggest("a", 4), finish))
    assert given(document) == ["a"]
    document.insert("b")
    world.then(*(fail(SendTextAgain("other")) for _ in range(7)))
    with pytest.raises(SendTextAgain):
        given(document)
    assert world.clock.slept == [0] * 6
    assert [stream.sent[0].open.model.digest for _, stream in world.streams] == [""] * 7


def test_while_nothing_is_suggested_a_state_is_asked_for_and_another_replica_begins_with_it(world: World) -> None:
    document = world.document(LONG)
    world.then(both(start, suggest("a", len(LONG))), finish)
    suggestions = document.suggestions()
    next(suggestions)
    assert world.stream.asked == []
    assert next(suggestions).finish_reason
    assert list(suggestions) == []
    (request,) = world.stream.asked
    assert LONG.startswith(request.text)
    world.stream.hear((request, b"state"))
    document.insert("b")
    world.then(fail(GoElsewhere("gone")), finish)
    assert given(document) == []
    assert (world.stream.last().state, world.stream.last().prefix) == (b"state", LONG[len(request.text) :] + "b")


def test_no_state_of_a_short_text_is_asked_for(world: World) -> None:
    document = world.document("a")
    world.then(both(start, finish))
    assert given(document) == []
    assert world.stream.asked == []


def test_suggestions_are_asked_for_once_edits_have_rested(world: World) -> None:
    document = world.document(debounce_seconds=5.0)
    world.then(finish)
    assert given(document) == []  # asked for at once: nothing was edited
    assert (world.stream.last().suggest, world.stream.waits) == (True, [None])
    world.clock.seconds = 10
    document.insert("a")
    assert world.stream.last() == pb.Edit(keep=0, insert="a", suggest=False)
    world.clock.seconds = 12
    world.then(lambda _: world.clock.sleep(2.5), lambda _: world.clock.sleep(0.5), finish)
    assert given(document, timeout=60) == []
    assert world.stream.last() == pb.Edit(keep=1, insert="", suggest=True)
    assert world.stream.waits == [None, 3.0, 0.5, 57.0]


def test_no_wait_is_longer_than_the_timeout_which_covers_all_tries(world: World) -> None:
    document = world.document()
    world.then(lambda _: world.clock.sleep(4.0), fail(GoElsewhere("gone")), lambda _: world.clock.sleep(6.0))
    with pytest.raises(AllowMoreTime):
        given(document, timeout=10)
    assert [stream.waits for _, stream in world.streams] == [[10.0, 6.0], [6.0]]


def test_a_document_that_is_closed_suggests_no_more_and_closes_its_stream(world: World) -> None:
    with world.document() as document:
        world.then(lambda _: document.close())
        assert given(document) == []
        assert (world.stream.closes, world.stream.wakes) == (1, 1)
        assert given(document) == []
        assert not document.wait()
    assert (len(world.streams), world.stream.closes, world.stream.wakes) == (1, 1, 1)


def test_whoever_leaves_the_block_closes_the_document(world: World) -> None:
    with world.document() as document:
        world.then(finish)
        assert given(document) == []
    assert (world.stream.closes, document.wait(), document.text) == (1, False, "")


def test_an_error_is_none_of_a_document_that_was_closed_meanwhile(world: World) -> None:
    document = world.document()

    def close_as_it_is_read(stream: Stream) -> None:
        stream.take = document.close

    world.then(both(close_as_it_is_read, fail(MendRequest("cancelled"))))
    assert given(document) == []
    assert world.clock.slept == [0]


def insert(document: Document) -> None:
    document.insert("a")


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("act", "is_open"), [(insert, True), (Document.close, False)])
def test_whoever_waits_is_told_of_an_edit_and_of_the_end(
    world: World, act: Callable[[Document], object], is_open: bool
) -> None:
    document = world.document()
    assert document.wait()  # at once: nothing was suggested yet
    document.dismiss()
    told: list[bool] = []
    waiting = threading.Thread(target=lambda: told.append(document.wait()), daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert told == []
    act(document)
    waiting.join(PATIENCE_SECONDS)
    assert told == [is_open]


def at_rest(world: World, text: str, reader: Callable[[Stream, pb.ScoreRequest, Callable[[], bool]], bytes]) -> Document:
    """A document whose context is bounded, at an engine in this process that reads so, with all of its suggestions given."""
    document = world.document(text, context=SPACING * 16)
    world.then(both(start, finish))
    assert given(document) == []
    stream: Any = world.stream
    stream.is_embedded, stream.read = True, partial(reader, stream)
    world.clock.seconds = IDLE_SECONDS
    return document


@pytest.mark.timeout(30)
def test_while_nobody_edits_what_lies_around_is_read_and_an_edit_ends_that(world: World) -> None:
    read: list[str] = []

    def reader(stream: Stream, request: pb.ScoreRequest, is_idle: Callable[[], bool]) -> bytes:
        read.append(request.text)
        assert is_idle()
        if len(read) == 3:
            world.clock.seconds += 1
            document.insert("a", suggest=True)
            assert not is_idle()
            return b""
        return b"state"

    document = at_rest(world, LONG, reader)
    assert document.wait()
    assert len(read) == 3
    assert all(text in LONG for text in read)


@pytest.mark.timeout(30)
def test_what_cannot_be_read_is_tried_again_after_an_edit_alone(world: World) -> None:
    read: list[str] = []

    def reader(stream: Stream, request: pb.ScoreRequest, is_idle: Callable[[], bool]) -> bytes:
        read.append(request.text)
        return b""

    document = at_rest(world, LONG, reader)
    waiting = threading.Thread(target=document.wait, daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert (waiting.is_alive(), len(read)) == (True, 1)
    world.clock.seconds += 1
    document.close()
    waiting.join(PATIENCE_SECONDS)
    assert (waiting.is_alive(), len(read)) == (False, 1)


@pytest.mark.timeout(30)
def test_nothing_is_read_before_half_a_second_without_an_edit(world: World) -> None:
    def reader(stream: Stream, request: pb.ScoreRequest, is_idle: Callable[[], bool]) -> bytes:
        raise AssertionError

    document = at_rest(world, LONG, reader)
    document.delete()  # wants no suggestions
    waiting = threading.Thread(target=document.wait, daemon=True)
    waiting.start()
    waiting.join(0.05)
    document.close()
    waiting.join(PATIENCE_SECONDS)
    assert not waiting.is_alive()
