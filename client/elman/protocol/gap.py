"""A text with a cursor, in which a keystroke costs the keystroke: a gap buffer of code points. Knows no server.

text:    T h e   c a t|s a t        cursor: 7
before:  T h e   c a t              grows and shrinks at its end
after:   t a s                      the rest, reversed: so does this
"""

import sys
from array import array
from typing import Final

CODEC: Final = "utf-32-le" if sys.byteorder == "little" else "utf-32-be"


class GapBuffer:
    """The text on both sides of a cursor. Offsets count code points; the caller has checked that they lie within it."""

    def __init__(self, text: str) -> None:
        self._before, self._after = points(text), points("")

    def __len__(self) -> int:
        return len(self._before) + len(self._after)

    @property
    def cursor(self) -> int:
        """The number of characters before the cursor."""
        return len(self._before)

    def move(self, cursor: int) -> None:
        """Put the cursor at an offset; takes time in proportion to the distance."""
        if cursor < len(self._before):
            passed = self._before[cursor:]
            del self._before[cursor:]
            passed.reverse()
            self._after.extend(passed)
        elif cursor > len(self._before):
            left = len(self) - cursor
            passed = self._after[left:]
            del self._after[left:]
            passed.reverse()
            self._before.extend(passed)

    def insert(self, text: str) -> None:
        """Put text before the cursor."""
        self._before.extend(points(text))

    def delete(self, characters: int) -> None:
        """Delete the last characters before the cursor."""
        del self._before[len(self._before) - characters :]

    def slice(self, start: int, end: int) -> str:
        """The text from one offset to another."""
        cursor, length = self.cursor, len(self)
        later = self._after[length - max(end, cursor) : length - max(start, cursor)]
        later.reverse()
        return characters(self._before[start:end] + later)


def points(text: str) -> "array[int]":
    """The code points of a text without lone surrogates."""
    return array("I", text.encode(CODEC))


def characters(points: "array[int]") -> str:
    """The text of code points."""
    return points.tobytes().decode(CODEC)
