"""The engine: rows that advance together, tick by tick, for as many texts at once as there are rows. Knows nothing of gRPC.

    waiting -> a free row -> a run of prefix, or a few draws, a tick -> told to whoever asked -> the row is free again

Every row of a tick moves together (continuous batching): a text joins when a row is free and leaves when it ends, is cancelled,
or its reader is slow. One thread owns all of this; others reach it only through `submit`, `cancel` and `resume`.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman_models.execution import Advance, Execution, Outcome, Start
from elman_models.state import State
from elman_server.errors import QueueFull
from elman_server.job import Job, Progress
from elman_server.pace import Pace

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


class Pool:
    """The rows of one model, and the texts that wait for one."""

    def __init__(self, execution: Execution, rows: int, pace: Pace) -> None:
        self._execution = execution
        self._pace = pace
        self.waiting: deque[Job] = deque()
        self.free = list(range(rows))
        self.running: dict[int, Job] = {}
        self.steps = self.row_steps = 0

    def admit(self) -> None:
        """Waiting -> free rows."""
        while self.free and self.waiting:
            job = self.waiting.popleft()
            if not job.is_cancelled:
                row = self.free.pop()
                self._execution.load(row, job.admit())
                self.running[row] = job

    def step(self) -> list[Progress]:
        """A few characters for every row; returns what there is to tell."""
        if not self.running:
            return []
        jobs = list(self.running.values())
        run, draws = self._pace.allowance(jobs)
        advances = [job.advance(row, run, draws) for row, job in self.running.items()]
        started = time.thread_time()  # its own work: to wait for the interpreter's lock is no reason to do less at a time
        outcome = self._execution.run(advances)
        self._pace.observe(advances, time.thread_time() - started)
        self.steps += max(advance.steps for advance in advances)
        self.row_steps += sum(advance.steps for advance in advances)
        told = [
            self._take(job, outcome, index, advance) for index, (job, advance) in enumerate(zip(jobs, advances, strict=True))
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
            return replace(progress, is_paused=True)
        return progress

    def _replay(self, row: int, state: State, characters: NDArray[np.int32]) -> State:
        """The state after some characters more, found in a row whose text has ended."""
        if not len(characters):
            return state
        self._execution.load(row, Start(state))
        return self._execution.run([Advance(row, skipped=characters)]).state(0, 0)

    def _fork(self, job: Job, progress: Progress) -> Progress | None:
        """The alternatives of a primed text go on from its state, before all others that wait."""
        if not job.alternatives or progress.state is None:
            return progress
        self.waiting.extendleft(alternative.follow(job, progress.state) for alternative in reversed(job.alternatives))
        return replace(progress, state=None) if progress.passage else None

    def release(self) -> None:
        """Cancelled texts leave their rows and the queue."""
        for row in [row for row, job in self.running.items() if job.is_cancelled]:
            self._release(row)
        if any(job.is_cancelled for job in self.waiting):
            self.waiting = deque(job for job in self.waiting if not job.is_cancelled)

    def _release(self, row: int) -> None:
        del self.running[row]
        self.free.append(row)


class Engine:
    """Pools of rows, one a model, that take turns. `deliver` gets all news of a tick in one call."""

    def __init__(
        self,
        executions: Mapping[str, Execution],
        rows: int,
        waiting: int,
        deliver: Callable[[Sequence[Progress]], None],
        make_pace: Callable[[], Pace] = Pace,
    ) -> None:
        self._pools = {digest: Pool(execution, rows, make_pace()) for digest, execution in executions.items()}
        self._rows = rows
        self._largest_queue = waiting
        self._deliver = deliver
        self._inbox: deque[Job] = deque()
        self._wake = threading.Condition()
        self._is_stopping = False
        self._ticks = 0

    def submit(self, jobs: Sequence[Job]) -> None:
        """Let new texts wait for rows, all or none; where nothing waits, any number. Raises QueueFull.

        A long text weighs as several, so that what waits is bounded in bytes too.
        """
        with self._wake:
            waiting = self._count_waiting()
            if waiting and sum(job.weight for job in (*self._waiting(), *jobs)) > self._largest_queue:
                raise QueueFull(waiting)
            self._inbox.extend(jobs)
            self._wake.notify()

    def resume(self, job: Job) -> None:
        """Let a paused text wait for a row again."""
        with self._wake:
            self._inbox.append(job)
            self._wake.notify()

    def cancel(self, job: Job) -> None:
        """Forget a text: its row is free after the tick in progress."""
        job.is_cancelled = True
        for alternative in job.alternatives:
            alternative.is_cancelled = True

    def run(self) -> None:
        """Tick for as long as there is work, sleep while there is none; returns after `stop`."""
        while self._wait():
            self.tick()

    def stop(self) -> None:
        """Let `run` return after the tick in progress."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify()

    def tick(self) -> None:
        """One round of the engine."""
        self._admit()  # waiting -> free rows
        out = self._step()  # a few characters for every row
        self._emit(out)  # one hand-over to whoever asked
        self._release()  # cancelled or gone; the finished have left

    def _admit(self) -> None:
        while self._inbox:
            job = self._inbox.popleft()
            self._pools[job.model.digest].waiting.append(job)
        for pool in self._pools.values():
            pool.admit()

    def _step(self) -> list[Progress]:
        self._ticks += 1
        return [progress for pool in self._pools.values() for progress in pool.step()]

    def _emit(self, out: list[Progress]) -> None:
        if out:
            self._deliver(out)

    def _release(self) -> None:
        for pool in self._pools.values():
            pool.release()

    def _wait(self) -> bool:
        """Sleep until there is something to do; False after `stop`."""
        with self._wake:
            self._wake.wait_for(lambda: self._is_stopping or self.has_work)
            return not self._is_stopping

    @property
    def has_work(self) -> bool:
        """Whether a tick would do anything."""
        return bool(self._inbox) or any(pool.running or pool.waiting for pool in self._pools.values())

    def statistics(self) -> Statistics:
        """For tests, metrics and people; approximate while the engine runs."""
        pools = self._pools.values()
        return Statistics(
            rows=self._rows * len(pools),
            busy_rows=sum(len(pool.running) for pool in pools),
            waiting=self._count_waiting(),
            ticks=self._ticks,
            steps=sum(pool.steps for pool in pools),
            row_steps=sum(pool.row_steps for pool in pools),
        )

    def _count_waiting(self) -> int:
        return len(self._inbox) + sum(len(pool.waiting) for pool in self._pools.values())

    def _waiting(self) -> list[Job]:
        return [*self._inbox, *(job for pool in self._pools.values() for job in pool.waiting.copy())]
