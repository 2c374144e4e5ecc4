"""How far the rows may move in one tick: far enough to be cheap, but not so far that anyone has to wait.

    draw   first   draw   run   draw   run      first: one character for newcomers alone, at once, but never twice in a row,
                                                       and not where that would only be more to write
                                                run: of long prefixes alone, about as long as all that went before it
                                                draw: of all others

So neither long prefixes nor the others ever have less than about half of the engine, however many there are of either.
"""

import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from elman_server.engine.job import Job

TICK_SECONDS = 0.002
MOST_DRAWS = 32
BUSY_TICK_SECONDS, BUSY_DRAWS = 0.003, 128
"""A tick of as many rows as pay, with the writing of what it drew, where more texts want to move than that. What it draws is
not written before the text's turn ends, so it goes as far as its time allows: each tick costs the event loop as much as two
or three messages."""
LEAST_ROWS = 8
"""So many rows pay at any rate: weights are read once for all."""
RUN_ROWS = 16
"""As many long prefixes move together."""

RUN_SECONDS, LONGEST_RUN_SECONDS = 0.001, 0.01
MOST_RUN = 4096
RUN_SHARE = 0.92
"""How long a run may take beside all that went before it."""

NEAR = 16
"""A prefix with no more characters than this left to consume is not long: its text goes along with those that draw."""

PIECE_SECONDS = 0.00005
"""About what it costs the event loop to write one piece of text more."""

QUICK_SECONDS = 0.0005
"""First characters that take no longer may be drawn while rows of other texts move, and hold the event loop up so long."""

FIRST_GUESS_SECONDS = TICK_SECONDS / 8


class TickKind(Enum):
    """Which texts a tick moves."""

    DRAW = "all but those with a long prefix"
    FIRST = "those whose first character is awaited"
    RUN = "those with a long prefix"


class Allowance(NamedTuple):
    """How many given characters a text may consume in a tick, and how many may then be drawn."""

    kind: TickKind
    run: int
    draws: int

    def moves(self, job: Job) -> bool:
        """Whether the tick moves the text. A newcomer's first character does not wait for its turn."""
        if self.kind is TickKind.FIRST:
            return is_newcomer(job)
        return job.turn > 0 and is_long(job) is (self.kind is TickKind.RUN)


def is_long(job: Job) -> bool:
    """Whether a text still has a long prefix to consume."""
    return job.given > NEAR


def is_newcomer(job: Job) -> bool:
    """Whether a text's first character is the next thing to come of it."""
    return job.awaits_first and not is_long(job)


class Cost:
    """The time of a step, learned from ticks, whose fixed cost it holds a share of; it is taken to grow with the rows."""

    def __init__(self) -> None:
        self._seconds, self._rows = FIRST_GUESS_SECONDS, 1

    def of(self, rows: int) -> float:
        """The time of a step of that many rows, and at least the time last seen with fewer."""
        return self._seconds * max(1.0, rows / self._rows)

    def steps(self, seconds: float, rows: int, most: int) -> int:
        """How many steps of that many rows fit into the time, from 1 to `most`."""
        return max(1, min(most, int(seconds / self.of(rows))))

    def rows(self, seconds: float, steps: int, beside: float) -> int:
        """With how many rows that many steps fit into the time, if each row costs some more `beside` them."""
        alike = (seconds - steps * self._seconds) / beside  # while a step costs no more than the one last seen
        if alike <= self._rows:
            return int(alike)
        return int(seconds / (steps * self._seconds / self._rows + beside))

    def observe(self, rows: int, steps: int, seconds: float) -> None:
        """Learn from a tick: half of what is known is what was seen last."""
        expected = self.of(rows)
        self._seconds, self._rows = expected + (seconds / steps - expected) / 2, rows


class Pace:
    """Decides how far the next tick goes, and whom it moves. No run is to take longer than `longest_run_seconds`.

    Where whoever asks does the work as well (not `is_shared`), a first character would only come a tick dearer.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        longest_run_seconds: float = LONGEST_RUN_SECONDS,
        is_shared: bool = True,
    ) -> None:
        self._clock, self._longest_run_seconds, self._is_shared = clock, longest_run_seconds, is_shared
        self._costs = {kind: Cost() for kind in TickKind}
        self._kind = TickKind.DRAW  # of the last tick
        self._cost = self._costs[self._kind]
        self._run_ended: float | None = None  # when the last run ended; None: no long prefix has waited since

    @property
    def rows_that_pay(self) -> int:
        """How many texts are best drawn at a time: with more, each would have shorter pieces, and none more characters."""
        return max(LEAST_ROWS, self._costs[TickKind.DRAW].rows(BUSY_TICK_SECONDS, MOST_DRAWS, PIECE_SECONDS))

    def allowance(self, jobs: Sequence[Job]) -> Allowance:
        """What the texts may do in the next tick."""
        turns = [job for job in jobs if job.turn]
        long = sum(is_long(job) for job in turns)
        if long and (long == len(turns) or self._kind is TickKind.DRAW):
            return self._run(long, is_alone=long == len(turns))
        self._run_ended = self._run_ended if long else None
        rows = len(turns) - long
        seconds, most = (TICK_SECONDS, MOST_DRAWS) if len(turns) == len(jobs) else (BUSY_TICK_SECONDS, BUSY_DRAWS)
        draws = self._costs[TickKind.DRAW].steps(seconds, rows, most)
        if self._is_shared and self._kind is not TickKind.FIRST and self._is_first_worth_it(jobs, rows, draws):
            return self.first()
        return self._allow(TickKind.DRAW, NEAR, draws)

    def is_first_quick(self, newcomers: Sequence[Job]) -> bool:
        """Whether the first characters of these are drawn so soon that the event loop can wait for it."""
        steps = max(job.given for job in newcomers) + 1
        return self._costs[TickKind.FIRST].of(len(newcomers)) * steps <= QUICK_SECONDS

    def first(self) -> Allowance:
        """One character for each newcomer, and nothing for others."""
        return self._allow(TickKind.FIRST, NEAR, 1)

    def _is_first_worth_it(self, jobs: Sequence[Job], rows: int, draws: int) -> bool:
        """Whether drawing all at once takes longer than writing one piece more for each newcomer but the first."""
        left = [job.left for job in jobs if is_newcomer(job)]
        if not left:
            return False
        return self._costs[TickKind.DRAW].of(rows) * min(draws, max(left)) > PIECE_SECONDS * (len(left) - 1)

    def _run(self, rows: int, is_alone: bool) -> Allowance:
        seconds = RUN_SECONDS
        if not is_alone and self._run_ended is not None:
            seconds = min(RUN_SHARE * (self._clock() - self._run_ended), self._longest_run_seconds)
        steps = self._costs[TickKind.RUN].steps(seconds, rows, MOST_RUN)
        return self._allow(TickKind.RUN, steps, 0)

    def _allow(self, kind: TickKind, run: int, draws: int) -> Allowance:
        self._kind, self._cost = kind, self._costs[kind]
        return Allowance(kind, run, draws)

    def expect(self, rows: int, steps: int) -> float:
        """About how long the tick allowed last will take if it moves that many rows, the longest of them that many steps."""
        return self._cost.of(rows) * steps

    def observe(self, rows: int, steps: int, seconds: float) -> None:
        """Learn from the tick that was allowed last: how many rows it moved, its longest row's steps, and what it took."""
        self._cost.observe(rows, steps, seconds)
        if self._kind is TickKind.RUN:
            self._run_ended = self._clock()
