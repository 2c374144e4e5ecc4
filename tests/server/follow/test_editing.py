"""What the engine is asked to do for the newest revision, and what is told of it, with an engine that does as a test says."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.protocol import Passage
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_server.engine.ending import Reason
from elman_server.engine.job import Job, Progress, Timing
from elman_server.follow.attempt import Attempt
from elman_server.follow.checkpoints import affordable
from elman_server.follow.editing import Editing
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.requests.completion import CheckedCompletion


class Desk:
    """An editing, the engine that works for it, who counts, and how often somebody was woken."""

    def __init__(self, model: Model, text: str = "", **given: Any) -> None:
        self.model = model
        self.submitted: list[Job] = []
        self.resumed: list[Job] = []
        self.cancelled: list[Job] = []
        self.outcomes: list[str] = []
        self.characters = self.ends = self.wakes = 0
        request = pb.CompleteRequest(sampling=pb.Sampling(seed=1), limits=pb.Limits(max_characters=9), **given)
        pattern = CheckedCompletion.of(request, Catalogue([Served("one", model)]))
        self.editing = Editing(pattern, text, 1 << 20, self, self, self.wake)

    def submit(self, jobs: Sequence[Job]) -> None:
        self.submitted += jobs

    def resume(self, job: Job) -> None:
        self.resumed.append(job)

    def cancel(self, job: Job) -> None:
        self.cancelled.append(job)

    def note_text(self, characters: int) -> None:
        self.characters += characters

    def note_timing(self, timing: Timing) -> None:
        self.ends += 1

    def note_suggestion(self, outcome: str) -> None:
        self.outcomes.append(outcome)

    def wake(self) -> None:
        self.wakes += 1

    def begin(self, suggests: bool = True) -> Job:
        """Pursue the newest revision; returns the one job that the engine got for it."""
        count = len(self.submitted)
        self.editing.pursue(suggests)
        self.editing.begin()
        (job,) = self.submitted[count:]
        return job

    def end(self, job: Job, text: str = "") -> None:
        """The engine tells a job's last."""
        state = State(self.model.initial_state, 0)
        job.tell(Progress(job, text=text, state=state, reason=Reason.LENGTH if job.ending else None))

    def events(self) -> list[str]:
        """What is to be written now."""
        events: list[str] = []
        while event := self.editing.next():
            events.append(event.text if isinstance(event, pb.Piece) else "end")
        return events

    def reach(self, job: Job, position: int) -> None:
        """The engine has reached the state at a position."""
        assert job.watch is not None
        job.watch(Passage(np.zeros((1, len(self.model.initial_state)), np.int8), position))


def taken(job: Job) -> int:
    """How many characters of a job were acknowledged."""
    return job.sent - job.received - job.untaken


def test_nothing_is_done_before_it_is_wanted(model: Model) -> None:
    desk = Desk(model, "ab")
    desk.editing.begin()
    assert (desk.submitted, desk.editing.next(), desk.editing.is_at_rest) == ([], None, True)


@pytest.mark.parametrize(
    ("characters", "consumed"), [(9, 9), (256, 256), (257, 256), (1024, 256), (2000, 500), (16384, 4096), (40000, 4096)]
)
def test_a_quarter_of_a_long_text_is_consumed_at_once_and_never_very_much(model: Model, characters: int, consumed: int) -> None:
    job = Desk(model, "a" * characters).begin(suggests=True)
    assert job.given == consumed
    assert (job.ending is not None) is (characters == consumed)


def test_where_there_is_nothing_to_consume_or_suggest_nothing_is_begun(model: Model) -> None:
    desk = Desk(model)
    desk.editing.pursue(False)
    assert not desk.editing.is_at_rest
    desk.editing.begin()
    assert (desk.submitted, desk.editing.is_at_rest) == ([], True)
    assert desk.begin(suggests=True).given == 0


def test_what_is_dismissed_before_it_began_never_begins(model: Model) -> None:
    desk = Desk(model, "ab")
    desk.editing.pursue(True)
    desk.editing.retire("dismissed")
    assert (desk.editing.next(), desk.submitted, desk.outcomes, desk.editing.is_at_rest) == (None, [], [], True)


def test_one_attempt_after_the_other_consumes_and_only_the_last_suggests(model: Model) -> None:
    desk = Desk(model, "a" * 300)
    job = desk.begin()
    assert (job.given, job.ending) == (256, None)
    desk.reach(job, 256)
    assert desk.editing.unconsumed == 44
    desk.end(job)
    assert desk.wakes == 1
    assert desk.editing.next() is None  # which began the next
    assert desk.submitted[1].given == 44
    assert desk.submitted[1].ending is not None


def test_text_is_told_counted_and_taken_and_the_end_leaves_nothing_to_cancel(model: Model) -> None:
    desk = Desk(model, "ab")
    job = desk.begin()
    assert not desk.editing.is_at_rest
    job.tell(Progress(job, text="cd"))
    assert (desk.wakes, taken(job)) == (1, 0)
    assert desk.events() == ["cd"]
    assert (desk.characters, taken(job), desk.ends, desk.editing.written) == (2, 2, 0, {0: "cd"})
    job.tell(Progress(job, place=2, text="efg", is_paused=True))
    assert desk.resumed == []
    assert desk.events() == ["efg"]
    assert (desk.resumed, taken(job)) == ([job], 5)
    desk.end(job)
    assert desk.editing.is_at_rest
    assert desk.events() == ["end"]
    assert (desk.ends, desk.wakes, desk.resumed) == (1, 3, [job])
    desk.editing.retire()
    assert (desk.cancelled, desk.outcomes) == ([], ["ignored"])


def test_every_alternative_must_end(model: Model) -> None:
    desk = Desk(model, alternatives=2)
    desk.editing.pursue(True)
    desk.editing.begin()
    first, second = desk.submitted
    desk.end(first, "a")
    assert not desk.editing.is_at_rest
    assert desk.events() == ["a", "end"]
    desk.end(second, "b")
    assert desk.editing.is_at_rest
    assert desk.events() == ["b", "end"]


def test_what_was_not_told_yet_is_not_told_of_the_next_revision(model: Model) -> None:
    desk = Desk(model, "ab")
    job = desk.begin()
    desk.end(job, "cd")
    assert desk.editing.next() is not None  # the text; its end is to come
    desk.editing.change(2, "x")
    assert desk.events() == []
    job = desk.begin()
    job.tell(Progress(job, text="cd"))
    desk.editing.change(3, "y")
    desk.begin()
    assert desk.events() == []
    assert desk.cancelled[-1] is job


def test_what_a_cancelled_attempt_tells_is_not_heard(model: Model) -> None:
    desk = Desk(model, "ab")
    old = desk.begin()
    desk.editing.change(2, "x")
    new = desk.begin()
    wakes = desk.wakes
    desk.end(old, "cd")
    assert (desk.wakes, desk.events(), desk.editing.is_at_rest) == (wakes, [], False)
    desk.end(new, "ef")
    assert desk.events() == ["ef", "end"]


def test_what_was_reached_for_an_older_revision_is_kept_up_to_the_change(model: Model) -> None:
    desk = Desk(model, "abcdef")
    old = desk.begin()
    desk.editing.change(4, "xyz")
    desk.reach(old, 5)
    assert desk.editing.unconsumed == 7
    desk.reach(old, 4)
    assert desk.editing.unconsumed == 3


def test_news_of_the_four_newest_attempts_is_kept(model: Model) -> None:
    desk = Desk(model, "ab")
    jobs = [desk.begin()]
    for length in range(2, 6):
        desk.editing.change(length, "x")
        jobs.append(desk.begin())
    desk.reach(jobs[0], 2)
    assert desk.editing.unconsumed == 6
    desk.reach(jobs[1], 2)
    assert desk.editing.unconsumed == 4


def test_states_along_what_was_suggested_come_with_its_acceptance(model: Model) -> None:
    desk = Desk(model, "ab")
    job = desk.begin()
    job.tell(Progress(job, text="cde"))
    assert desk.events() == ["cde"]
    desk.reach(job, 2)
    desk.reach(job, 3)
    desk.editing.change(2, "cd", is_accepted=True)
    assert (desk.editing.unconsumed, desk.outcomes) == (1, ["accepted"])
    assert desk.begin().given == 1


def test_a_suggestion_typed_elsewhere_brings_no_states(model: Model) -> None:
    desk = Desk(model, "ab")
    job = desk.begin()
    job.tell(Progress(job, text="cde"))
    desk.events()
    desk.reach(job, 2)
    desk.reach(job, 3)
    desk.editing.change(1, "cd")
    assert (desk.editing.unconsumed, desk.outcomes) == (3, ["ignored"])


def test_states_along_suggestions_may_take_a_quarter_of_the_bytes(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    most: list[int] = []

    def attempt(completion: CheckedCompletion, is_suggesting: bool, most_states: int, *ears: Any) -> Attempt:
        most.append(most_states)
        return Attempt(completion, is_suggesting, most_states, *ears)

    monkeypatch.setattr("elman_server.follow.editing.Attempt", attempt)
    Desk(model, "ab").begin()
    assert most == [affordable(1 << 18, len(model.initial_state))]
