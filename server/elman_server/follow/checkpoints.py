"""States along a text, dense near a cursor and sparse far from it. Knows no text."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from elman_models.law.state import State

FEWEST = 4
"""With fewer, thinning would find none to forget."""

OVERHEAD_BYTES = 128
"""What a state costs beside its outputs: two objects and their places in lists."""


def affordable(size: int, outputs: int) -> int:
    """How many states of `outputs` numbers fit into `size` bytes."""
    return size // (outputs + OVERHEAD_BYTES)


class Checkpoints:
    """States by position, at most `most` of them (or 4) once they are thinned.

    typed:    . . . . . . . . . . . . . . . . . . . . |      one for each character
    thinned:  .               .       .   .   . . . . |      seen from the cursor: an edit far back replays more
    """

    def __init__(self, most: int) -> None:
        self._most = max(FEWEST, most)
        self._positions: list[int] = []
        self._outputs: list[bytes] = []

    def __len__(self) -> int:
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
        """Keep a state, unless there is one for its position."""
        if not self._positions or position > self._positions[-1]:
            self._positions.append(position)
            self._outputs.append(outputs)
            return
        place = bisect_left(self._positions, position)
        if self._positions[place : place + 1] != [position]:
            self._positions.insert(place, position)
            self._outputs.insert(place, outputs)

    def extend(self, states: Iterable[tuple[int, bytes]]) -> None:
        """Keep states, each with its position."""
        for position, outputs in states:
            self.add(position, outputs)

    def up_to(self, position: int) -> Iterator[tuple[int, bytes]]:
        """The states up to a position, each with its own."""
        until = bisect_right(self._positions, position)
        return zip(self._positions[:until], self._outputs[:until], strict=True)

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
            self._keep(spread(self._positions, cursor, self._most * 3 // 4))

    def hold_less(self, cursor: int) -> None:
        """Keep the last, and the nearest that are no less than 1, 2, 4, 8... characters before the cursor.

        They are copied, so that they lie together and whole pages of memory become free.
        """
        distances = (1 << level for level in range((cursor - self._positions[0]).bit_length()))
        nearest = {bisect_right(self._positions, cursor - each) - 1 for each in distances}
        self._keep(sorted({0, *nearest, len(self) - 1}))
        self._outputs = [bytes(memoryview(each)) for each in self._outputs]

    def _keep(self, places: Sequence[int]) -> None:
        self._positions = [self._positions[place] for place in places]
        self._outputs = [self._outputs[place] for place in places]


class Trail:
    """States that follow a cursor, at most `most` of them (or 4). Few are ever asked for, so they stay as they came."""

    def __init__(self, cursor: int, most: int, size: int) -> None:
        self._cursor, self._most, self._size = cursor, most, size
        self._end = cursor  # the last position
        self._runs: list[tuple[int, bytes]] = []
        self._count = 0  # of all states
        self._settled: Checkpoints | None = None  # those before the runs

    @property
    def held_bytes(self) -> int:
        """About what they take."""
        return self._count * (self._size + OVERHEAD_BYTES)

    def add(self, position: int, outputs: NDArray[np.int8]) -> None:
        """Keep the states from a position on, but for those that came before. Shape (states, state size)."""
        fresh = outputs[max(0, self._end + 1 - position) :]
        self._end = position + len(outputs) - 1
        self._runs.append((self._end + 1 - len(fresh), fresh.tobytes()))
        self._count += len(fresh)
        if self._count > self._most:
            settled = self._settle()
            settled.thin(self._cursor)
            self._count = len(settled)

    def up_to(self, position: int) -> Iterator[tuple[int, bytes]]:
        """The states up to a position, each with its own."""
        return self._settle().up_to(position)

    def _settle(self) -> Checkpoints:
        settled = self._settled = self._settled or Checkpoints(self._most)
        for position, data in self._runs:
            settled.extend(split(position, data, self._size))
        self._runs.clear()
        return settled


def split(position: int, data: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    """The states from a position on, which lie one after the other in `data`, each of `size` bytes."""
    for place in range(0, len(data), size):
        yield position, data[place : place + size]
        position += 1


def spread(positions: Sequence[int], cursor: int, enough: int) -> list[int]:
    """Which of ascending positions to keep: about `enough` of them, the first and the last included."""
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
