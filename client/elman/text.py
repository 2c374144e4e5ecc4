"""What text is, wherever elman reads it: lines end with LF, there are no byte order marks, and characters are composed (NFC).

A model reads one spelling of each text, the one that it was trained on. Commands fold whole texts and say what they changed.
A document that is edited stays as it is given, and what a model reads of it is folded (`elman.protocol.folded`).
"""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple
from unicodedata import combining, is_normalized, normalize

from elman.settings import counted

BYTE_ORDER_MARK: Final = "\ufeff"
LINE_SEPARATOR: Final = "\u2028"
"""Stands for a line's end within a command of a shell, where LF ends the command."""

COMMANDS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that move the cursor, begin a command to the terminal, or turn the direction of what follows."""

MANY_MARKS: Final = re.compile(r"[^\w\s\0-\u02ff]{32,}")
"""Among signs, so many marks on one character that to put them in order pair by pair would take long."""


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
    whole = nfc(lines)
    composed = max(1, (Counter(whole) - Counter(lines)).total())  # marks that were only put in order count as one
    return Folded(whole, Changes(crlf, text.count("\r") - crlf, marks, composed))


def folded(text: str) -> str:
    """The text of `fold`, without an account of what was changed."""
    lines = with_line_feeds(text.replace(BYTE_ORDER_MARK, "") if BYTE_ORDER_MARK in text else text)
    return lines if is_normalized("NFC", lines) else nfc(lines)


def nfc(text: str) -> str:
    """The text in NFC, in a time that does not grow with the square of how many marks a character has."""
    return normalize("NFC", MANY_MARKS.sub(lambda run: in_order(run[0]), text))


def in_order(marks: str) -> str:
    """Marks in canonical order, decomposed."""
    runs = groupby("".join(normalize("NFD", mark) for mark in marks), lambda mark: combining(mark) == 0)
    return "".join("".join(run) if is_starter else "".join(sorted(run, key=combining)) for is_starter, run in runs)


def with_line_feeds(text: str) -> str:
    """The text with CRLF and a CR alone as LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def as_line(command: str) -> str:
    """A command of a shell as one line of a text."""
    return with_line_feeds(command).strip("\n").replace("\n", LINE_SEPARATOR)


def as_command(line: str) -> str:
    """What a line stands for in a shell."""
    return line.replace(LINE_SEPARATOR, "\n")


def escaped(text: str) -> str:
    """The text with escapes for the characters that command a terminal."""
    return COMMANDS.sub(lambda found: ascii(found[0])[1:-1], text)
