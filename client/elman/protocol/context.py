"""Where the text that a model reads begins, if a document bounds its context. A function of the text before the cursor alone.

text:      |        :.:......|        :.:......|        :.:......|  cursor
borders:   0        1                 2                 3            one for every half of the context
begins at:          1 .       2 .                                    the first border of which what follows is not too long;
                                                                     there, the line of the least hash

So it moves in large steps while one types or moves about, and mostly stays at its line whatever is edited before that.
"""

from collections.abc import Iterator
from typing import Final, Protocol
from zlib import crc32

from elman.protocol.gap import CODEC
from elman.ranges import LARGEST_UINT32, in_range

HASHED: Final = 64
"""How many characters stand for a line: more than one line often has, for lines are often alike."""

REACH: Final = 1 << 18
MOST_NEAR: Final = 8
"""How far from the cursor, in characters and in pages, a context counts as near."""


class Slices(Protocol):
    """A text of which parts can be had."""

    def __len__(self) -> int: ...

    def slice(self, start: int, end: int) -> str:
        """The text from one offset to another."""
        ...


class Context:
    """The pages of a text: the n-th is what is read where the n-th border is the first that is near enough to the cursor."""

    def __init__(self, text: Slices, most: int | None) -> None:
        """At most `most` characters are read; None: all before the cursor. Raises MendRequest."""
        self._text = text
        self.is_bounded = most is not None
        self._most = 0 if most is None else in_range("context_characters", most, 1, LARGEST_UINT32)
        self._step = max(1, self._most // 2)
        self._window = max(1, self._step // 8)  # how far behind a border a page may begin
        self._starts: dict[int, int] = {}
        self.reach = min(MOST_NEAR, -(-REACH // self._step)) if self.is_bounded else 0  # in pages

    def page(self, cursor: int) -> int:
        """The page of a cursor."""
        return max(0, -((self._most - cursor) // self._step)) if self.is_bounded else 0

    def near(self, cursor: int) -> Iterator[int]:
        """The pages near a cursor, its own first, then the later and the earlier in turn."""
        page = self.page(cursor)
        yield page
        for distance in range(1, self.reach + 1):
            if page + distance <= self.page(len(self._text)):
                yield page + distance
            if distance <= page:
                yield page - distance

    def start(self, page: int) -> int:
        """Where a page begins: before every cursor of it."""
        if page not in self._starts:
            self._starts[page] = self._find(page * self._step) if page else 0
        return self._starts[page]

    def end(self, page: int) -> int:
        """The last cursor of a page."""
        return min(len(self._text), page * self._step + self._most) if self.is_bounded else len(self._text)

    def edit(self, offset: int) -> None:
        """The text has changed from an offset on."""
        seen = self._window + HASHED
        self._starts = {page: start for page, start in self._starts.items() if page * self._step + seen <= offset}

    def _find(self, border: int) -> int:
        """The line behind a border that is least by hash, so that it stays the least when the text moves; or the border."""
        before_cursor = border + self._most - self._step
        seen = self._text.slice(border - 1, min(border + self._window + HASHED, before_cursor))
        lines = line_starts(seen, self._window)
        return border - 1 + min(lines, key=lambda line: crc32(seen[line : line + HASHED].encode(CODEC)), default=1)


def line_starts(text: str, most: int) -> Iterator[int]:
    """The offsets of the lines that begin after the first character of the text, and at most `most` characters after it."""
    place = text.find("\n", 0, most)
    while place >= 0:
        yield place + 1
        place = text.find("\n", place + 1, most)
