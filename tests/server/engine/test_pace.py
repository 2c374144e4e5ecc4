"""How far rows move in a tick: learned from ticks, bounded, and never long past someone's first character."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman_models.execution.protocol import Start
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_server.engine.ending import Ending
from elman_server.engine.job import Job
from elman_server.engine.pace import (
    BUSY_DRAWS,
    BUSY_TICK_SECONDS,
    MOST_DRAWS,
    MOST_RUN,
    NEAR,
    PIECE_SECONDS,
    TICK_SECONDS,
    Allowance,
    Pace,
    TickKind,
)

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
        job.turn = 1 << 30
        return job

    return make


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Machine:
    """Rows that cost so much a step and so much a tick, and others who take their time between ticks."""

    def __init__(
        self, step_seconds: float, tick_seconds: float = 0.0, between_seconds: float = 0.0, free_rows: float = 1e9
    ) -> None:
        self._free_rows = free_rows  # up to this many rows cost no more than one
        self.clock = Clock()
        self.pace = Pace(self.clock)
        self._step, self._tick, self._between = step_seconds, tick_seconds, between_seconds

    def tick(self, jobs: Sequence[Job], slower: float = 1.0) -> Allowance:
        """One tick; returns what was allowed."""
        self.clock.now += self._between
        allowed = self.pace.allowance(jobs)
        moving = [job for job in jobs if allowed.moves(job)]
        steps = max(job.advance(row, allowed.run, allowed.draws).steps for row, job in enumerate(moving))
        seconds = slower * (self._tick + self._step * steps * max(1.0, len(moving) / self._free_rows))
        self.clock.now += seconds
        self.pace.observe(len(moving), steps, seconds)
        return allowed


@given(st.floats(1e-7, 1e-3), st.floats(0, 1e-3))
def test_ticks_settle_at_what_fits(make_job: MakeJob, step_seconds: float, tick_seconds: float) -> None:
    machine, talking = Machine(step_seconds, tick_seconds), make_job(0, 3)
    settled = [machine.tick([talking]).draws for _ in range(60)][30:]
    fitting = (TICK_SECONDS - tick_seconds) / step_seconds
    assert max(settled) <= max(1, min(MOST_DRAWS, 1.3 * fitting + 1))
    assert max(settled) >= min(MOST_DRAWS, int(0.8 * fitting))
    assert min(settled) >= 1


def test_where_texts_rest_a_tick_goes_as_far_as_its_time_allows(make_job: MakeJob) -> None:
    def draws(step_seconds: float, resting: int) -> int:
        machine, jobs = Machine(step_seconds), [make_job(0, 3) for _ in range(8)]
        for job in jobs[:resting]:
            job.turn = 0
        return [machine.tick(jobs).draws for _ in range(40)][-1]

    assert draws(1e-6, 0) == MOST_DRAWS
    assert draws(1e-6, 3) == BUSY_DRAWS
    assert MOST_DRAWS < draws(BUSY_TICK_SECONDS / 50, 3) <= 50


def test_one_slow_tick_does_not_slow_the_ticks_for_long(make_job: MakeJob) -> None:
    machine, talking = Machine(TICK_SECONDS / 20), make_job(0, 3)
    before = [machine.tick([talking]).draws for _ in range(20)]
    machine.tick([talking], slower=10)
    after = [machine.tick([talking]).draws for _ in range(8)]
    assert (max(before), after[0]) == (19, 3)
    assert after[-1] >= 19


def test_a_long_prefix_goes_ever_faster_where_steps_are_cheap(make_job: MakeJob) -> None:
    machine, reading = Machine(1e-9), make_job(1 << 20, 0)
    assert [machine.tick([reading]) for _ in range(50)][-1][:3] == (TickKind.RUN, MOST_RUN, 0)


@pytest.mark.parametrize(("talkers", "readers"), [(1, 1), (63, 1), (2, 200), (60, 60)])
def test_long_prefixes_and_the_others_have_half_of_the_engine_each(make_job: MakeJob, talkers: int, readers: int) -> None:
    machine = Machine(TICK_SECONDS / 200, between_seconds=1e-5, free_rows=4)
    jobs = [*([make_job(0, 3)] * talkers), *([make_job(1 << 20, 0)] * readers)]
    for _ in range(40):
        machine.tick(jobs)
    spent = {True: 0.0, False: 0.0}
    for _ in range(40):
        began = machine.clock.now
        spent[machine.tick(jobs).kind is TickKind.RUN] += machine.clock.now - began
    assert 0.6 < spent[True] / spent[False] < 1.7  # one step of 200 rows is more than 32 of 2


def test_no_run_takes_longer_than_it_may_however_long_others_took_before(make_job: MakeJob) -> None:
    def longest_run(pace: Pace, clock: Clock) -> float:
        machine = Machine(1e-6)
        machine.pace, machine.clock = pace, clock
        jobs, taken = [make_job(0, 3), make_job(1 << 20, 0)], 0.0
        for _ in range(40):
            clock.now += 1.0
            began = clock.now
            if machine.tick(jobs).kind is TickKind.RUN:
                taken = max(taken, clock.now - began)
        return taken

    clock = Clock()
    assert longest_run(Pace(clock, longest_run_seconds=TICK_SECONDS), clock) <= TICK_SECONDS * 1.01
    assert longest_run(Pace(clock), clock) > TICK_SECONDS * 1.01


def test_a_burst_of_texts_makes_no_tick_long(make_job: MakeJob) -> None:
    machine = Machine(TICK_SECONDS / 200, free_rows=4)
    for _ in range(40):
        machine.tick([make_job(0, 3), make_job(1 << 20, 0)])
    jobs = [*([make_job(0, 3)] * 100), *([make_job(1 << 20, 0)] * 100)]
    for _ in range(4):
        began = machine.clock.now
        machine.tick(jobs)
        assert machine.clock.now - began < 0.015


def test_a_newcomer_s_first_character_is_drawn_alone_and_at_once_but_not_twice_in_a_row(make_job: MakeJob) -> None:
    talking, fresh, nearly, reading = make_job(0, 3), make_job(0, 0), make_job(NEAR, 0), make_job(NEAR + 1, 0)
    assert Pace().allowance([talking])[:3] == (TickKind.DRAW, NEAR, 8)
    for newcomer in (fresh, nearly):
        pace = Pace()
        allowed = [pace.allowance([talking, newcomer]) for _ in range(4)]
        assert [one.kind for one in allowed] == [TickKind.FIRST, TickKind.DRAW, TickKind.FIRST, TickKind.DRAW]
        assert [allowed[0].draws, allowed[0].moves(newcomer), allowed[0].moves(talking)] == [1, True, False]
        assert [allowed[1].draws, allowed[1].moves(newcomer), allowed[1].moves(talking)] == [4, True, True]
    pace = Pace()
    kinds = [pace.allowance([talking, fresh, reading]).kind for _ in range(6)]
    assert kinds == [TickKind.RUN, TickKind.FIRST, TickKind.DRAW, TickKind.RUN, TickKind.FIRST, TickKind.DRAW]
    assert [Pace().allowance([reading]).kind for _ in range(2)] == [TickKind.RUN, TickKind.RUN]


def test_no_first_character_is_drawn_alone_where_whoever_asks_does_the_work(make_job: MakeJob) -> None:
    pace = Pace(is_shared=False)
    assert [pace.allowance([make_job(0, 0)]).kind for _ in range(3)] == [TickKind.DRAW] * 3


def test_many_newcomers_get_all_at_once_where_writing_their_first_characters_would_take_longer(make_job: MakeJob) -> None:
    def kinds(step_seconds: float, newcomers: int) -> list[TickKind]:
        machine = Machine(step_seconds, free_rows=16)
        for _ in range(20):
            machine.tick([make_job(0, 3)] * newcomers)
        return [machine.tick([make_job(0, 0)] * newcomers).kind for _ in range(2)]

    all_of_it = MOST_DRAWS * 1e-6
    assert kinds(1e-6, 1) == [TickKind.FIRST, TickKind.DRAW]
    assert kinds(1e-6, 3) == [TickKind.DRAW, TickKind.DRAW]
    assert all_of_it < PIECE_SECONDS < 10 * all_of_it  # the two lines above and the next lie on both sides of the limit
    assert kinds(1e-5, 3) == [TickKind.FIRST, TickKind.DRAW]


def test_a_tick_is_expected_to_take_as_long_as_its_own_steps(make_job: MakeJob) -> None:
    machine, ending = Machine(1e-5), make_job(0, 97)  # 3 of 100 are left
    for _ in range(20):
        machine.tick([make_job(0, 3)])
    allowed = machine.pace.allowance([ending])
    steps = ending.advance(0, allowed.run, allowed.draws).steps
    assert (allowed.draws, steps) == (MOST_DRAWS, 3)
    assert machine.pace.expect(1, steps) == pytest.approx(3e-5, rel=0.01)
