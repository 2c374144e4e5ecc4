"""The engine: rows that advance together, tick by tick, for as many texts at once as there are rows. Knows nothing of gRPC.

    waiting -> a free row -> a run of prefix, or a few draws, a tick -> told to whoever asked -> the row is free again

Every row of a tick moves together (continuous batching): a text joins when a row is free and leaves when it ends, is cancelled,
or its reader is slow. One thread owns all of this; only the execution of a tick may happen beside it (`ticker`).
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman_models.execution.protocol import Advance, Execution, Outcome, Start
from elman_models.law.state import State
from elman_server.engine.job import Job, Progress
from elman_server.engine.pace import Pace
from elman_server.errors import QueueFull

TURN_STEPS = 1024
"""How far a text moves in its row before it leaves the row to one that waits."""

UNTAKEN_CHARACTERS = 4096
"""How far a reader may fall behind before its text leaves the row."""


class Statistics(NamedTuple):
    """What the engine is doing and has done."""

    rows: int
    busy_rows: int
    waiting: int
    ticks: int
    steps: int
    row_steps: int


@dataclass(frozen=True, slots=True, eq=False)
class Tick:
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


class Queue:
    """Texts that wait for a row, and what they weigh together. A text's weight stays the same while it waits."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self.weight = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def push(self, job: Job) -> None:
        """Let a text wait behind all others."""
        self._jobs.append(job)
        self.weight += job.weight

    def push_first(self, jobs: Sequence[Job]) -> None:
        """Let texts wait, in this order, before all others."""
        self._jobs.extendleft(reversed(jobs))
        self.weight += sum(job.weight for job in jobs)

    def pop(self) -> Job:
        """Take out the text that comes first."""
        job = self._jobs.popleft()
        self.weight -= job.weight
        return job

    def drop_cancelled(self) -> None:
        """Take out the texts that were cancelled."""
        if any(job.is_cancelled for job in self._jobs):
            self._jobs = deque(job for job in self._jobs if not job.is_cancelled)
            self.weight = sum(job.weight for job in self._jobs)


class Pool:
    """The rows of one model, and the texts that wait for one."""

    def __init__(self, execution: Execution, rows: int, pace: Pace) -> None:
        self.execution = execution
        self._pace = pace
        self.waiting = Queue()
        self.free = list(range(rows))
        self.running: dict[int, Job] = {}
        self.steps = self.row_steps = 0

    def admit(self) -> None:
        """Give the free rows to texts that wait."""
        while self.free and self.waiting:
            job = self.waiting.pop()
            if not job.is_cancelled:
                self.execution.load(self.free[-1], job.admit())
                self.running[self.free.pop()] = job

    def plan(self) -> Tick:
        """How far each row moves; some may rest."""
        allowed = self._pace.allowance(list(self.running.values()))
        moving = [(row, job) for row, job in self.running.items() if allowed.moves(job)]
        advances = [job.advance(row, allowed.run, allowed.draws) for row, job in moving]
        steps = max(advance.steps for advance in advances)
        return Tick(self, [job for _, job in moving], advances, steps, self._pace.expect(len(moving), steps))

    def take(self, tick: Tick, result: TickResult) -> list[Progress]:
        """Take what the rows did; returns what there is to tell."""
        self._pace.observe(len(tick.jobs), tick.steps, result.seconds)
        self.steps += tick.steps
        self.row_steps += sum(advance.steps for advance in tick.advances)
        moves = enumerate(zip(tick.jobs, tick.advances, strict=True))
        told = [
            self._take(job, result.outcome, index, advance)
            for index, (job, advance) in moves
            if job.watch or not job.is_cancelled  # a watcher keeps the states even of a text that was cancelled meanwhile
        ]
        return [progress for progress in told if progress]

    def _take(self, job: Job, outcome: Outcome, index: int, advance: Advance) -> Progress | None:
        progress = job.take(advance, outcome, index, partial(self._replay, advance.row))
        if progress and progress.is_last:
            self._release(advance.row)
            return self._fork(job, progress)
        if progress and job.untaken > UNTAKEN_CHARACTERS:
            self._release(advance.row)
            job.pause(outcome.state(index, advance.sampled))
            return progress._replace(is_paused=True)
        if self.waiting and job.steps >= TURN_STEPS:
            self._release(advance.row)
            job.pause(outcome.state(index, advance.sampled))
            self.waiting.push(job)
        return progress

    def _replay(self, row: int, state: State, characters: NDArray[np.int32]) -> State:
        """The state after some characters more, found in a row whose text has ended."""
        if not len(characters):
            return state
        self.execution.load(row, Start(state))
        return self.execution.run([Advance(row, skipped=characters)]).state(0, 0)

    def _fork(self, job: Job, progress: Progress) -> Progress | None:
        """The alternatives of a primed text go on from its state, before all others that wait."""
        if not job.alternatives or progress.state is None:
            return progress
        self.waiting.push_first([alternative.follow(job, progress.state) for alternative in job.alternatives])
        return None

    def release(self) -> None:
        """Cancelled texts leave their rows and the queue."""
        for row in [row for row, job in self.running.items() if job.is_cancelled]:
            self._release(row)
        self.waiting.drop_cancelled()

    def _release(self, row: int) -> None:
        del self.running[row]
        self.free.append(row)


class Engine:
    """Pools of rows, one a model, that take turns. It tells each job's `tell`; `on_work` is called when there is new work."""

    def __init__(
        self, executions: Mapping[str, Execution], rows: int, waiting: int, make_pace: Callable[[], Pace] = Pace
    ) -> None:
        self._pools = {digest: Pool(execution, rows, make_pace()) for digest, execution in executions.items()}
        self._turns = deque(self._pools.values())
        self._rows = rows
        self._largest_queue = waiting
        self._ticks = 0
        self._has_cancelled = False  # since the last round
        self.on_work: Callable[[], None] = do_nothing

    def submit(self, jobs: Sequence[Job]) -> None:
        """Let new texts wait for rows, all or none; where nothing waits, any number. Raises QueueFull.

        A long text weighs as several, so that what waits is bounded in bytes too.
        """
        weight = sum(pool.waiting.weight for pool in self._turns)
        if weight and weight + sum(job.weight for job in jobs) > self._largest_queue:
            raise QueueFull(sum(len(pool.waiting) for pool in self._turns))
        for job in jobs:
            self._pools[job.model.digest].waiting.push(job)
        self.on_work()

    def resume(self, job: Job) -> None:
        """Let a paused text wait for a row again."""
        self._pools[job.model.digest].waiting.push(job)
        self.on_work()

    def cancel(self, job: Job) -> None:
        """Forget a text: its row is free after the tick in progress."""
        self._has_cancelled = True
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

    def finish(self, tick: Tick, result: TickResult) -> None:
        """Take what the rows did, and tell whoever asked."""
        self._ticks += 1
        for progress in tick.pool.take(tick, result):
            progress.job.tell(progress)

    def _release(self) -> None:
        if not self._has_cancelled:
            return
        self._has_cancelled = False
        for pool in self._turns:
            pool.release()

    def _admit(self) -> None:
        for pool in self._turns:
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
        return any(pool.running or pool.waiting for pool in self._turns)

    def statistics(self) -> Statistics:
        """What the engine is doing and has done, for tests, metrics and people."""
        pools = self._pools.values()
        return Statistics(
            rows=self._rows * len(pools),
            busy_rows=sum(len(pool.running) for pool in pools),
            waiting=sum(len(pool.waiting) for pool in pools),
            ticks=self._ticks,
            steps=sum(pool.steps for pool in pools),
            row_steps=sum(pool.row_steps for pool in pools),
        )


def do_nothing() -> None:
    """What `Engine` calls when work comes, unless somebody waits for it."""
