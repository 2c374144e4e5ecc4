"""One shell as a text: the commands that it ran, a line each, and the line that is being typed. Knows no socket.

    cd notes
    git status
    git comm|            what may follow is asked of a document, which has read all but the last keys

A line's end within a command is not the end of the command: it is written as histories are trained on (elman/text.py).
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from elman.protocol.difference import common_prefix
from elman.sync.client import Client
from elman.text import COMMANDS, as_command, as_line

KEPT: Final = 8192
"""Characters of earlier commands: those that recall sees."""
MOST: Final = 2 * KEPT
"""From here on only the last KEPT are kept: a large step at a time, for all that is kept is then read again."""


class Conversation:
    """What may follow a line, after what was typed before it. What is `private` is neither kept nor continued."""

    def __init__(self, client: Client, is_private: Callable[[str], bool]) -> None:
        self._client, self._is_private = client, is_private
        self._commands: deque[str] = deque()
        self._characters = 0  # of the commands, with their ends
        self._document = client.document()
        self._line = ""

    def ran(self, command: str) -> None:
        """A command was entered."""
        line = as_line(command)
        if not line.strip() or self._is_private(command):
            return
        self._commands.append(line)
        self._type(f"{line}\n")
        self._characters += len(line) + 1
        self._line = ""
        if self._characters > MOST:
            self._forget()

    def _forget(self) -> None:
        """Keep the last commands alone, as the beginning of a new document."""
        while self._characters > KEPT:
            self._characters -= len(self._commands.popleft()) + 1
        self._document.close()
        self._document = self._client.document("".join(f"{each}\n" for each in self._commands))

    def warm(self) -> None:
        """Read what is not read yet, so that the next question waits for its own line alone."""
        if not self._line:
            self._ghost()

    def ask(self, line: str) -> str:
        """What may follow the line; nothing where nothing is worth showing."""
        if self._is_private(line):
            return ""
        self._type(as_line(line))
        return until_control(as_command(self._ghost()))

    def _type(self, line: str) -> None:
        """Let the document end with this line."""
        same = common_prefix(self._line, line, len(line))
        end = self._characters + len(self._line)
        self._document.replace(self._characters + same, end, line[same:], suggest=True)
        self._line = line

    def _ghost(self) -> str:
        """The document's suggestion, once it is known whole."""
        ghost = ""
        for suggestion in self._document.suggestions():
            ghost = suggestion.text
        return ghost

    def close(self) -> None:
        """Forget all of it."""
        self._document.close()


def until_control(ghost: str) -> str:
    """The ghost, up to a character that would command a terminal: it may stand in a history, and nobody could see it."""
    found = COMMANDS.search(ghost)
    return ghost[: found.start()] if found else ghost
