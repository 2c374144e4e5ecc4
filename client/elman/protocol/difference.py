"""What has changed between two texts, and what of a text a document can hold. Pure functions of text."""

from typing import NamedTuple


class Difference(NamedTuple):
    """Put `inserted` in place of what lies between two offsets of the old text."""

    start: int
    end: int
    inserted: str


def difference(old: str, new: str, cursor: int) -> Difference:
    """The edit that turns the old text into the new one; it assumes that what follows the new cursor has stayed.

    old:   a a|a b         typed at the cursor
    new:   a a a|a b       the second a was inserted, not the third
    """
    after = common_suffix(old, new, len(new) - cursor)
    before = common_prefix(old, new, min(len(old), len(new)) - after)
    return Difference(before, len(old) - after, new[before : len(new) - after])


def common_prefix(one: str, other: str, most: int) -> int:
    """The length of the common prefix, at most `most`."""
    same, most = 0, min(most, len(one), len(other))
    while same < most:  # bisect
        middle = (same + most + 1) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            most = middle - 1
    return same


def common_suffix(one: str, other: str, most: int) -> int:
    """The length of the common suffix, at most `most`."""
    same, most = 0, min(most, len(one), len(other))
    while same < most:
        middle = (same + most + 1) // 2
        if one[len(one) - middle : len(one) - same] == other[len(other) - middle : len(other) - same]:
            same = middle
        else:
            most = middle - 1
    return same


def clean(text: str) -> str:
    """The text as a document can hold it: lone surrogates (bytes that were not UTF-8) as U+FFFD, CRLF as LF."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\r\n", "\n")
