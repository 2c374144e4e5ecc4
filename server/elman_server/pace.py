"""How far the rows may move in one tick: far enough to be cheap, not so far that anyone waits.

draws   draws   run of prefix   draws   run of prefix        long texts and the others take turns of about equal length,
                                                              so that neither ever has less than half of the engine
"""

import time
from collections.abc import Callable, Sequence
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


class Allowance(NamedTuple):
    """How many given characters a text may consume in a tick, how many may then be drawn, and about how long that takes."""

    run: int
    draws: int
    seconds: float = 0.0


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
    """Decides how far the next tick goes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._draw, self._run = Cost(), Cost()
        self._is_run = False  # whether the last tick was a run of long texts alone
        self._run_ended = clock()
        self._was_short = False

    def allowance(self, jobs: Sequence[Job]) -> Allowance:
        """What the texts may do in the next tick."""
        is_long = [job.given > NEAR for job in jobs]
        self._is_run = any(is_long) and (all(is_long) or not self._is_run)
        return self._long_run(all(is_long)) if self._is_run else self._draws(jobs)

    def _long_run(self, is_alone: bool) -> Allowance:
        since = 0.0 if is_alone else RUN_SHARE * (self._clock() - self._run_ended)
        steps = self._run.steps(min(max(RUN_SECONDS, since), LONGEST_RUN_SECONDS), MOST_RUN)
        return Allowance(steps, 0, steps * self._run.seconds)

    def _draws(self, jobs: Sequence[Job]) -> Allowance:
        """One is drawn where a first character is awaited, but never in two ticks in a row: newcomers hold nobody up."""
        self._was_short = any(job.awaits_first and job.given <= NEAR for job in jobs) and not self._was_short
        draws = 1 if self._was_short else self._draw.steps(TICK_SECONDS, MOST_DRAWS)
        return Allowance(max(draws, NEAR), draws, (draws + 1) * self._draw.seconds)

    def observe(self, steps: int, seconds: float) -> None:
        """Learn from the tick that was allowed last: its longest row's steps, and what it took."""
        (self._run if self._is_run else self._draw).observe(steps, seconds)
        if self._is_run:
            self._run_ended = self._clock()
