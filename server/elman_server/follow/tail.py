"""The last part of a text, up to a cursor. Knows no network."""

import sys
from bisect import bisect_right
from collections.abc import Iterator

BLOCK_CHARACTERS = 1024


class Tail:
    """Characters by position, in blocks, so that neither typing nor forgetting copies the whole.

    position:  start                            end
               [ block ][ block ][ block ][ ty      The first blocks are forgotten, the last one grows.
    """

    def __init__(self, start: int) -> None:
        self._blocks: list[str] = []
        self._starts: list[int] = []
        self.start = self.end = start
        self.size = 0  # in bytes

    def append(self, text: str) -> None:
        """Add text at the end."""
        room = BLOCK_CHARACTERS - len(self._blocks[-1]) if self._blocks else 0
        if room:
            self._change_last(self._blocks[-1] + text[:room])
        for block in blocks(text[room:]):
            self._push(block)

    def cut(self, position: int) -> None:
        """Forget what follows the position, which lies between start and end."""
        while self._starts and self._starts[-1] >= position:
            self.size -= sys.getsizeof(self._blocks.pop())
            self.end = self._starts.pop()
        if self.end > position:
            self._change_last(self._blocks[-1][: position - self._starts[-1]])

    def since(self, position: int, most: int) -> str:
        """The text from the position on, `most` characters of it at the most."""
        if position == self.end:
            return ""
        first = bisect_right(self._starts, position) - 1
        last = bisect_right(self._starts, position + most - 1)
        offset = position - self._starts[first]
        return "".join(self._blocks[first:last])[offset : offset + most]

    def forget(self, size: int, until: int) -> None:
        """While the text takes more than `size` bytes, forget its first block, if that ends no later than `until`."""
        ends = [*self._starts[1:], self.end]
        count = 0
        while self.size > size and count < len(ends) and ends[count] <= until:
            self.size -= sys.getsizeof(self._blocks[count])
            self.start = ends[count]
            count += 1
        del self._blocks[:count], self._starts[:count]

    def _push(self, block: str) -> None:
        self._blocks.append(block)
        self._starts.append(self.end)
        self.size += sys.getsizeof(block)
        self.end += len(block)

    def _change_last(self, block: str) -> None:
        self.size += sys.getsizeof(block) - sys.getsizeof(self._blocks[-1])
        self._blocks[-1] = block
        self.end = self._starts[-1] + len(block)


def blocks(text: str) -> Iterator[str]:
    """The text in parts."""
    for start in range(0, len(text), BLOCK_CHARACTERS):
        yield text[start : start + BLOCK_CHARACTERS]
