"""The engine: rows that advance together, tick by tick, for as many texts at once as there are rows. Knows nothing of gRPC.

    waiting -> a free row -> a run of prefix, or a few draws, a tick -> told to whoever asked -> the row is free again

The rows of a tick move together (continuous batching): a text joins when a row is free and leaves when it ends, is cancelled,
or its reader is slow. Where there are more texts than pay, callers take turns (`callers`), and who could not end in time is
refused (`admission`). What somebody types has rows of its own, so that it waits neither for a row nor for the tick of others.
One thread owns all of this; only the execution of a tick may happen beside it (`ticker`).
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman_models.execution.protocol import Advance, Execution, Outcome, Start
from elman_models.law.state import State
from elman_server.engine.admission import Admission, Speed
from elman_server.engine.asker import ANYONE, Asker, Effort
from elman_server.engine.callers import TURN_STEPS, Callers, Queue
from elman_server.engine.job import GIVEN_TO_A_STEP, Job, Progress
from elman_server.engine.pace import LEAST_ROWS, NEAR, RUN_ROWS, TICK_SECONDS, Allowance, Pace, is_long, is_newcomer

ROW_STEPS = 1024
"""How far a text moves in its row before it leaves the row to one that waits."""

UNTAKEN_CHARACTERS = 4096
"""How far a reader may fall behind before its text leaves the row."""


class Statistics(NamedTuple):
    """What the engine is doing and has done."""

    rows: int
    busy_rows: int
    waiting: int
    callers: int  # that have texts there
    ticks: int
    steps: int
    row_steps: int
    paused: int  # texts that left their rows because their readers are slow
    models: Mapping[str, "ModelStatistics"]  # by digest


class ModelStatistics(NamedTuple):
    """What one model is doing."""

    rows: int
    busy_rows: int
    waiting: int
    oldest_seconds: float  # how long a text has waited for its first row


class Tick(NamedTuple):
    """How the rows of one model move next. Nothing else may touch those rows until `Engine.finish`."""

    pool: "Pool"
    jobs: Sequence[Job]
    advances: Sequence[Advance]
    steps: int  # of the row that moves farthest
    seconds: float  # about how long it will take

    def run(self) -> "TickResult":
        """Move the rows, in this thread."""
        started = time.perf_counter()
        outcome = self.pool.execution.run(self.advances)
        return TickResult(outcome, time.perf_counter() - started)


class TickResult(NamedTuple):
    """What the rows of a tick did, and the time that it took."""

    outcome: Outcome
    seconds: float


class Pool:
    """Some of the rows of one model, and the texts that wait for one."""

    def __init__(
        self, execution: Execution, rows: int, pace: Pace, callers: Callers, on_abandoned: Callable[[Job], None]
    ) -> None:
        self.execution = execution
        self._rows, self._pace, self._callers, self._on_abandoned = rows, pace, callers, on_abandoned
        self.waiting = Queue()
        self.free = list(range(rows))
        self.running: dict[int, Job] = {}
        self.steps = self.row_steps = 0
        self._enough = 0  # how many characters of a text are worth a message while its turn goes on

    def admit(self) -> None:
        """Give the free rows to texts that wait."""
        while self.free and self.waiting.weight:
            job = self.waiting.pop()
            if job.is_wanted:
                self.execution.load(self.free[-1], job.admit())
                self.running[self.free.pop()] = job
            else:  # one whose time has run out costs no step; its call ends by itself
                self._abandon(job)

    @property
    def rows_that_pay(self) -> int:
        """How many texts are best drawn at a time."""
        return self._pace.rows_that_pay

    @property
    def has_work(self) -> bool:
        """Whether there are texts."""
        return bool(self.running or self.waiting.weight)

    @property
    def has_room(self) -> bool:
        """Whether one more text would have a row at once."""
        return len(self.free) > len(self.waiting)

    def plan(self) -> Tick:
        """How far each row moves; some may rest."""
        jobs = list(self.running.values())
        if len(jobs) <= LEAST_ROWS:
            self._callers.deal(jobs, LEAST_ROWS)
        else:
            long = [job for job in jobs if job.given > NEAR]
            self._callers.deal([job for job in jobs if not is_long(job)] if long else jobs, self._pace.rows_that_pay)
            self._callers.deal(long, RUN_ROWS)
        return self._tick(self._pace.allowance(jobs))

    def plan_first(self) -> Tick | None:
        """The first characters that are awaited, alone; None where there are none, or where that would take long."""
        newcomers = [job for job in self.running.values() if is_newcomer(job)]
        if not newcomers or not self._pace.is_first_quick(newcomers):
            return None
        return self._tick(self._pace.first())

    def _tick(self, allowed: Allowance) -> Tick:
        moving = [(row, job) for row, job in self.running.items() if allowed.moves(job)]
        advances = [job.advance(row, allowed.run, allowed.draws) for row, job in moving]
        steps = max(advance.steps for advance in advances)
        return Tick(self, [job for _, job in moving], advances, steps, self._pace.expect(len(moving), steps))

    def take(self, tick: Tick, result: TickResult) -> list[Progress]:
        """Take what the rows did; returns what there is to tell."""
        self._pace.observe(len(tick.jobs), tick.steps, result.seconds)
        self.steps += tick.steps
        self.row_steps += sum(advance.steps for advance in tick.advances)
        self._enough = self._worth_a_message()
        moves = enumerate(zip(tick.jobs, tick.advances, strict=True))
        told = [
            self._take(job, result.outcome, index, advance)
            for index, (job, advance) in moves
            if job.watch or not job.is_cancelled  # a watcher keeps the states even of a text that was cancelled meanwhile
        ]
        return [progress for progress in told if progress]

    def _worth_a_message(self) -> int:
        """A message costs as much as many characters: where texts rest between their turns anyhow, a turn is told in one."""
        texts = len(self.running) + len(self.waiting)
        return TURN_STEPS if texts > LEAST_ROWS and texts > self.rows_that_pay else 0

    def _take(self, job: Job, outcome: Outcome, index: int, advance: Advance) -> Progress | None:
        progress = job.take(advance, outcome, index, partial(self._replay, advance.row))
        if progress and progress.is_last:
            self._free(advance.row)
            return self._fork(job, progress)
        self._callers.book(job)
        if progress and job.untaken > UNTAKEN_CHARACTERS:
            self._free(advance.row)
            job.pause(outcome.state(index, advance.sampled))
            self._callers.leave(job)
            return progress._replace(is_paused=True)
        if self.waiting and job.steps >= ROW_STEPS:
            self._free(advance.row)
            job.pause(outcome.state(index, advance.sampled))
            self.waiting.push(job)
            return progress
        if progress and job.turn and progress.place > job.received:  # its first character comes by itself
            return progress._replace(enough=self._enough)
        return progress

    def _replay(self, row: int, state: State, characters: NDArray[np.int32]) -> State:
        """The state after some characters more, found in a row whose text has ended."""
        if not len(characters):
            return state
        self.execution.load(row, Start(state))
        return self.execution.run([Advance(row, skipped=characters)]).state(0, 0)

    def _fork(self, job: Job, progress: Progress) -> Progress | None:
        """The alternatives of a primed text go on from its state, before what else its caller has waiting."""
        self._callers.leave(job)
        if not job.alternatives or progress.state is None:
            return progress
        alternatives = [alternative.follow(job, progress.state) for alternative in job.alternatives]
        for alternative in alternatives:
            self._callers.enter(alternative)
        self.waiting.push_first(alternatives)
        return None

    def release(self) -> None:
        """Cancelled texts leave their rows and the queue."""
        for row, job in [(row, job) for row, job in self.running.items() if job.is_cancelled]:
            self._free(row)
            self._callers.leave(job)
        self._drop(self.waiting.cancelled())

    def _drop(self, jobs: Sequence[Job]) -> None:
        """These wait no longer."""
        self.waiting.take_out(jobs)
        for job in jobs:
            self._abandon(job)

    def _abandon(self, job: Job) -> None:
        self._callers.leave(job)
        if not job.was_admitted:
            self._on_abandoned(job)

    @property
    def statistics(self) -> ModelStatistics:
        """What these rows are doing."""
        return ModelStatistics(self._rows, len(self.running), len(self.waiting), self.waiting.oldest_seconds)

    def _free(self, row: int) -> None:
        del self.running[row]
        self.free.append(row)


class Engine:
    """Pools of rows that take turns: one a model, and where `add` gives an execution for it, one for what somebody types.

    It tells each job's `tell`. `on_work` is called when there is new work, `on_tick` with the seconds of each tick, and
    `on_abandoned` with each text that leaves the queue without ever having had a row.
    """

    def __init__(
        self,
        executions: Mapping[str, Execution],
        rows: int,
        waiting: int,
        make_pace: Callable[[], Pace] = Pace,
        typing_rows: int = 0,
    ) -> None:
        self._callers, self._speed = Callers(), Speed()
        self._rows, self._typing_rows, self._make_pace = rows, typing_rows, make_pace
        self._pools: dict[str, Pool] = {}
        self._typing: dict[str, Pool] = {}
        self._turns = deque[Pool]()
        for digest, execution in executions.items():
            self.add(digest, execution)
        self._admission = Admission(self._callers, self._speed, waiting)
        self._ticks = self._left_steps = self._left_row_steps = 0  # steps of the models that were removed
        self._began = time.monotonic()  # the time since the last tick's end, or since the engine woke
        self._has_cancelled = False  # since the last round
        self._paused: set[Job] = set()
        self.on_work: Callable[[], None] = do_nothing
        self.on_tick: Callable[[float], None] = ignore
        self.on_abandoned: Callable[[Job], None] = ignore

    def add(self, digest: str, execution: Execution, typing: Execution | None = None) -> None:
        """One model more, unless it is there: its rows and, where there are any, those for what somebody types."""
        if digest in self._pools:
            return
        pool = partial(Pool, callers=self._callers, on_abandoned=self._note_abandoned)
        self._pools[digest] = pool(execution, self._rows, self._make_pace())
        self._turns.append(self._pools[digest])
        if typing:
            self._typing[digest] = pool(typing, self._typing_rows, make_typing_pace())
            self._turns.append(self._typing[digest])

    def remove(self, digest: str) -> bool:
        """One model less, of which nobody has texts or will have any; False while rows still hold one that was cancelled."""
        pools = [pools[digest] for pools in (self._pools, self._typing) if digest in pools]
        if any(pool.has_work for pool in pools):
            return False
        for pool in pools:
            self._turns.remove(pool)
            self._left_steps += pool.steps
            self._left_row_steps += pool.row_steps
        self._pools.pop(digest, None)
        self._typing.pop(digest, None)
        return True

    @property
    def digests(self) -> list[str]:
        """The models that are there."""
        return list(self._pools)

    def name_of(self, digest: str) -> str:
        """What runs a model."""
        return self._pools[digest].execution.name

    def submit(self, jobs: Sequence[Job], asker: Asker = ANYONE) -> None:
        """Let new texts come in, all or none. Raises QueueFull, or TooLate where they could hardly end before the deadline.

        A long text weighs as several, so that what waits is bounded in bytes too; where nothing waits, any number comes in.
        """
        if any(pool.waiting.weight for pool in self._turns):
            waiting = [pool.waiting for pool in self._turns]
            self._admission.check_room(jobs, asker, sum(each.weight for each in waiting), sum(map(len, waiting)))
        if asker.deadline < inf:
            self.check_time(Effort(sum(job.work for job in jobs), max(job.least_work for job in jobs)), asker)
        for job in jobs:
            job.ask_for(asker)
            self._enter(job)

    def check_arrival(self, asker: Asker) -> None:
        """Raise TooLate if a text that is not known yet could hardly end before the deadline."""
        self.check_time(self._callers.expected(asker.caller), asker)

    def check_time(self, effort: Effort, asker: Asker) -> None:
        """Raise TooLate if texts of that effort could hardly end before the deadline."""
        if asker.deadline < inf and self._is_contended:
            rows = min(pool.rows_that_pay for pool in self._pools.values())
            self._admission.check_time(effort, asker, time.monotonic(), rows)

    @property
    def _is_contended(self) -> bool:
        """Whether there are more texts than pay."""
        return any(len(pool.running) + len(pool.waiting) >= pool.rows_that_pay for pool in self._pools.values())

    def _enter(self, job: Job) -> None:
        if not len(self._callers):  # nothing was to do until now
            self._began = time.monotonic()
        self._callers.enter(job)
        self._pool_for(job).waiting.push(job)
        self.on_work()

    def _pool_for(self, job: Job) -> Pool:
        typing = self._typing.get(job.model.digest)
        return typing if typing and job.is_urgent and typing.has_room else self._pools[job.model.digest]

    def resume(self, job: Job) -> None:
        """Let a paused text wait for a row again."""
        self._paused.discard(job)
        self._enter(job)

    def cancel(self, job: Job) -> None:
        """Forget a text: its row is free after the tick in progress."""
        self._has_cancelled = True
        self._paused.discard(job)
        job.cancel()

    def tick(self) -> None:
        """One round of the engine, in the caller's thread."""
        if tick := self.begin():
            self.finish(tick, tick.run())

    def begin(self) -> Tick | None:
        """How the next model's rows move; None where nothing has work."""
        self._release()  # cancelled or gone; the finished have left
        self._admit()  # waiting -> free rows
        return self._plan()  # how far each row moves

    def begin_first(self, busy: Pool) -> Tick | None:
        """While rows of a pool move: first characters of what somebody types in another one, if they come quickly."""
        for pool in self._typing.values():
            if pool is not busy and pool.has_work:
                pool.release()
                pool.admit()
                if tick := pool.plan_first():
                    return tick
        return None

    def awaits_first(self, busy: Pool) -> bool:
        """Whether somebody types in other rows than a pool's, so that `begin_first` may have something to draw."""
        return any(pool.has_work for pool in self._typing.values() if pool is not busy)

    def finish(self, tick: Tick, result: TickResult) -> None:
        """Take what the rows did, and tell whoever asked."""
        self._ticks += 1
        now = time.monotonic()
        self._speed.observe(sum(map(work_of, tick.advances)), now - self._began)
        self._began = now
        self.on_tick(result.seconds)
        for progress in tick.pool.take(tick, result):
            if progress.is_paused and not progress.job.is_cancelled:
                self._paused.add(progress.job)
            progress.job.tell(progress)

    def _release(self) -> None:
        if not self._has_cancelled:
            return
        self._has_cancelled = False
        for pool in self._turns:
            pool.release()

    def _admit(self) -> None:
        for pool in self._turns:
            if pool.waiting.weight:
                pool.admit()

    def _plan(self) -> Tick | None:
        """The models take turns: the first that has running texts is the last next time."""
        for pool in list(self._turns):
            self._turns.rotate(-1)
            if pool.running:
                return pool.plan()
        return None

    @property
    def has_work(self) -> bool:
        """Whether a tick would do anything."""
        return any(pool.has_work for pool in self._turns)

    def statistics(self) -> Statistics:
        """What the engine is doing and has done, for tests, metrics and people."""
        pools = self._turns
        models = {digest: self._statistics_of(digest) for digest in self._pools}
        return Statistics(
            rows=sum(each.rows for each in models.values()),
            busy_rows=sum(each.busy_rows for each in models.values()),
            waiting=sum(each.waiting for each in models.values()),
            callers=len(self._callers),
            ticks=self._ticks,
            steps=self._left_steps + sum(pool.steps for pool in pools),
            row_steps=self._left_row_steps + sum(pool.row_steps for pool in pools),
            paused=len(self._paused),
            models=models,
        )

    def _statistics_of(self, digest: str) -> ModelStatistics:
        """Of all rows of a model."""
        each = [pools[digest].statistics for pools in (self._pools, self._typing) if digest in pools]
        rows, busy_rows, waiting, oldest_seconds = zip(*each, strict=True)
        return ModelStatistics(sum(rows), sum(busy_rows), sum(waiting), max(oldest_seconds))

    def _note_abandoned(self, job: Job) -> None:
        self.on_abandoned(job)


class Entrance(NamedTuple):
    """An engine for one asker."""

    engine: Engine
    asker: Asker

    def submit(self, jobs: Sequence[Job]) -> None:
        """Let new texts come in, all or none. Raises Busy."""
        self.engine.submit(jobs, self.asker)

    def resume(self, job: Job) -> None:
        """Let a paused text wait for a row again."""
        self.engine.resume(job)

    def cancel(self, job: Job) -> None:
        """Forget a text."""
        self.engine.cancel(job)


def work_of(advance: Advance) -> int:
    """How many steps an advance counts for."""
    return advance.forced // GIVEN_TO_A_STEP + advance.sampled


def make_typing_pace() -> Pace:
    """Somebody's key waits for what of another's long prefix moves in the same rows: it moves in short runs."""
    return Pace(longest_run_seconds=TICK_SECONDS)


def do_nothing() -> None:
    """What `Engine` calls when work comes, unless somebody waits for it."""


def ignore(_: object) -> None:
    """What `Engine` tells of ticks and of texts that left, unless somebody counts them."""
