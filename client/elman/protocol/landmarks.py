"""The states that a client keeps of a text, so that another replica need not be sent all of it. Knows no text.

position:  0          4096         8210        12330     12900
state:     none       s            s           s         s            a state stands for all the text before its position
"""

from bisect import bisect_right, insort
from typing import Final

MOST_BYTES: Final = 1 << 20
"""What the states of one document may take: about 100 of them, of 10 kB each."""


class Landmarks:
    """States by position, the start of the text among them, thinned out evenly if they become too many."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._positions = [0]
        self._states = {0: b""}

    def __len__(self) -> int:
        return len(self._positions) - 1  # without the start, which has none

    def add(self, position: int, state: bytes) -> None:
        """Keep the state after the first `position` characters."""
        if position not in self._states:
            insort(self._positions, position)
            self._states[position] = state
            self._thin(len(state), position)

    def at_or_before(self, position: int) -> tuple[int, bytes]:
        """The nearest state at a position or before it, preceded by its own position."""
        found = self._positions[bisect_right(self._positions, position) - 1]
        return found, self._states[found]

    def cut(self, position: int) -> None:
        """The text has changed from this position on: drop the states after it."""
        kept = bisect_right(self._positions, position)
        for passed in self._positions[kept:]:
            del self._states[passed]
        del self._positions[kept:]

    def _thin(self, size: int, added: int) -> None:
        """While the states take too much memory, drop the one that leaves the smallest gap.

        The first and the last stay, and the one just added: else a state would be asked for again and again.
        """
        while len(self._positions) * size > self._most_bytes:
            places = [place for place in range(1, len(self._positions) - 1) if self._positions[place] != added]
            if not places:
                return
            least = min(places, key=lambda place: self._positions[place + 1] - self._positions[place - 1])
            del self._states[self._positions.pop(least)]
