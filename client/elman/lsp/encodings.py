"""How editors count within a line: UTF-16 code units, unless editor and server agree on UTF-8 bytes or on code points.

    "a😀b"    utf-16: a 0  😀 1  b 3      utf-8: a 0  😀 1  b 5      utf-32: a 0  😀 1  b 2

Unlike `elman.offsets`, this refuses nothing: a lone surrogate counts as its editor counts it. Pure functions of text.
"""

import re
from array import array
from enum import StrEnum
from typing import Final


class Encoding(StrEnum):
    """What a unit is."""

    UTF_8 = "utf-8"
    UTF_16 = "utf-16"
    UTF_32 = "utf-32"


SURROGATES: Final = re.compile("[\ud800-\udfff]")


def units(text: str, encoding: Encoding) -> int:
    """How many units a text has."""
    if encoding is Encoding.UTF_32 or text.isascii():
        return len(text)
    return len(text.encode("utf-8", "surrogatepass")) if encoding is Encoding.UTF_8 else len(utf_16(text)) // 2


def column(line: str, unit: int, encoding: Encoding) -> int:
    """The characters before a unit, at most those of the line; within a character, those before that."""
    if encoding is Encoding.UTF_32 or line.isascii():
        return min(unit, len(line))
    if encoding is Encoding.UTF_8:
        before = line.encode("utf-8", "surrogatepass")[: unit + 1]
        end = min(unit, len(before))
        while end < len(before) and before[end] & 0xC0 == 0x80:  # of a character that has begun before it
            end -= 1
        return len(before[:end].decode("utf-8", "surrogatepass"))
    found = len(utf_16(line)[: 2 * unit].decode("utf-16-le", "surrogatepass"))
    return found - 1 if is_within_pair(line, found, unit) else found


def is_within_pair(line: str, column: int, unit: int) -> bool:
    """Whether so many UTF-16 code units, read as so many characters, end with half of one."""
    return 0 < column <= len(line) and line[column - 1] > "\uffff" and units(line[:column], Encoding.UTF_16) > unit


def split_pairs(text: str) -> str:
    """The text with a character for each UTF-16 code unit, as editors that count these edit it."""
    data = utf_16(text)
    return text if len(data) == 2 * len(text) else "".join(map(chr, array("H", text.encode("utf-16", "surrogatepass")[2:])))


def join_pairs(text: str) -> str:
    """The text with each pair of surrogates as the character that it stands for."""
    return utf_16(text).decode("utf-16-le", "surrogatepass") if has_surrogates(text) else text


def without_surrogates(text: str) -> str:
    """The text as a model can read it, with U+FFFD for each lone surrogate."""
    return SURROGATES.sub("\ufffd", text) if has_surrogates(text) else text


def has_surrogates(text: str) -> bool:
    """Whether there are any. Encoding, which fails for them, takes a tenth of the time that a search does."""
    try:
        text.encode("utf-16-le")
    except UnicodeEncodeError:
        return True
    return False


def utf_16(text: str) -> bytes:
    """The text's UTF-16 code units, lone surrogates among them."""
    return text.encode("utf-16-le", "surrogatepass")
