"""The text of an open document as its editor knows it: lines with their ends, and positions in the editor's own units.

    editor:    "a\r\n" "b\r" "c"      line 1, unit 0: "b"
    elman:     a \n b \n c            offset 2: every line's end is one character

Knows no protocol and no model.
"""

from bisect import bisect_right
from io import StringIO
from itertools import accumulate
from typing import NamedTuple

from elman.lsp.encodings import Encoding, column, join_pairs, split_pairs, without_surrogates
from elman.protocol.difference import difference
from elman.text import with_line_feeds


class Position(NamedTuple):
    """A line, from 0, and the units before a place in it."""

    line: int
    unit: int


class Change(NamedTuple):
    """What was put in place of what at an offset; lines end with LF."""

    start: int
    removed: str
    inserted: str


class OpenText:
    """A text in lines. Places outside of it count as the nearest in it, and ranges from the lesser to the greater end."""

    def __init__(self, text: str, encoding: Encoding) -> None:
        self._encoding = encoding
        self._lines = lines_of(join_pairs(text))
        self._starts = [0]  # the offsets at which the first lines begin; of those that follow, none is known
        self.length = len(self.text)

    @property
    def text(self) -> str:
        """All of it, as a model reads it."""
        return without_surrogates(with_line_feeds("".join(self._lines)))

    def slice(self, start: int, end: int) -> str:
        """The text from one offset to another, as a model reads it."""
        first, last = self._line_at(start), self._line_at(end)
        lines = folded("".join(self._lines[first : last + 1]))
        return lines[start - self.start_of(first) : end - self.start_of(first)]

    def _line_at(self, offset: int) -> int:
        """The line that an offset is in."""
        while self._starts[-1] < offset and len(self._starts) < len(self._lines):
            self.start_of(min(len(self._lines) - 1, 2 * len(self._starts)))
        return bisect_right(self._starts, offset) - 1

    def line(self, number: int) -> str:
        """A line without its end, as a model reads it; nothing if there is no such line."""
        return without_surrogates(self._lines[number].rstrip("\r\n")) if 0 <= number < len(self._lines) else ""

    def offset(self, position: Position) -> int | None:
        """The characters before a position; None if there is no such position, or if it lies within a character."""
        if not 0 <= position.line < len(self._lines):
            return None
        line = self._lines[position.line].rstrip("\r\n")
        place = column(line, position.unit, self._encoding)
        is_there = column(line, position.unit - 1, self._encoding) < place if position.unit > 0 else position.unit == 0
        return self.start_of(position.line) + place if is_there else None

    def change(self, start: Position, end: Position, text: str) -> Change:
        """Put a text in place of what lies between two positions."""
        start, end = sorted((self._nearest(start), self._nearest(end)))
        before, after = self._before(start), self._after(end)
        first = start.line - (not before and start.line > 0 and self._lines[start.line - 1].endswith("\r"))
        new = join_pairs("".join([*self._lines[first : start.line], before, text, after]))
        return self._put(first, end.line + 1, new, len(folded(join_pairs(after))))

    def replace(self, text: str) -> Change:
        """Put a text in place of all."""
        return self._put(0, len(self._lines), join_pairs(text), len(text))

    def _put(self, first: int, last: int, new: str, after: int) -> Change:
        """Put lines in place of lines; the last `after` characters are expected to be the same."""
        old, lines = folded("".join(self._lines[first:last])), lines_of(new)
        start = self.start_of(first)
        if last < len(self._lines):
            lines.pop()  # what was replaced ends with a line's end, and so does this
        self._lines[first:last] = lines
        del self._starts[first + 1 :]
        now = folded(new)
        changed = difference(old, now, len(now) - min(after, len(now)))
        self.length += len(now) - len(old)
        return Change(start + changed.start, old[changed.start : changed.end], changed.inserted)

    def _nearest(self, position: Position) -> Position:
        if position.line < 0:
            return Position(0, 0)
        if position.line >= len(self._lines):
            return Position(len(self._lines) - 1, len(self._editable(len(self._lines) - 1)))
        return Position(position.line, max(0, position.unit))

    def _before(self, position: Position) -> str:
        line = self._editable(position.line)
        return line[: self._column(line, position.unit)]

    def _after(self, position: Position) -> str:
        line, whole = self._editable(position.line), self._lines[position.line]
        return line[self._column(line, position.unit) :] + whole[len(whole.rstrip("\r\n")) :]

    def _editable(self, number: int) -> str:
        """A line without its end; in UTF-16, as code units, for an edit may take half of a pair."""
        line = self._lines[number].rstrip("\r\n")
        return split_pairs(line) if self._encoding is Encoding.UTF_16 else line

    def _column(self, line: str, unit: int) -> int:
        return min(unit, len(line)) if self._encoding is Encoding.UTF_16 else column(line, unit, self._encoding)

    def start_of(self, number: int) -> int:
        """The offset at which a line begins."""
        known = len(self._starts)
        if number >= known:
            lengths = map(folded_length, self._lines[known - 1 : number])
            self._starts += list(accumulate(lengths, initial=self._starts[-1]))[1:]
        return self._starts[number]


def lines_of(text: str) -> list[str]:
    """The lines with their ends: CRLF, LF or CR. The last has none, and may be empty."""
    lines: list[str] = list(StringIO(text, newline=""))
    return [*lines, ""] if not lines or lines[-1].endswith(("\r", "\n")) else lines


def folded(text: str) -> str:
    """The text as a model reads it."""
    return without_surrogates(with_line_feeds(text))


def folded_length(line: str) -> int:
    """How many characters a line has, its end counted as one."""
    return len(line) - line.endswith("\r\n")
