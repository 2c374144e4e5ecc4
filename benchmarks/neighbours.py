"""A long prefix and the rows that sample beside it: how much does either slow the other?

At the engine, tick by tick in this thread: over gRPC, what the transport needs for 63 streams would hide what the engine does.
"""

import time
from collections.abc import Callable
from random import Random
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from random_model import CHARACTERS

from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import NOTHING, Start
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_server.engine.ending import Ending
from elman_server.engine.engine import Engine
from elman_server.engine.job import Job, Progress

NEIGHBOURS, PREFIX_CHARACTERS = 63, 100_000
ENDLESS = 1 << 40
WARM_UP_CHARACTERS = 1000
UNDISTURBED_SECONDS, MOST_SECONDS = 0.5, 10.0


class Neighbours(NamedTuple):
    """Medians over the rounds, of the times and of their ratios.

    The prefix: seconds to its first character. The neighbours: p99 of the microseconds between two characters, that is between
    two pieces, divided by the characters of the second.
    """

    prefix_seconds_alone: float
    prefix_seconds_beside: float
    long_prefix_slowdown: float
    p99_microseconds_without: float
    p99_microseconds_beside: float
    neighbours_p99_slowdown: float


def measure(model: Model, most_rounds: int, seconds: float) -> Neighbours:
    """The prefix alone, the neighbours without it, and both, in turns, for about this long; at least once."""
    prefix = model.vocabulary.encode("".join(Random(1).choices(CHARACTERS, k=PREFIX_CHARACTERS)))
    empty, busy = Rows(model), Rows(model)
    for seed in range(NEIGHBOURS):
        busy.begin(seed, Neighbour(busy.between_characters).tell)
    hold_round(prefix[:WARM_UP_CHARACTERS], empty, busy)
    end = time.perf_counter() + seconds
    found = [hold_round(prefix, empty, busy)]
    while time.perf_counter() < end and len(found) < most_rounds:
        found.append(hold_round(prefix, empty, busy))
    return Neighbours(*(median(column) for column in zip(*found, strict=True)))


def hold_round(prefix: NDArray[np.int32], empty: "Rows", busy: "Rows") -> Neighbours:
    """Each once."""
    alone = empty.consume(prefix)
    without = busy.sample()
    beside, disturbed = busy.consume(prefix), busy.p99()
    return Neighbours(alone, beside, beside / alone, 1e6 * without, 1e6 * disturbed, disturbed / without)


class Rows:
    """An engine with a row for each neighbour and one for the prefix."""

    def __init__(self, model: Model) -> None:
        self._model = model
        rows = NEIGHBOURS + 1
        self._engine = Engine({model.digest: open_execution(model, rows, "cpu")}, rows, rows)
        self.between_characters: list[float] = []

    def begin(
        self, seed: int, tell: Callable[[Progress], None], prefix: NDArray[np.int32] = NOTHING, characters: int = ENDLESS
    ) -> Job:
        """Let a text join."""
        ending = Ending(characters, (), None)
        job = Job(self._model, Start(State.initial(self._model), seed=seed), tell, skipped=prefix, ending=ending)
        self._engine.submit([job])
        return job

    def consume(self, prefix: NDArray[np.int32]) -> float:
        """Seconds to the first character after the prefix; given up after MOST_SECONDS, what the whole of it would take."""
        told: list[Progress] = []
        self.between_characters.clear()
        started = time.perf_counter()
        job = self.begin(0, told.append, prefix, characters=1)
        while not told and time.perf_counter() < started + MOST_SECONDS:
            self._engine.tick()
        self._engine.cancel(job)
        share = 1 - len(job.skipped) / len(prefix)
        return (time.perf_counter() - started) / share

    def sample(self) -> float:
        """Go on for a while; p99 between characters."""
        self._engine.tick()  # the neighbours stood still meanwhile: that does not count
        self.between_characters.clear()
        end = time.perf_counter() + UNDISTURBED_SECONDS
        while time.perf_counter() < end:
            self._engine.tick()
        return self.p99()

    def p99(self) -> float:
        """Of the seconds between the neighbours' characters since the last measurement began."""
        return float(np.quantile(self.between_characters, 0.99))


class Neighbour:
    """Takes what it is told, and times it."""

    def __init__(self, between_characters: list[float]) -> None:
        self._between_characters = between_characters
        self._last = time.perf_counter()

    def tell(self, progress: Progress) -> None:
        """Take a piece."""
        now = time.perf_counter()
        progress.job.note_taken(len(progress.text))
        self._between_characters.append((now - self._last) / len(progress.text))
        self._last = now
