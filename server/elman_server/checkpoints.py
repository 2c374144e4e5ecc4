"""States along a text, dense near a cursor and sparse far from it. Knows no text."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman_models.state import State

FEWEST = 4
"""With fewer, thinning would find none to forget."""

OVERHEAD_BYTES = 128
"""What a state costs beside its outputs: two objects and their places in lists."""


def affordable(size: int, outputs: int) -> int:
    """How many states of so many outputs fit into so many bytes."""
    return size // (outputs + OVERHEAD_BYTES)


class Checkpoints:
    """States by position, at most so many (or 4) once they are thinned.

    typed:    . . . . . . . . . . . . . . . . . . . . |      one for each character
    thinned:  .               .       .   .   . . . . |      seen from the cursor: who goes back far replays more
    """

    def __init__(self, most: int) -> None:
        self._most = max(FEWEST, most)
        self._positions: list[int] = []
        self._outputs: list[bytes] = []

    def __len__(self) -> int:
        """How many there are."""
        return len(self._positions)

    @property
    def first(self) -> int:
        """The least position; there must be one."""
        return self._positions[0]

    @property
    def last(self) -> int:
        """The greatest position; there must be one."""
        return self._positions[-1]

    def add(self, position: int, outputs: bytes) -> None:
        """Keep a state."""
        if not self._positions or position > self._positions[-1]:
            self._positions.append(position)
            self._outputs.append(outputs)
            return
        place = bisect_left(self._positions, position)
        if self._positions[place : place + 1] != [position]:
            self._positions.insert(place, position)
            self._outputs.insert(place, outputs)

    def extend(self, position: int, outputs: NDArray[np.int8]) -> None:
        """Keep the states from a position on. Shape (states, state size)."""
        data, size = outputs.tobytes(), outputs.shape[1]
        for place in range(0, len(data), size):
            self.add(position, data[place : place + size])
            position += 1

    def take_over(self, others: "Checkpoints", until: int) -> None:
        """Keep those of others too, up to a position."""
        for position, outputs in zip(others._positions, others._outputs, strict=True):
            if position <= until:
                self.add(position, outputs)

    def at_or_before(self, position: int) -> State:
        """The nearest state that is not beyond the position; there must be one."""
        place = bisect_right(self._positions, position) - 1
        return State(np.frombuffer(self._outputs[place], np.int8), self._positions[place])

    def cut(self, position: int) -> None:
        """Forget those beyond the position."""
        place = bisect_right(self._positions, position)
        del self._positions[place:], self._outputs[place:]

    def forget_before(self, position: int) -> None:
        """Forget those before the position."""
        place = bisect_left(self._positions, position)
        del self._positions[:place], self._outputs[:place]

    def thin(self, cursor: int) -> None:
        """If there are too many, forget some, the more the farther from the cursor."""
        while len(self) > self._most:
            places = spread(self._positions, cursor, self._most * 3 // 4)
            self._positions = [self._positions[place] for place in places]
            self._outputs = [self._outputs[place] for place in places]


def spread(positions: Sequence[int], cursor: int, enough: int) -> list[int]:
    """Which of ascending positions to keep: about so many, the first and the last among them."""
    scale = 2 * enough
    while scale:
        kept = sieve(positions, cursor, scale)
        if len(kept) <= enough:
            return kept
        scale = scale * 3 // 4
    return [*range(0, len(positions) - 1, 2), len(positions) - 1]


def sieve(positions: Sequence[int], cursor: int, scale: int) -> list[int]:
    """The first position of each cell, and the last of all: within `scale` of the cursor a cell is one character wide.

    Beyond, its width doubles with the distance. Wide cells are made of narrow ones, so however often a text is thinned while
    it grows, there remains what thinning it once would have left.
    """
    kept: list[int] = []
    last = (0, -1)
    for place, position in enumerate(positions):
        level = (abs(cursor - position) // scale).bit_length()
        cell = (level, position >> level)
        if cell != last:
            kept.append(place)
            last = cell
    return kept if kept[-1] == len(positions) - 1 else [*kept, len(positions) - 1]
