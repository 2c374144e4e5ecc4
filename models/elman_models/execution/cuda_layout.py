"""Advances laid out for programs of a fixed number of steps: what each row does in each step. Knows no torch.

Rows that move less begin later, so that all end together:

    steps -> 0 1 2 3 4 5 6 7
    row 9    f f f f f f s s      f: forced (skipped or scored)   s: sampled   .: stays as it is
    row 2    . . . f s s s s
    row 5    . . . . s s s s

So the steps that need the output layer are the last ones, and so are the states that may be asked for afterwards.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman_models.execution.protocol import Advance, Start
from elman_models.law.philox import draw

STAY, DRAW = -2, -1
"""Orders to a row, where there is no character given: stay as it is; draw one."""


class StepRange(NamedTuple):
    """Some steps of a layout, up to but without `end`."""

    first: int
    end: int

    @property
    def steps(self) -> int:
        """How many."""
        return self.end - self.first


class HostRows:
    """What the host knows of the rows: where they stand and what decides their draws, (rows,)."""

    def __init__(self, rows: int) -> None:
        self.positions = np.zeros(rows, np.int64)
        self.seeds = np.zeros(rows, np.uint64)
        self.alternatives = np.zeros(rows, np.uint64)
        self.first_ranks = np.zeros(rows, np.int64)  # at temperature 0, until a character was sampled
        self.is_accounted = np.zeros(rows, np.bool_)
        self.is_greedy = np.zeros(rows, np.bool_)
        self.truncates = np.zeros(rows, np.bool_)

    def load(self, row: int, start: Start) -> None:
        """A text begins in a row."""
        self.positions[row] = start.state.position
        self.seeds[row] = start.seed
        self.alternatives[row] = start.alternative
        self.first_ranks[row] = start.first_rank if start.sampling.is_greedy else 0
        self.is_accounted[row] = start.is_accounted
        self.is_greedy[row] = start.sampling.is_greedy
        self.truncates[row] = start.sampling.truncates


class Layout:
    """The steps of one call of `run`."""

    def __init__(self, advances: Sequence[Advance], rows: HostRows) -> None:
        self.advances = advances
        self._all = rows
        self.rows = np.array([advance.row for advance in advances])
        self._lengths = np.array([advance.steps for advance in advances])
        self._sampled = np.array([advance.sampled for advance in advances])
        scored = np.array([len(advance.scored) for advance in advances])
        self.steps = int(self._lengths.max())
        self.first_output = self.steps - int((scored + self._sampled).max())  # the first step that needs the output layer
        self.first_draw = self.steps - int(self._sampled.max())  # the first step at which some row samples
        self.accounts = (scored > 0) | ((self._sampled > 0) & rows.is_accounted[self.rows])  # wanted of each advance
        self.is_accounted = bool(self.accounts.any())
        drawing = self.rows[self._sampled > 0]
        self.is_greedy = bool(rows.is_greedy[drawing].any())
        self.is_ranked = bool((rows.truncates | (rows.first_ranks > 0))[drawing].any())
        self._orders = self._lay_out()
        self.ends = rows.positions[self.rows] + self._lengths  # the position where each advance ends

    def _lay_out(self) -> NDArray[np.int64]:
        """A character, STAY or DRAW for each row in each step, (steps, rows)."""
        orders = np.full((self.steps, len(self._all.positions)), STAY, np.int64)
        steps: NDArray[np.int64] = np.arange(self.steps)[:, None]
        orders[:, self.rows] = np.where(steps >= self.steps - self._sampled, DRAW, STAY)
        for advance in self.advances:
            if advance.forced:
                part = slice(self.steps - advance.steps, self.steps - advance.sampled)
                orders[part, advance.row] = np.concatenate([advance.skipped, advance.scored])
        return orders

    def split(self, sizes: Sequence[int]) -> Iterator[StepRange]:
        """The steps in parts of these sizes, the largest first; none has steps with the output layer and steps without."""
        for first, end in ((0, self.first_output), (self.first_output, self.steps)):
            while first < end:
                size = next(size for size in sizes if size <= end - first)
                yield StepRange(first, first + size)
                first += size

    def inputs(self, part: StepRange) -> NDArray[np.int64]:
        """The orders, the words of Philox, and the ranks at temperature 0, (steps, 3, rows)."""
        inputs = np.zeros((part.steps, 3, len(self._all.positions)), np.int64)
        inputs[:, 0] = self._orders[part.first : part.end]
        if part.end > self.first_draw:
            steps: NDArray[np.int64] = np.arange(part.first, part.end)[:, None]
            inputs[:, 1, self.rows] = self._words(steps)
            inputs[:, 2, self.rows] = (steps == self.steps - self._sampled) * self._all.first_ranks[self.rows]
        return inputs

    def _words(self, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """Word 0 of Philox for all rows that move, also where it is not used, (steps, rows that move)."""
        positions = np.maximum(self.ends - self.steps + steps, 0).astype(np.uint64)
        seeds = np.broadcast_to(self._all.seeds[self.rows], positions.shape)
        return draw(seeds, positions, np.broadcast_to(self._all.alternatives[self.rows], positions.shape))

    def move(self) -> None:
        """The rows have done it."""
        self._all.positions[self.rows] = self.ends
        self._all.first_ranks[self.rows[self._sampled > 0]] = 0
