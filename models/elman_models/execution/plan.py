"""The advances of one call of the reference as a batch: which rows move at each step, and what is forced or drawn there.

It knows no torch.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman_models.execution.protocol import Advance, Start
from elman_models.law.philox import draw


class Plan:
    """The advances with the longest first, so that the rows still moving are always the first ones.

    steps ->  0 1 2 3 4 5 6 7
    row 9     f f f f f f s s      f: forced (skipped or scored)   s: sampled
    row 2     f s s s s
    row 5     s s s s

    Arrays are (steps, rows). Plain lists say what a step needs: for a few rows they cost less than arrays.
    """

    def __init__(self, advances: Sequence[Advance]) -> None:
        lengths = [advance.steps for advance in advances]
        self.order = sorted(range(len(advances)), key=lengths.__getitem__, reverse=True)
        self.advances = [advances[index] for index in self.order]
        self.rows = [advance.row for advance in self.advances]
        self.ends = [lengths[index] for index in self.order]
        self.firsts = [advance.forced for advance in self.advances]  # the first step at which each row samples
        self.steps = self.ends[0]
        self.all_forced = max(self.firsts)  # from this step on all characters are sampled
        skipped = [len(advance.skipped) for advance in self.advances]
        self.needs_output = covered(set(zip(skipped, self.ends, strict=True)), self.steps)
        self.samples = covered(set(zip(self.firsts, self.ends, strict=True)), self.steps)
        self.samples_somewhere = any(self.samples)

    def moving(self) -> Iterator[int]:
        """How many rows move, at one step after the other."""
        rows = len(self.rows)
        for step in range(self.steps):
            while self.ends[rows - 1] <= step:
                rows -= 1
            yield rows

    def forced(self) -> NDArray[np.int64]:
        """The characters that are given, for the steps that have any; -1: to be sampled, or past the end."""
        forced = np.full((self.all_forced, len(self.advances)), -1, np.int64)
        for slot, advance in enumerate(self.advances):
            forced[: advance.forced, slot] = np.concatenate([advance.skipped, advance.scored])
        return forced

    def draw(self, starts: Sequence[Start], positions: Sequence[int]) -> NDArray[np.int64]:
        """Word 0 of Philox for every sampled character at once, (steps, rows)."""
        words = np.zeros((self.steps, len(self.rows)), np.int64)
        spans = enumerate(zip(self.firsts, self.ends, strict=True))
        places = [(step, slot) for slot, (first, end) in spans for step in range(first, end)]
        steps, slots = np.array(places, np.int64).reshape(-1, 2).T
        seeds = np.array([start.seed for start in starts], np.uint64)[slots]
        alternatives = np.array([start.alternative for start in starts], np.uint64)[slots]
        words[steps, slots] = draw(seeds, np.array(positions, np.uint64)[slots] + steps.astype(np.uint64), alternatives)
        return words


def covered(spans: Iterable[tuple[int, int]], steps: int) -> list[bool]:
    """Whether each step lies in one of the spans, each from a step to the one before another."""
    marks = [False] * steps
    for start, end in spans:
        marks[start:end] = [True] * (end - start)
    return marks


class DrawInputs(NamedTuple):
    """What decides the draws of a batch, for all its steps at once; arrays are (steps, rows)."""

    words: NDArray[np.int64] | None  # word 0 of Philox; None: nothing is drawn
    ranks: NDArray[np.int64] | None  # at temperature 0; None: all 0
