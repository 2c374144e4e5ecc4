r"""The commands of a shell's history, whichever of the three shells wrote it: what a file is, its own lines tell.

    : 1699999999:0;git status       zsh, extended; without it each line is a command. A backslash at a line's end goes on
    #1699999999                     bash, with times: what follows, up to the next time, is one command
    - cmd: for i in *\ndo           fish: \n is a line's end, \\ a backslash
      when: 1699999999

A file may hold lines of before and after a setting was changed. Memory is bounded, whatever the file. Knows no secrets.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, Final

LONGEST_LINE: Final = 1 << 16
"""Bytes; a longer line is no command that a person typed."""
MOST_LINES: Final = 50
"""Of one bash command: more of them were written after times were turned off, and are a command each."""
ZSH: Final = re.compile(rb": (\d+):\d+;")
BASH: Final = re.compile(rb"#(\d{9,11})\s*")
FISH: Final = b"- cmd: "
FISH_TIME: Final = re.compile(rb"  when: (\d+)")
FISH_ESCAPE: Final = re.compile(rb"\\([\\n])")
META: Final = re.compile(rb"\x83(.)", re.DOTALL)
"""zsh writes some bytes as this one and themselves with bit 5 turned."""
PADDED: Final = re.compile(rb"(?<=\\) \Z")
"""zsh puts a space after a command that ends with a backslash."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command as the file has it."""

    line: int  # where it begins, from 1
    command: bytes
    seconds: int | None = None  # when it was entered, since 1970


def entries(file: IO[bytes]) -> Iterator[Entry]:
    """The commands of a history, in its order."""
    numbered = ((number, line) for number, line in enumerate(whole_lines(file), 1) if line is not None)
    first = next(numbered, None)
    if first is None:
        return iter(())
    every = chain([first], numbered)
    return fish_entries(every) if first[1].startswith(FISH) else other_entries(every)


def whole_lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """Each line without its end; None for one that is too long, which is not kept."""
    while piece := file.readline(LONGEST_LINE):
        if piece.endswith(b"\n") or len(piece) < LONGEST_LINE:
            yield piece.rstrip(b"\r\n")
            continue
        while piece and not piece.endswith(b"\n"):
            piece = file.readline(LONGEST_LINE)
        yield None


def fish_entries(lines: Iterable[tuple[int, bytes]]) -> Iterator[Entry]:
    """Those of fish."""
    entry: Entry | None = None
    for number, line in lines:
        if line.startswith(FISH):
            if entry:
                yield entry
            command = FISH_ESCAPE.sub(lambda found: b"\n" if found[1] == b"n" else b"\\", line[len(FISH) :])
            entry = Entry(number, command)
        elif entry and (found := FISH_TIME.fullmatch(line)):
            entry = Entry(entry.line, entry.command, int(found[1]))
    if entry:
        yield entry


def other_entries(lines: Iterable[tuple[int, bytes]]) -> Iterator[Entry]:
    """Those of zsh and bash."""
    gathered = Gathered()
    for number, line in lines:
        yield from gathered.with_line(number, line)
    yield from gathered.taken()


@dataclass(slots=True)
class Gathered:
    """The lines of one command, as far as they are read."""

    lines: list[bytes] = field(default_factory=list[bytes])
    first: int = 0
    seconds: int | None = None
    is_timed: bool = False  # bash told the time: lines follow until it tells the next
    goes_on: bool = False  # zsh ended the line with a backslash

    def with_line(self, number: int, line: bytes) -> Iterator[Entry]:
        """The commands that are whole once this line is read."""
        if not self.goes_on and (time := BASH.fullmatch(line)):
            yield from self.taken()
            self.seconds, self.is_timed = int(time[1]), True
            return
        time = None if self.goes_on else ZSH.match(line)
        if time or not self.lines:
            if time:
                yield from self.taken()
                self.seconds, line = int(time[1]), line[time.end() :]
            self.first = number
        self.goes_on = not self.is_timed and line.endswith(b"\\")
        self.lines.append(line[:-1] if self.goes_on else line)
        if not self.goes_on and (not self.is_timed or len(self.lines) > MOST_LINES):
            yield from self.taken()

    def taken(self) -> Iterator[Entry]:
        """The command, or several where nobody told their times; nothing is gathered then."""
        if 0 < len(self.lines) <= MOST_LINES:
            yield Entry(self.first, PADDED.sub(b"", b"\n".join(self.lines)), self.seconds)
        else:
            yield from (Entry(self.first + after, line) for after, line in enumerate(self.lines))
        self.lines, self.seconds, self.is_timed, self.goes_on = [], None, False, False


def text_of(command: bytes) -> str | None:
    """The command as text; None where it is none."""
    for spelling in (command, META.sub(lambda found: bytes([found[1][0] ^ 32]), command)):  # what zsh wrote is no UTF-8 first
        with suppress(UnicodeDecodeError):
            return spelling.decode()
    return None
