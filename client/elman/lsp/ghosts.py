"""What an editor shows of what is suggested: one line, put where the cursor is. Pure functions of text.

    print(|)          x                 the suggestion ends before the bracket that the editor has closed by itself
    print(|)          x) + 1            or goes on after it: then it takes the bracket's place
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from elman.words import kinds

CLOSERS: Final = ")]}>\"'`"
LENGTH: Final = "length"


class Ghost(NamedTuple):
    """A text to put at the cursor, in place of the first characters after it."""

    text: str
    replaced: int = 0


def is_worth_showing(text: str) -> bool:
    """Whether somebody would see it."""
    return bool(text.strip())


def shown(text: str, is_cut: bool = False) -> str:
    """What of a suggestion is shown: up to the line's end, and no part of a character. `is_cut`: it may go on."""
    line = text.partition("\n")[0]
    if is_cut:
        line = without_part(line)
    return line if is_worth_showing(line) and kinds(line[0]) != "m" else ""


def without_part(text: str) -> str:
    """The text without what may be part of a character: the last one, with the marks on it, unless a sign of its own."""
    of = kinds(text)
    end = len(of.rstrip("m"))
    return text[: end - 1] if end < len(of) else text


def distinct(ghosts: Iterable[Ghost], most: int) -> Sequence[Ghost]:
    """The first of them that differ."""
    return list(dict.fromkeys(each for each in ghosts if each.text))[:most]
