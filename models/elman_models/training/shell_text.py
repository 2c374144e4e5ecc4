"""The training text that shell histories hold: a line for each command, in the order in which they were entered.

What was entered often stands there often, for it is likely; what was entered several times in a row stands there once, and an
entry that several files have, with its time, is one. Left out, each with its reason: what looks like a secret, what begins with
a space (which asks a shell to forget it), what is too long to have been typed, and what is no text.
"""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from elman.settings import counted
from elman.text import NO_CHANGES, Changes, as_line, fold
from elman_models.corpus import STANDARD_INPUT, Corpus, CorpusError, name_of, opened
from elman_models.selection.shell_history import Entry, entries, text_of
from elman_models.selection.shell_secrets import masked, secrets_in_command

LONGEST: Final = 1000
"""Characters of a command."""
MOST_COMMANDS: Final = 50_000
"""The last of a file; with more, a model would learn for hours what its owner no longer does."""
MINIMUM_CHARACTERS: Final = 1000
"""A day's commands: with recall, a model of so few is worth something already."""
CONTROL: Final = frozenset(map(chr, (*range(9), *range(11, 32), 127)))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A command that is not trained on."""

    name: str  # of the file
    line: int
    reason: str
    shown: str  # the command, its secrets masked

    @property
    def place(self) -> str:
        """Where it stands, and why it is left out."""
        return f"{self.name}:{self.line}: {self.reason}"

    def __str__(self) -> str:
        return f"{self.place}: {self.shown}"


@dataclass(slots=True)
class History:
    """The commands of one file."""

    name: str
    commands: list[str] = field(default_factory=list[str])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])
    secrets: list[LeftOut] = field(default_factory=list[LeftOut])
    changes: Changes = NO_CHANGES
    repeated: int = 0

    def summary(self) -> Iterator[str]:
        """What is left out beside secrets, counted."""
        for reason, count in Counter(each.reason for each in self.left_out).items():
            yield f"{self.name}: {counted(count, 'command')}: {reason}"
        if self.repeated:
            yield f"{self.name}: {counted(self.repeated, 'command')}: the same as the one before"

    def take(self, entry: Entry, keep_secrets: bool) -> None:
        """Add a command, or why it is left out."""
        text = text_of(entry.command)
        if text is None:
            self._leave_out(entry, "not UTF-8", entry.command.decode(errors="replace"))
        elif reason := reason_against(text):
            self._leave_out(entry, reason, text)
        elif text.strip():
            self._take(entry.line, text, keep_secrets)

    def _leave_out(self, entry: Entry, reason: str, text: str) -> None:
        shown = text[:LONGEST]
        self.left_out.append(LeftOut(self.name, entry.line, reason, masked(shown, secrets_in_command(shown))))

    def _take(self, line: int, text: str, keep_secrets: bool) -> None:
        if secrets := secrets_in_command(text):
            self.secrets.append(LeftOut(self.name, line, secrets[0].kind, masked(text, secrets)))
            if not keep_secrets:
                return
        command, changes = fold(text)
        if self.commands and self.commands[-1] == command:
            self.repeated += 1
            return
        self.commands.append(command)
        self.changes += changes


def reason_against(text: str) -> str:
    """Why a command is left out, whatever it says; empty where it is not."""
    if text.startswith((" ", "\t")):
        return "begins with a space"
    if len(text) > LONGEST:
        return f"longer than {LONGEST:,} characters"
    return "control characters" if not CONTROL.isdisjoint(text) else ""


def read_histories(paths: Sequence[Path], keep_secrets: bool = False) -> list[History]:
    """The histories of the files, each file once. Raises CorpusError, or OSError for what cannot be read."""
    different = {path if path == STANDARD_INPUT else path.resolve(): path for path in paths}
    known: set[tuple[int, bytes]] = set()
    histories: list[History] = []
    for path in different.values():
        history = History(name_of(path))
        for entry in last_entries(path):
            key = entry.seconds or 0, entry.command
            if key not in known:
                history.take(entry, keep_secrets)
            if entry.seconds:
                known.add(key)
        histories.append(history)
    return histories


def last_entries(path: Path) -> Sequence[Entry]:
    """The last commands of a file. Raises CorpusError for what is no history, or OSError."""
    with opened(path) as file:
        found = deque(entries(file), MOST_COMMANDS)
    name = name_of(path)
    if not any(each.command.strip() for each in found):
        raise CorpusError(f"{name}: no commands in it")
    if 2 * sum(b"\0" in each.command or text_of(each.command) is None for each in found) > len(found):
        raise CorpusError(f"{name}: no history of a shell: most of it is no text")
    return found


def read_shell_text(paths: Sequence[Path], keep_secrets: bool = False) -> Corpus:
    """What of the histories is to be trained on. Raises CorpusError, or OSError for what cannot be read."""
    histories = [history for history in read_histories(paths, keep_secrets) if history.commands]
    return Corpus(
        tuple("".join(f"{as_line(command)}\n" for command in history.commands) for history in histories),
        tuple(line for history in histories for line in history.summary()),
        tuple(history.name for history in histories),
        tuple(secret.place for history in histories for secret in history.secrets),
        sum((history.changes for history in histories), NO_CHANGES),
    )
