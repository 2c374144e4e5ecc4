"""Whether a text may come in: there must be room, and time for it to end in. Knows no rows."""

from collections.abc import Sequence
from random import Random

from elman_server.engine.asker import Asker, Effort
from elman_server.engine.callers import Callers
from elman_server.engine.job import Job
from elman_server.errors import QueueFull, TooLate

MEMORY_SECONDS = 0.25
"""How long the pace of a moment counts."""
PATIENCE = 0.17
"""The share of the time that a caller has left which it may have to wait for others: paces change, and so do their texts."""
MOST_SLOWER = 2.0
"""How much slower one tick may make all look: a pause of the process is no pace. Ticks that stay slow are believed soon."""
LEAST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.05, 5.0


class Speed:
    """What a step costs, with everything that the loop does meanwhile."""

    def __init__(self) -> None:
        self._seconds = self._steps = 0.0

    def observe(self, steps: int, seconds: float) -> None:
        """Learn from a tick, which came so long after the one before, or after the engine woke."""
        kept, before = max(0.0, 1 - seconds / MEMORY_SECONDS), self.step_seconds
        self._seconds, self._steps = kept * self._seconds + seconds, kept * self._steps + steps
        if before:
            self._seconds = min(self._seconds, MOST_SLOWER * before * self._steps)

    @property
    def step_seconds(self) -> float:
        """About what a step costs; 0 where nothing is known yet."""
        return self._seconds / self._steps if self._steps else 0.0


class Admission:
    """Lets texts in or refuses them, by what waits and by the speed of late."""

    def __init__(self, callers: Callers, speed: Speed, largest_queue: int) -> None:
        self._callers, self._speed, self._largest_queue = callers, speed, largest_queue
        self._random = Random()  # noqa: S311 (spreads those who come back, and decides no character)

    def check_room(self, jobs: Sequence[Job], asker: Asker, weight: int, waiting: int) -> None:
        """Raise QueueFull if no more may wait: what waits weighs something already, and more than may with these.

        A caller whose own share of the queue is not used up comes in though others have filled it.
        """
        own = sum(job.weight for job in jobs)
        if not weight or weight + own <= self._largest_queue:
            return
        share = self._largest_queue // (len(self._callers) + 1)
        if self._callers.weight_of(asker.caller) + own > share or weight + own > 2 * self._largest_queue:
            raise QueueFull(waiting, self._retry_seconds())

    def check_time(self, effort: Effort, asker: Asker, now: float, rows: int) -> None:
        """Raise TooLate if texts could hardly end before the deadline, with those of others that come before."""
        left = asker.deadline - now
        wait = self._speed.step_seconds * self._callers.work_before(asker.caller, effort.most)
        if wait + PATIENCE * self.own_seconds(effort, rows) > PATIENCE * left:
            raise TooLate(left, wait, self._retry_seconds())

    def own_seconds(self, effort: Effort, rows: int) -> float:
        """About how long texts take once their turn comes, beside as many others as there are rows; no less than that."""
        return self._speed.step_seconds * rows * effort.least

    def _retry_seconds(self) -> float:
        """About when half of what is there now will be done, give or take a half, so that not all come back together."""
        half = self._speed.step_seconds * self._callers.work / 2
        return min(max(half * self._random.uniform(0.5, 1.5), LEAST_RETRY_SECONDS), LONGEST_RETRY_SECONDS)
