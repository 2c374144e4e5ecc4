"""What was dismissed, and where: what was dismissed twice at a place is not shown there again. Knows no protocol.

A place is a line and what stands in it before the cursor. So it stays when that is deleted and typed again, and moves with
its line, whatever is edited above.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from elman.lsp.open_text import Change

ENOUGH: Final = 2
MOST: Final = 256
"""How many dismissals of a document are remembered."""


class Spot(NamedTuple):
    """A place: the offset at which its line begins, the characters before it in the line, and the last of these."""

    line: int
    column: int
    before: str


@dataclass(slots=True)
class Dismissal:
    """A text that was dismissed at a place."""

    spot: Spot
    text: str
    times: int = 1

    def covers(self, spot: Spot, text: str) -> bool:
        """Whether a text at a place is that text, or the rest of it after some of it was typed."""
        own = self.spot
        is_rest = spot.column >= own.column and spot.column + len(text) == own.column + len(self.text)
        return spot.line == own.line and is_rest and end_alike(spot.before + text, own.before + self.text)


class Dismissals:
    """Those of one document, which move with its text."""

    def __init__(self) -> None:
        self._all: list[Dismissal] = []

    def note(self, spot: Spot, text: str) -> None:
        """A text was dismissed."""
        known = next((each for each in self._all if each.covers(spot, text)), None)
        if known:
            known.times += 1
        else:
            self._all = [*self._all[1 - MOST :], Dismissal(spot, text)]

    def forbid(self, spot: Spot, text: str) -> bool:
        """Whether a text is not to be shown at a place."""
        return any(each.times >= ENOUGH and each.covers(spot, text) for each in self._all)

    def move(self, change: Change) -> None:
        """The text has changed: a line whose beginning was within what was replaced is forgotten."""
        start, end = change.start, change.start + len(change.removed)
        self._all = [each for each in self._all if not start < each.spot.line < end]
        first = start + (not is_put_above(change))  # the first offset that moves
        for each in self._all:
            if each.spot.line >= max(first, end):
                line = each.spot.line + len(change.inserted) - len(change.removed)
                each.spot = each.spot._replace(line=line)


def is_put_above(change: Change) -> bool:
    """Whether whole lines were put in, so that a line which began there begins after them."""
    return not change.removed and change.inserted.endswith("\n")


def end_alike(one: str, other: str) -> bool:
    """Whether two texts, of which the beginning may be missing, end with the same."""
    return one.endswith(other) or other.endswith(one)
