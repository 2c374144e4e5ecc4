"""What text is, wherever elman reads it: lines end with LF, there are no byte order marks, and characters are composed (NFC).

A model reads one spelling of each text, the one that it was trained on. Commands fold whole texts and say what they changed.
A document that is edited has only its line ends folded: its offsets are the editor's.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple
from unicodedata import is_normalized, normalize

from elman.settings import counted

BYTE_ORDER_MARK: Final = "\ufeff"
LINE_SEPARATOR: Final = "\u2028"
"""Stands for a line's end within a command of a shell, where LF ends the command."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What was folded, counted."""

    crlf: int = 0
    cr: int = 0
    marks: int = 0
    composed: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.crlf + other.crlf, self.cr + other.cr, self.marks + other.marks, self.composed + other.composed)

    def __str__(self) -> str:
        """In words; empty where nothing was changed."""
        parts = [
            f"{counted(self.crlf, 'line end')} from CRLF to LF" if self.crlf else "",
            f"{counted(self.cr, 'line end')} from CR to LF" if self.cr else "",
            f"{counted(self.marks, 'byte order mark')} left out" if self.marks else "",
            f"{counted(self.composed, 'character')} composed (NFC)" if self.composed else "",
        ]
        return ", ".join(filter(None, parts))


NO_CHANGES: Final = Changes()


class Folded(NamedTuple):
    """A text as a model reads it, and what was changed for that."""

    text: str
    changes: Changes


def fold(text: str) -> Folded:
    """The text with LF, without byte order marks, those of files that were joined included, and composed (NFC)."""
    crlf, marks = text.count("\r\n"), text.count(BYTE_ORDER_MARK)
    lines = with_line_feeds(text.replace(BYTE_ORDER_MARK, "") if marks else text)
    if is_normalized("NFC", lines):
        return Folded(lines, Changes(crlf, text.count("\r") - crlf, marks))
    whole = normalize("NFC", lines)
    composed = max(1, (Counter(whole) - Counter(lines)).total())  # marks that were only put in order count as one
    return Folded(whole, Changes(crlf, text.count("\r") - crlf, marks, composed))


def with_line_feeds(text: str) -> str:
    """The text with CRLF and a CR alone as LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def as_line(command: str) -> str:
    """A command of a shell as one line of a text."""
    return with_line_feeds(command).strip("\n").replace("\n", LINE_SEPARATOR)


def as_command(line: str) -> str:
    """What a line stands for in a shell."""
    return line.replace(LINE_SEPARATOR, "\n")
