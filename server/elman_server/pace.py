"""How far the rows may move in one tick: far enough to be cheap, not so far that anyone waits."""

from collections.abc import Sequence

from elman_models.execution import Advance
from elman_server.job import Job

TICK_SECONDS = 0.002
MOST_STEPS = 4096
MOST_DRAWS = 32
FIRST_STEPS = 8


class Pace:
    """Learns how many steps fit into a tick of about 2 ms; draws may fill it, 32 at most, and runs of prefix half of it.

    It learns from whole ticks, whose fixed cost no count of steps can lower: while a tick has time left, the next may go
    farther; one that took too long is cut to what would have fitted.
    """

    def __init__(self) -> None:
        self._steps = FIRST_STEPS
        self._was_short = False

    def allowance(self, jobs: Sequence[Job]) -> tuple[int, int]:
        """How many given characters one text may consume in this tick, and how many characters may then be drawn.

        One is drawn where somebody whose text is all but consumed waits for a first character, but never in two ticks in a
        row: else a stream of newcomers would hold everybody to one character a tick.
        """
        run = (self._steps + 1) // 2
        is_awaited = any(job.awaits_first and len(job.skipped) + len(job.scored) <= run for job in jobs)
        self._was_short = is_awaited and not self._was_short
        return run, 1 if self._was_short else min(self._steps, MOST_DRAWS)

    def observe(self, advances: Sequence[Advance], seconds: float) -> None:
        """Learn from a tick."""
        steps = max(advance.steps for advance in advances)
        if seconds > TICK_SECONDS:
            self._steps = max(1, min(self._steps, int(steps * TICK_SECONDS / seconds)))
        elif 2 * steps >= self._steps and seconds * self._steps <= steps * TICK_SECONDS:  # the whole of it would have fitted
            self._steps = min(MOST_STEPS, self._steps + self._steps // 4 + 1)
