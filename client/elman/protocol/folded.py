"""A text with a cursor, as it is given and as a model reads it: folded (`text.py`), but not copied. Knows no server.

given:   c a f e ◌́ CR LF | b        what a person has, character by character: a gap buffer
read:    c a f é LF | b             the same as `fold` would give of the whole

Folding leaves all alone but for what belongs together: a character and the marks on it, the parts of a Hangul syllable, CR and
LF. So an edit is folded with what belongs to its two ends, and parts of the text are folded as they are asked for.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple
from unicodedata import category, is_normalized, normalize

from elman.protocol.gap import GapBuffer
from elman.protocol.seams import Seam, Seams
from elman.text import BYTE_ORDER_MARK, folded

NEAR: Final = 16
"""How much of a text is looked at first for what belongs together."""

CRLF: Final = re.compile("\r\n")

PART: Final = re.compile(r"rb*nb*|[rn]b+|[sx][jb]+|x|b|j[jb]*")
"""In roles: what may be read as one and as something else. A mark belongs to no line's end and no byte order mark."""

LONGEST_DIVIDED: Final = 32
"""The longest part that is divided at its borders, which takes the square of its length: a base with many marks is longer."""

LAST: Final = re.compile(r"(?:rb*n|[rsnx])[jb]*\Z")
"""In roles: the last of what belongs together, from its first character on."""

REST: Final = re.compile(r"[jb]*(?:n[jb]*)?")
"""In roles: what may belong to what stands before it."""


class Roles(dict[int, str]):
    """What part each code point takes in folding, found when it is first asked for.

    j joins what stands before it    b byte order mark, which is left out, so that what stands around it is joined
    r CR    n LF    x is read as something else    s anything else
    """

    def __missing__(self, point: int) -> str:
        self[point] = role = role_of(chr(point))
        return role


ROLES: Final = Roles()

JOINING: Final = re.compile("[\u1161-\u1175\u11a8-\u11c2\U00016d63-\U00016d6a]")
"""What is no mark and yet composes with what stands before it: vowels and final consonants of Hangul, vowels of Kirat Rai."""


def role_of(character: str) -> str:
    """The role of one character."""
    if character in "\r\n":
        return "r" if character == "\r" else "n"
    if character == BYTE_ORDER_MARK:
        return "b"
    first = normalize("NFD", character)[0]
    if category(first)[0] == "M" or JOINING.match(first):
        return "j"
    return "s" if normalize("NFC", character) == character else "x"


def roles(text: str) -> str:
    """The role of each character of the text."""
    return text.translate(ROLES)


class Replaced(NamedTuple):
    """What an edit has done to what is read: what lay between two offsets was replaced by `added` characters."""

    start: int
    end: int
    added: int


class FoldedText:
    """The text that is given, in `given`. The text's length, its cursor and its slices are those of what is read.

    A cursor within what belongs together is read as standing before it.
    """

    def __init__(self, text: str) -> None:
        self.given = GapBuffer(text)
        self._seams = Seams(len(text), seams_of(text))
        self.move(len(text))

    def __len__(self) -> int:
        return self._seams.length

    def move(self, cursor: int) -> None:
        """Put the cursor at an offset in what is given."""
        self.given.move(cursor)
        self.cursor = self._seams.to_read(cursor)

    @property
    def is_cursor_within(self) -> bool:
        """Whether the cursor stands within what is read as something else."""
        return self._seams.is_within(self.given.cursor)

    def slice(self, start: int, end: int) -> str:
        """What is read from one offset to another."""
        first, last = self._seams.around(start, end)
        skipped = start - self._seams.to_read(first)
        return folded(self.given.slice(first, last))[skipped : skipped + end - start]

    def replace(self, start: int, end: int, text: str) -> Replaced:
        """Put text in place of what is given between two offsets, and the cursor after it."""
        first, last = self._beginning(start), self._end(end)
        kept, old = folded(self.given.slice(first, start)), folded(self.given.slice(first, last))
        self.given.move(end)
        self.given.delete(end - start)
        self.given.insert(text)
        part = self.given.slice(first, last + len(text) - (end - start))
        new = folded(part)
        read = self._seams.to_read(first)
        seams = ((first + begin, first + end, length) for begin, end, length in seams_of(part))
        self._seams.replace(first, last, len(part), seams)
        self.cursor = self._seams.to_read(self.given.cursor)
        same = len(kept) if old.startswith(kept) and new.startswith(kept) else 0
        return Replaced(read + same, read + len(old), len(new) - same)

    def _beginning(self, offset: int) -> int:
        """Where that begins to which what stands before an offset belongs."""
        near = NEAR
        while True:
            begin = max(0, offset - near)
            seen = roles(self.given.slice(begin, offset))
            found = LAST.search(seen)
            if begin == 0:
                return found.start() if found else 0
            if found and seen[: found.start()].rstrip("b"):  # there is no CR before it to which an LF belongs
                return begin + found.start()
            near *= 4

    def _end(self, offset: int) -> int:
        """Where that ends which may belong to what stands before an offset."""
        near = NEAR
        while True:
            end = min(len(self.given), offset + near)
            found = REST.match(roles(self.given.slice(offset, end)))
            length = found.end() if found else 0
            if offset + length < end or end == len(self.given):
                return offset + length
            near *= 4


def seams_of(text: str) -> Iterator[Seam]:
    """The parts of a text that are read as something else, but for those of which each character is read by itself."""
    if is_normalized("NFC", text) and BYTE_ORDER_MARK not in text:
        yield from ((found.start(), found.end(), 1) for found in CRLF.finditer(text))
        return
    for found in PART.finditer(roles(text)):
        start, end = found.span()
        yield from ((start + first, start + last, length) for first, last, length in seams_within(text[start:end]))


@lru_cache(1 << 10)
def seams_within(part: str) -> tuple[Seam, ...]:
    """The seams of a part, divided wherever both sides of an offset are read by themselves."""
    inner = range(1, len(part)) if len(part) <= LONGEST_DIVIDED else ()
    borders = [0, *(offset for offset in inner if is_border(part, offset)), len(part)]
    seams = ((start, end, len(folded(part[:end])) - len(folded(part[:start]))) for start, end in pairwise(borders))
    return tuple((start, end, length) for start, end, length in seams if not end - start == length == 1)


def is_border(text: str, offset: int) -> bool:
    """Whether what lies on each side of an offset is read as it would be without the other."""
    return folded(text[:offset]) + folded(text[offset:]) == folded(text)
