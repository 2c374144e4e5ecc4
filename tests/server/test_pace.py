"""How far rows move in a tick: learned from ticks, bounded, and never long past someone's first character."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman_models.artifact import Model
from elman_models.execution import Start
from elman_models.state import State
from elman_server.ending import Ending
from elman_server.job import Job
from elman_server.pace import MOST_DRAWS, MOST_STEPS, TICK_SECONDS, Pace

MakeJob = Callable[[int, int], Job]


@pytest.fixture(scope="session")
def make_job(model: Model) -> MakeJob:
    """A job with so much to consume and so much drawn already."""

    def make(given_characters: int, drawn: int) -> Job:
        ending = Ending(100, (), None)
        ending.take("x" * drawn)
        start = Start(State.initial(model))
        job = Job(model, start, lambda _: None, np.zeros(given_characters, np.int32), ending=ending)
        job.received = 0
        return job

    return make


def tick(pace: Pace, jobs: Sequence[Job], step_seconds: float, tick_seconds: float = 0.0) -> tuple[int, int]:
    """One tick of rows that cost so much a step and so much a tick; returns what was allowed."""
    run, draws = pace.allowance(jobs)
    advances = [job.advance(row, run, draws) for row, job in enumerate(jobs)]
    pace.observe(advances, tick_seconds + step_seconds * max(advance.steps for advance in advances))
    return run, draws


@given(st.floats(1e-7, 1e-3), st.floats(0, 1e-3))
def test_ticks_settle_at_what_fits(make_job: MakeJob, step_seconds: float, tick_seconds: float) -> None:
    pace, talking = Pace(), make_job(0, 3)
    settled = [tick(pace, [talking], step_seconds, tick_seconds)[1] for _ in range(60)][30:]
    fitting = (TICK_SECONDS - tick_seconds) / step_seconds
    assert max(settled) <= max(1, min(MOST_DRAWS, 1.25 * fitting + 1))
    assert max(settled) >= min(MOST_DRAWS, int(fitting))
    assert min(settled) >= 1


def test_one_slow_tick_does_not_slow_the_ticks_for_long(make_job: MakeJob) -> None:
    pace, talking = Pace(), make_job(0, 3)
    before = [tick(pace, [talking], TICK_SECONDS / 20)[1] for _ in range(20)]
    tick(pace, [talking], TICK_SECONDS * 10)
    after = [tick(pace, [talking], TICK_SECONDS / 20)[1] for _ in range(12)]
    assert max(before) >= 18
    assert (after[0], max(after) >= 18) == (1, True)


def test_a_long_prefix_goes_ever_faster_where_steps_are_cheap(make_job: MakeJob) -> None:
    pace, reading = Pace(), make_job(1 << 20, 0)
    for _ in range(100):
        tick(pace, [reading], 1e-9)
    assert pace.allowance([reading]) == (MOST_STEPS // 2, MOST_DRAWS)


def test_one_is_drawn_where_a_first_character_is_awaited_but_not_twice_in_a_row(make_job: MakeJob) -> None:
    talking, fresh, nearly, reading = make_job(0, 3), make_job(0, 0), make_job(4, 0), make_job(5, 0)
    assert Pace().allowance([talking]) == (4, 8)
    assert Pace().allowance([talking, reading]) == (4, 8)
    for awaited in (fresh, nearly):
        pace = Pace()
        assert [pace.allowance([talking, awaited])[1] for _ in range(4)] == [1, 8, 1, 8]
