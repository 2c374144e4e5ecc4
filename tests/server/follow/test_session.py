"""What each request of a Follow means, without a transport: what is answered, what is refused and what is counted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_models.execution.choice import open_execution
from elman_models.law.artifact import Model
from elman_models.law.state import LARGEST_POSITION, State, pack
from elman_server.engine.engine import Engine
from elman_server.engine.job import Job, Timing
from elman_server.errors import QueueFull
from elman_server.follow.session import MOST_SUGGESTED, Session
from elman_server.requests.catalogue import Catalogue, Served

GIVEN: dict[str, Any] = {"sampling": pb.Sampling(seed=5), "limits": pb.Limits(max_characters=30)}
SIZE, TICKS = 1 << 16, 200


class Counting:
    """Who counts, and who is woken."""

    def __init__(self) -> None:
        self.characters = self.ends = self.wakes = 0
        self.outcomes: list[str] = []

    def note_text(self, characters: int) -> None:
        self.characters += characters

    def note_timing(self, timing: Timing) -> None:
        assert min(timing) >= 0
        self.ends += 1

    def note_suggestion(self, outcome: str) -> None:
        self.outcomes.append(outcome)

    def wake(self) -> None:
        self.wakes += 1


class Stream:
    """A session on an engine of its own, which works when it is told to."""

    def __init__(self, model: Model, size: int = SIZE) -> None:
        self.model, self.counted = model, Counting()
        self.engine = Engine({model.digest: open_execution(model, 4, "cpu")}, 4, 99)
        self.session = Session(Catalogue([Served("one", model)]), self.engine, size, self.counted, self.counted.wake)
        self.revision = 0

    def send(self, **event: Any) -> None:
        self.revision += 1
        self.session.take(pb.FollowRequest(revision=self.revision, **event))

    def open(self, prefix: str = "a bad cab", **given: Any) -> None:
        self.send(open=pb.Open(prefix=prefix, **{**GIVEN, **given}))

    def said(self, ticks: int = TICKS) -> list[pb.FollowResponse]:
        """What is said until the session is at rest, but at most within this many ticks."""
        responses: list[pb.FollowResponse] = []
        for _ in range(ticks + 1):
            while response := self.session.next():
                assert response.revision == self.revision
                responses.append(response)
            if self.session.is_at_rest:
                break
            self.engine.tick()
        return responses

    def suggested(self) -> str:
        """The text of the only alternative, to its end."""
        responses = self.said()
        assert responses[-1].HasField("finished")
        return "".join(response.suggestion.text for response in responses)


@pytest.fixture
def stream(model: Model) -> Stream:
    return Stream(model)


def kinds(responses: Sequence[pb.FollowResponse]) -> list[str | None]:
    return [response.WhichOneof("event") for response in responses]


def test_before_the_first_open_there_is_nothing(stream: Stream) -> None:
    assert (stream.session.next(), stream.session.pattern, stream.session.unconsumed) == (None, None, 0)
    assert stream.session.is_at_rest
    stream.session.begin()
    stream.session.close()
    assert stream.session.goodbye() == pb.FollowResponse(goodbye=pb.Goodbye())
    assert stream.counted.outcomes == []


def test_an_open_is_answered_at_once_and_then_by_suggestions(stream: Stream) -> None:
    stream.open()
    assert (stream.counted.wakes, stream.session.unconsumed, stream.session.is_at_rest) == (1, 9, False)
    started = stream.session.next()
    model = pb.Model(name="one", digest=stream.model.digest)
    assert started == pb.FollowResponse(revision=1, started=pb.Started(model=model, seed=5, start_position=9))
    assert len(stream.suggested()) == stream.counted.characters == 30
    assert (stream.counted.ends, stream.session.unconsumed, stream.session.next()) == (1, 0, None)
    assert stream.session.pattern is not None
    assert stream.session.pattern.prefix_characters == 0


@pytest.mark.parametrize(("given", "suggests"), [({}, True), ({"suggest": True}, True), ({"suggest": False}, False)])
def test_an_open_suggests_unless_told_otherwise(stream: Stream, given: dict[str, Any], suggests: bool) -> None:
    stream.open(**given)
    assert ("suggestion" in kinds(stream.said())) is suggests
    assert stream.session.unconsumed == 0


@pytest.mark.parametrize(
    ("insert", "given", "suggests"),
    [("b", {}, True), ("", {}, False), ("b", {"suggest": False}, False), ("", {"suggest": True}, True)],
)
def test_an_edit_suggests_if_it_inserts_unless_told_otherwise(
    stream: Stream, insert: str, given: dict[str, bool], suggests: bool
) -> None:
    stream.open(suggest=False)
    stream.said()
    wakes = stream.counted.wakes
    stream.send(edit=pb.Edit(keep=5, insert=insert, **given))
    assert stream.counted.wakes == wakes  # nothing is owed
    assert ("suggestion" in kinds(stream.said())) is suggests


@pytest.mark.parametrize(("given", "suggests"), [({}, True), ({"suggest": True}, True), ({"suggest": False}, False)])
def test_an_accept_suggests_unless_told_otherwise(stream: Stream, given: dict[str, bool], suggests: bool) -> None:
    stream.open()
    text = stream.suggested()
    stream.send(accept=pb.Accept(characters=4, **given))
    assert ("suggestion" in kinds(stream.said())) is suggests
    stream.send(edit=pb.Edit(keep=13, insert="", suggest=True))  # 9 + 4 characters are kept
    assert len(text) == len(stream.suggested()) == 30


def test_a_revision_must_grow(stream: Stream) -> None:
    stream.open()
    with pytest.raises(InvalidField, match=r"^revision: 1 .* above 1, the revision of the request before$"):
        stream.session.take(pb.FollowRequest(revision=1, dismiss=pb.Dismiss()))
    stream.session.take(pb.FollowRequest(revision=9, dismiss=pb.Dismiss()))
    with pytest.raises(InvalidField, match=r"^revision: 8 .* above 9"):
        stream.session.take(pb.FollowRequest(revision=8, dismiss=pb.Dismiss()))


@pytest.mark.parametrize("name", ["edit", "accept", "dismiss"])
def test_nothing_comes_before_open(stream: Stream, name: str) -> None:
    event = {"edit": pb.Edit(), "accept": pb.Accept(), "dismiss": pb.Dismiss()}[name]
    with pytest.raises(InvalidField, match=f"^event: '?{name}'? .* open, as the first request of a stream$"):
        stream.send(**{name: event})


def test_a_request_is_one_of_four(stream: Stream) -> None:
    with pytest.raises(InvalidField, match=r"^event: absent .* open, edit, accept or dismiss$"):
        stream.send()


def test_an_edit_keeps_at_most_what_there_is(stream: Stream) -> None:
    stream.open()
    stream.send(edit=pb.Edit(keep=9, insert=""))
    with pytest.raises(InvalidField, match=r"^keep: 10 .* 0 to 9, the number of characters before the cursor$"):
        stream.send(edit=pb.Edit(keep=10))


def test_texts_of_more_than_a_mebibyte_are_refused_by_name(stream: Stream) -> None:
    long = "a" * (1 << 20)
    with pytest.raises(InvalidField, match=r"^prefix: 1048577 bytes"):
        stream.open(long + "a")
    stream.open(long, suggest=False)
    stream.send(edit=pb.Edit(keep=1, insert=long))
    with pytest.raises(InvalidField, match=r"^insert: 1048577 bytes"):
        stream.send(edit=pb.Edit(keep=1, insert=long + "a"))


@pytest.mark.parametrize(("alternatives", "most"), [(1, MOST_SUGGESTED), (2, MOST_SUGGESTED // 2), (4, MOST_SUGGESTED // 4)])
def test_no_more_is_suggested_than_a_stream_should_hold(model: Model, alternatives: int, most: int) -> None:
    Stream(model).open(limits=pb.Limits(max_characters=most), alternatives=alternatives)
    allowed = rf"^max_characters: {most + 1} .* 1 to {most}: in Follow at most 16384, all alternatives together$"
    with pytest.raises(InvalidField, match=allowed):
        Stream(model).open(limits=pb.Limits(max_characters=most + 1), alternatives=alternatives)


def test_a_text_never_outgrows_its_positions(stream: Stream) -> None:
    def state_before_the_end(characters: int) -> bytes:
        remembered = np.zeros(stream.model.recall.window, np.uint8)
        return pack(State(stream.model.initial_state, LARGEST_POSITION - characters, remembered), stream.model)

    with pytest.raises(InvalidField, match=r"^state: .* after 40 more characters"):
        stream.open("a" * 10, state=state_before_the_end(39))
    stream.open("a" * 10, state=state_before_the_end(40), suggest=False)
    start = LARGEST_POSITION - 40
    stream.send(edit=pb.Edit(keep=start + 8, insert="aa"))
    with pytest.raises(InvalidField, match=r"^state: .* after 41 more characters"):
        stream.send(edit=pb.Edit(keep=start + 8, insert="aaa"))


def test_only_what_was_suggested_for_the_revision_before_can_be_accepted(stream: Stream) -> None:
    stream.open(alternatives=3)
    nothing = r"^alternative: 0 .* those suggested for the revision before: none; nothing was suggested$"
    with pytest.raises(InvalidField, match=nothing):
        stream.send(accept=pb.Accept(characters=1))
    stream.said()
    with pytest.raises(InvalidField, match=r"^alternative: 3 .* those suggested for the revision before: 0, 1, 2$"):
        stream.send(accept=pb.Accept(alternative=3, characters=1))
    for characters in (0, 31):
        with pytest.raises(InvalidField, match=rf"^characters: {characters} .* 1 to 30, the number of those suggested$"):
            stream.send(accept=pb.Accept(alternative=2, characters=characters))
    stream.send(accept=pb.Accept(alternative=2, characters=30))
    with pytest.raises(InvalidField, match=nothing):
        stream.send(accept=pb.Accept(characters=1))


def test_what_became_of_suggestions_is_counted_once_each(stream: Stream) -> None:
    stream.open()
    stream.send(dismiss=pb.Dismiss())  # nobody had begun
    assert stream.counted.outcomes == []
    stream.send(edit=pb.Edit(keep=9, insert="a"))
    stream.session.begin()
    stream.send(edit=pb.Edit(keep=10, insert="a"))
    assert stream.counted.outcomes == ["superseded"]
    stream.said()
    stream.send(dismiss=pb.Dismiss())
    assert stream.counted.outcomes == ["superseded", "dismissed"]
    stream.send(edit=pb.Edit(keep=11, insert="a"))
    stream.said()
    stream.send(accept=pb.Accept(characters=1))
    stream.said()
    stream.send(edit=pb.Edit(keep=1, insert="a"))
    stream.said()
    stream.session.close()
    assert stream.counted.outcomes == ["superseded", "dismissed", "accepted", "ignored", "ignored"]
    assert not stream.engine.has_work


def test_an_open_ends_what_was_done_for_the_document_before(stream: Stream) -> None:
    stream.open()
    stream.session.begin()
    stream.open("fed")
    assert stream.counted.outcomes == ["superseded"]
    assert len(stream.suggested()) == 30
    assert stream.engine.statistics().row_steps == 3 + 30  # nothing of the first


def test_what_was_cancelled_leaves_the_engine_with_nothing_to_do(stream: Stream) -> None:
    stream.open()
    stream.said(2)
    stream.session.close()
    stream.engine.tick()
    assert (stream.engine.has_work, stream.said()) == (False, [])


def test_an_edit_before_what_is_kept_needs_text_and_an_open_clears_that(model: Model) -> None:
    stream = Stream(model, 6000)
    stream.open("a bad cab, a fed bed\n" * 200, suggest=False)
    stream.said()
    stream.send(edit=pb.Edit(keep=1, insert="a"))
    wakes = stream.counted.wakes
    assert stream.session.unconsumed == 0
    (need,) = stream.said()
    assert 1 < need.need_text.earliest_position < 4200
    assert stream.session.next() is None
    assert stream.session.goodbye() == pb.FollowResponse(revision=2, goodbye=pb.Goodbye())
    stream.send(dismiss=pb.Dismiss())
    assert (stream.counted.wakes, stream.said()) == (wakes, [])
    stream.send(edit=pb.Edit(keep=1, insert="ab"))
    stream.open("ab")
    assert kinds(stream.said())[0] == "started"
    assert "need_text" not in kinds(stream.said())


def test_a_full_queue_is_told_and_may_be_asked_again(stream: Stream) -> None:
    full = Full(stream.engine)
    session = Session(Catalogue([Served("one", stream.model)]), full, SIZE, stream.counted, stream.counted.wake)
    session.take(pb.FollowRequest(revision=1, open=pb.Open(prefix="ab", **GIVEN)))
    with pytest.raises(QueueFull):
        session.begin()
    assert kinds([response for response in [session.next()] if response]) == ["started"]
    with pytest.raises(QueueFull):
        session.next()
    full.is_full = False
    assert session.next() is None
    assert stream.engine.has_work


class Full:
    """An engine whose queue is full until it is not."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.is_full = True

    def submit(self, jobs: Sequence[Job]) -> None:
        if self.is_full:
            raise QueueFull(99, 0.5)
        self._engine.submit(jobs)

    def resume(self, job: Job) -> None:
        self._engine.resume(job)

    def cancel(self, job: Job) -> None:
        self._engine.cancel(job)


def test_an_end_holds_a_state_only_where_the_open_asks_for_it(stream: Stream) -> None:
    for asks in (False, True):
        stream.open("ab", include_state=asks)
        (end,) = [each.finished for each in stream.said() if each.HasField("finished")]
        assert bool(end.state) == asks


def test_ghost_text_ends_by_the_model_s_own_confidence_only_where_that_is_asked_for_and_none_is_named(stream: Stream) -> None:
    own, most = stream.model.ghost_surprise, stream.model.tables.largest_surprise(2.0**-20)
    for given, expected in (
        ({}, (None, None)),
        ({"use_model_confidence": True}, (own.beyond, own.in_word)),
        (
            {"use_model_confidence": True, "limits": pb.Limits(min_confidence=2.0**-20)},
            (most, None),
        ),
    ):
        stream.open("ab", suggest=False, **given)
        pattern = stream.session.pattern
        assert pattern is not None
        assert (pattern.limits.largest_surprise, pattern.limits.word_surprise) == expected
        assert pattern.limits.finishes_words == (given.keys() == {"use_model_confidence"})
