"""What was dismissed, and where: what was dismissed twice at a place is not shown there again. Knows no protocol."""

from dataclasses import dataclass
from typing import Final

from elman.lsp.open_text import Change

ENOUGH: Final = 2
MOST: Final = 256
"""How many dismissals of a document are remembered."""


@dataclass(slots=True)
class Dismissal:
    """A text that was dismissed at an offset."""

    offset: int
    text: str
    times: int = 1

    def covers(self, offset: int, text: str) -> bool:
        """Whether a text at an offset is that text, or the rest of it after some of it was typed."""
        typed = offset - self.offset
        return 0 <= typed < len(self.text) and self.text[typed:] == text


class Dismissals:
    """Those of one document, which move with its text."""

    def __init__(self) -> None:
        self._all: list[Dismissal] = []

    def note(self, offset: int, text: str) -> None:
        """A text was dismissed."""
        known = next((each for each in self._all if each.covers(offset, text)), None)
        if known:
            known.times += 1
        else:
            self._all = [*self._all[1 - MOST :], Dismissal(offset, text)]

    def forbid(self, offset: int, text: str) -> bool:
        """Whether a text is not to be shown at an offset."""
        return any(each.times >= ENOUGH and each.covers(offset, text) for each in self._all)

    def move(self, change: Change) -> None:
        """The text has changed: what stood within what was replaced is forgotten."""
        end = change.start + len(change.removed)
        self._all = [each for each in self._all if each.offset <= change.start or each.offset >= end]
        for each in self._all:
            if each.offset > change.start:
                each.offset += len(change.inserted) - len(change.removed)
