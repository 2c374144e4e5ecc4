"""What other callers do changes no byte: when they come and go, and how slowly they read."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.v1 import completion_service_pb2 as pb
from elman_models.law.artifact import Model
from elman_server.embedded import Embedded
from elman_server.engine import callers as callers_module
from elman_server.engine import engine as engine_module
from elman_server.engine import pace as pace_module
from elman_server.engine.asker import Asker
from elman_server.engine.engine import Engine
from elman_server.engine.job import Job, Progress
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.requests.completion import CheckedCompletion
from elman_server.requests.scoring import Scoring

if TYPE_CHECKING:
    from tests.conftest import MakeExecution
    from tests.laws.conftest import CompletionRequests, Oracle


@dataclass(eq=False)
class Caller:
    """One caller of an engine, and what it was told."""

    completion: CheckedCompletion
    text: str = ""
    reason: int = 0
    state: bytes = b""
    pauses: int = 0
    ended: Callable[[], None] = lambda: None

    def jobs(self) -> Sequence[Job]:
        return self.completion.submission(self.completion.jobs(self.hear), self.hear)

    def hear(self, progress: Progress) -> None:
        """Take news; a paused caller reads nothing until it is resumed."""
        self.pauses += progress.is_paused
        for event in self.completion.responses(progress):
            self.text += event.piece.text
            self.reason, self.state = event.finished.reason, event.finished.state
        if progress.is_last:
            self.ended()


class Crowd:
    """An engine of few rows, and callers that come, read, pause and go as chance will have it."""

    def __init__(self, make_execution: "MakeExecution", model: Model, rows: int, random: Random, diligence: float) -> None:
        self.catalogue = Catalogue([Served("tiny", model)])
        self._engine = Engine({model.digest: make_execution(model, rows)}, rows, 99)
        self._random, self._diligence = random, diligence  # how often a caller reads without being asked to
        self._paused: list[tuple[int, Job]] = []
        self._ticks = 0

    def run(self, callers: Sequence[Caller], gone: Sequence[Job] = ()) -> None:
        """Until all were told their last."""
        arriving = self._random.sample(callers, len(callers))
        leaving = list(gone)
        while arriving or self._paused or self._engine.has_work:
            if arriving and self._random.random() < 0.5:
                self._submit(arriving.pop().jobs())
            if leaving and self._random.random() < 0.3:
                self._come_and_go(leaving.pop())
            self._resume()
            self._engine.tick()
            self._ticks += 1

    def _come_and_go(self, job: Job) -> None:
        self._submit([job])
        for _ in range(self._random.randint(0, 3)):
            self._engine.tick()
        self._engine.cancel(job)

    def _resume(self) -> None:
        for tick, job in [one for one in self._paused if one[0] <= self._ticks]:
            job.note_taken(job.untaken)
            self._engine.resume(job)
            self._paused.remove((tick, job))

    def _submit(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            for one in (job, *job.alternatives):
                one.tell = partial(self._tell, one.tell)
        self._engine.submit(jobs, Asker(self._random.randrange(3), is_document=self._random.random() < 0.3))

    def _tell(self, tell: Callable[[Progress], None], progress: Progress) -> None:
        tell(progress)
        if progress.is_paused:
            self._paused.append((self._ticks + self._random.randint(0, 9), progress.job))
        elif self._random.random() < self._diligence:
            progress.job.note_taken(progress.job.untaken)


@given(data=st.data(), rows=st.integers(1, 9), chance=st.integers(0, 2**32))
@settings(deadline=None, max_examples=25)
def test_callers_that_come_go_and_read_slowly_change_nothing_for_each_other(
    model: Model,
    oracle: "Oracle",
    requests: "CompletionRequests",
    make_execution: "MakeExecution",
    data: st.DataObject,
    rows: int,
    chance: int,
) -> None:
    asked = data.draw(st.lists(requests(oracle), min_size=1, max_size=9))
    crowd = Crowd(make_execution, model, rows, Random(chance), 0.5)
    callers = [Caller(CheckedCompletion.of(one, crowd.catalogue)) for one in asked]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_module, "UNTAKEN_CHARACTERS", 4)
        patch.setattr(pace_module, "LEAST_ROWS", 2)  # so that most rest, and callers take turns
        patch.setattr(pace_module, "BUSY_TICK_SECONDS", 0.0)
        patch.setattr(callers_module, "TURN_STEPS", 7)
        crowd.run(callers, strangers(crowd))
    expected = [oracle.complete(one) for one in asked]
    assert [(one.text, one.reason, one.state) for one in callers] == [(one.text, one.reason, one.state) for one in expected]


def strangers(crowd: Crowd) -> list[Job]:
    """Jobs of callers who score, or who may leave at any moment."""

    def ignore(progress: Progress) -> None:
        """Read nothing."""

    scoring = Scoring.of(pb.ScoreRequest(text="a bad cab" * 4), crowd.catalogue)
    leaving = CheckedCompletion.of(pb.CompleteRequest(prefix="a", limits=pb.Limits(max_characters=99)), crowd.catalogue)
    return [scoring.job(ignore), *leaving.jobs(ignore), scoring.job(ignore)]


@pytest.mark.parametrize(("temperature", "start"), [(0.0, None), (0.9, None), (0.9, 60)])
def test_a_slow_reader_is_paused_and_misses_nothing(
    model: Model,
    oracle: "Oracle",
    make_execution: "MakeExecution",
    monkeypatch: pytest.MonkeyPatch,
    temperature: float,
    start: int | None,
) -> None:
    monkeypatch.setattr(engine_module, "UNTAKEN_CHARACTERS", 8)
    sampling, limits = pb.Sampling(seed=2, temperature=temperature), pb.Limits(max_characters=150)
    request = pb.CompleteRequest(prefix="a", sampling=sampling, limits=limits, first_alternative=3)
    if start:  # a stop string that is held over several ticks
        held = oracle.complete(request).text[start : start + 50]
        request.limits.stop.extend([held, held[:40] + "!"])
    crowd = Crowd(make_execution, model, 1, Random(0), 0)
    caller = Caller(CheckedCompletion.of(request, crowd.catalogue))
    crowd.run([caller])
    expected = oracle.complete(request)
    assert caller.pauses > 1
    assert (caller.text, caller.reason, caller.state) == (expected.text, expected.reason, expected.state)


def test_streams_that_are_read_in_turn_are_the_streams_read_alone(oracle: "Oracle", embedded: Embedded) -> None:
    asked = [
        pb.CompleteRequest(prefix="ab"[:seed], sampling=pb.Sampling(seed=seed), limits=pb.Limits(max_characters=30))
        for seed in range(3)
    ]
    texts = ["", "", ""]
    for events in zip_longest(*(embedded.complete(one) for one in asked)):
        texts = [text + (event.piece.text if event else "") for text, event in zip(texts, events, strict=True)]
    assert texts == [oracle.complete(one).text for one in asked]


def test_an_endless_text_leaves_its_row_to_one_that_waits_and_says_the_same(
    model: Model, oracle: "Oracle", make_execution: "MakeExecution", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "ROW_STEPS", 20)
    asked = [
        pb.CompleteRequest(prefix="a bad cab", sampling=pb.Sampling(seed=seed, temperature=seed % 2), limits=limits)
        for seed, limits in enumerate(
            [pb.Limits(max_characters=400), pb.Limits(max_characters=300), pb.Limits(max_characters=3)]
        )
    ]
    asked[1].first_alternative = 2
    crowd = Crowd(make_execution, model, 1, Random(1), 1)
    callers = [Caller(CheckedCompletion.of(one, crowd.catalogue)) for one in asked]
    order: list[int] = []
    for number, caller in enumerate(callers):
        caller.ended = partial(order.append, number)
    crowd.run(callers)
    assert order[0] == 2
    expected = [oracle.complete(one) for one in asked]
    assert [(one.text, one.reason, one.state) for one in callers] == [(one.text, one.reason, one.state) for one in expected]


def test_threads_that_share_an_engine_in_the_process_hear_what_they_would_alone(oracle: "Oracle", embedded: Embedded) -> None:
    asked = [
        pb.CompleteRequest(prefix="ab", sampling=pb.Sampling(seed=seed), limits=pb.Limits(max_characters=60))
        for seed in range(24)
    ]

    def text(request: pb.CompleteRequest) -> str:
        return "".join(event.piece.text for event in embedded.complete(request))

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(text, asked)) == [oracle.complete(one).text for one in asked]
