"""How far the rows may move in one tick: far enough to be cheap, not so far that anyone waits.

draws   draws   run of prefix   draws   run of prefix        long texts and the others take turns of about equal length,
                                                              so that neither ever has less than half of the engine
"""

import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from elman_server.job import Job

TICK_SECONDS = 0.002
MOST_DRAWS = 32
RUN_SECONDS = 0.001
LONGEST_RUN_SECONDS = 0.01
MOST_RUN = 4096
NEAR = 16
"""Texts with so few characters left to consume go along with those that draw."""
FIRST_GUESS_SECONDS = TICK_SECONDS / 8
RUN_SHARE = 0.95
"""How long a run may take beside the draws before it: not all of it, since long texts move on a little with the draws too."""


class Kind(Enum):
    """Which texts a tick moves."""

    DRAW = "all of them"
    FIRST = "those whose first character is awaited"
    RUN = "those with a long prefix"


class Allowance(NamedTuple):
    """How many given characters a text may consume in a tick, how many may then be drawn, and about how long that takes."""

    kind: Kind
    run: int
    draws: int
    seconds: float = 0.0

    def moves(self, job: Job) -> bool:
        """Whether the tick moves the text."""
        if self.kind is Kind.DRAW:
            return True
        return job.given > NEAR if self.kind is Kind.RUN else job.awaits_first and job.given <= NEAR


class Cost:
    """The time of a step, learned from ticks, whose fixed cost it holds a share of."""

    def __init__(self) -> None:
        self.seconds = FIRST_GUESS_SECONDS

    def steps(self, seconds: float, most: int) -> int:
        """How many steps fit."""
        return max(1, min(most, int(seconds / self.seconds)))

    def observe(self, steps: int, seconds: float) -> None:
        """Learn from a tick."""
        self.seconds += (seconds / steps - self.seconds) / 2


class Pace:
    """Decides how far the next tick goes, and whom it moves."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._costs = {kind: Cost() for kind in Kind}
        self._kind = Kind.DRAW  # of the last tick
        self._run_ended = clock()

    def allowance(self, jobs: Sequence[Job]) -> Allowance:
        """What the texts may do in the next tick."""
        long = sum(job.given > NEAR for job in jobs)
        newcomers = sum(job.awaits_first and job.given <= NEAR for job in jobs)
        if long and (long == len(jobs) or self._kind is Kind.DRAW):
            return self._run(is_alone=long == len(jobs))
        if newcomers and self._kind is not Kind.FIRST:
            return self._allow(Kind.FIRST, NEAR, 1)
        draws = self._costs[Kind.DRAW].steps(TICK_SECONDS, MOST_DRAWS)
        return self._allow(Kind.DRAW, max(draws, NEAR), draws)

    def _run(self, is_alone: bool) -> Allowance:
        since = 0.0 if is_alone else RUN_SHARE * (self._clock() - self._run_ended)
        steps = self._costs[Kind.RUN].steps(min(max(RUN_SECONDS, since), LONGEST_RUN_SECONDS), MOST_RUN)
        return self._allow(Kind.RUN, steps, 0)

    def _allow(self, kind: Kind, run: int, draws: int) -> Allowance:
        self._kind = kind
        return Allowance(kind, run, draws, self._costs[kind].seconds * (draws or run))

    def observe(self, steps: int, seconds: float) -> None:
        """Learn from the tick that was allowed last: its longest row's steps, and what it took."""
        self._costs[self._kind].observe(steps, seconds)
        if self._kind is Kind.RUN:
            self._run_ended = self._clock()
