"""Where what a model reads of a text is longer or shorter than the text that is given: offsets in one as offsets in the other.

given:   c a f e ◌́ CR LF b       a seam lies around each part that is read as something else: e◌́ as é, CR LF as LF
read:    c a f é     LF   b        between seams, what is read is as long as what is given

Kept from both ends, like a text with a cursor, so that an edit shifts no offset: those before it count from the start of the
text, those behind it from the end. Knows no text.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import TypeAlias

Seam: TypeAlias = tuple[int, int, int]
"""A part that is given, from one offset to another, and how many characters are read for it."""


class Side:
    """The seams as they are counted from one end of the text, the nearest first. A place is an offset from that end."""

    def __init__(self) -> None:
        self._near, self._far, self._read_far = array("L"), array("L"), array("L")

    def __len__(self) -> int:
        return len(self._far)

    @property
    def far(self) -> int:
        """Where the last seam ends, as given."""
        return self._far[-1] if self._far else 0

    @property
    def read_far(self) -> int:
        """Where the last seam ends, as read."""
        return self._read_far[-1] if self._far else 0

    def extend(self, seams: Iterable[Seam]) -> None:
        """Seams beyond all others, each beyond the one before it."""
        last, read_last = self.far, self.read_far
        for near, far, read in seams:
            read_last += near - last + read
            last = far
            self._near.append(near)
            self._far.append(far)
            self._read_far.append(read_last)

    def cut(self, place: int) -> Iterator[Seam]:
        """Forget the seams that end beyond a place; these are returned, from the last to the first."""
        kept = bisect_right(self._far, place)
        before, read_before = (self._far[kept - 1], self._read_far[kept - 1]) if kept else (0, 0)
        near, far, read_far = self._near[kept:], self._far[kept:], self._read_far[kept:]
        del self._near[kept:], self._far[kept:], self._read_far[kept:]
        ends = zip([before, *far], [read_before, *read_far], strict=True)
        seams = [
            (start, end, read_end - read - (start - last))
            for start, end, read_end, (last, read) in zip(near, far, read_far, ends, strict=False)
        ]
        return reversed(seams)

    def to_read(self, place: int, *, is_near: bool) -> int:
        """The place in what is read; from within a seam, that of its near end or of its far one."""
        passed = bisect_right(self._far, place)
        shift = self._shift(passed)
        if passed < len(self) and place > self._near[passed]:
            return self._near[passed] + shift if is_near else self._read_far[passed]
        return place + shift

    def to_given(self, place: int, *, is_near: bool) -> int:
        """The place in what is given; from within a seam, its near end or its far one."""
        passed = bisect_right(self._read_far, place)
        given = place - self._shift(passed)
        if passed < len(self) and given > self._near[passed]:
            return self._near[passed] if is_near else self._far[passed]
        return given

    def is_within(self, place: int) -> bool:
        """Whether a place in what is given lies within a seam."""
        passed = bisect_right(self._far, place)
        return passed < len(self) and place > self._near[passed]

    def _shift(self, passed: int) -> int:
        return self._read_far[passed - 1] - self._far[passed - 1] if passed else 0


class Seams:
    """The seams of a text of `length` characters."""

    def __init__(self, length: int, seams: Iterable[Seam]) -> None:
        self._length = length
        self._before, self._behind = Side(), Side()
        self._before.extend(seams)

    @property
    def length(self) -> int:
        """How many characters are read."""
        before, behind = self._before, self._behind
        return self._length + before.read_far - before.far + behind.read_far - behind.far

    def to_read(self, offset: int) -> int:
        """The offset in what is read; from within a seam, that of its start."""
        if offset <= self._length - self._behind.far:
            return self._before.to_read(offset, is_near=True)
        return self.length - self._behind.to_read(self._length - offset, is_near=False)

    def around(self, start: int, end: int) -> tuple[int, int]:
        """The offsets in what is given between which at least all lies that is read from one offset to another."""
        return self._to_given(start, is_start=True), self._to_given(end, is_start=False)

    def _to_given(self, offset: int, *, is_start: bool) -> int:
        if offset <= self.length - self._behind.read_far:
            return self._before.to_given(offset, is_near=is_start)
        return self._length - self._behind.to_given(self.length - offset, is_near=not is_start)

    def is_within(self, offset: int) -> bool:
        """Whether an offset in what is given lies within a seam."""
        if offset <= self._length - self._behind.far:
            return self._before.is_within(offset)
        return self._behind.is_within(self._length - offset)

    def replace(self, start: int, end: int, added: int, seams: Iterable[Seam]) -> None:
        """What is given between two offsets, within no seam, is replaced by `added` characters, which have these seams."""
        self._divide(start)
        self._behind.cut(self._length - end)
        self._length += added - (end - start)
        self._before.extend(seams)

    def _divide(self, offset: int) -> None:
        """Count the seams before an offset from the start, and those behind it from the end."""
        length = self._length
        self._behind.extend((length - end, length - start, read) for start, end, read in self._before.cut(offset))
        self._before.extend((length - end, length - start, read) for start, end, read in self._behind.cut(length - offset))
