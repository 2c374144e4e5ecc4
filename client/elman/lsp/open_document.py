"""An open document: its text, what its last change says about suggestions, and what was dismissed in it. Waits for nothing."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from elman.lsp.dismissals import Dismissals, Spot
from elman.lsp.encodings import Encoding
from elman.lsp.ghosts import Place
from elman.lsp.open_text import Change, OpenText, Position

BY_ONE_KEY: Final = 2
"""The most characters that one key types: a bracket, and the one that the editor closes by itself."""

REMEMBERED: Final = 16
"""How many deletions are remembered, for what an undo puts back was not typed."""

REMEMBERED_CHARACTERS: Final = 1 << 16
"""The longest text of one that is."""

NEAR: Final = 256
"""How much of a line is looked at on each side of the cursor."""

LINES_ABOVE: Final = 100
"""How many lines are looked at for what the document is indented with."""


class Edit(NamedTuple):
    """A text to be put in place of what lies between two positions; in place of all where there are none."""

    text: str
    start: Position | None = None
    end: Position | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the text that is to be."""
        return self.start is None or self.end is None


class Offer(NamedTuple):
    """What is shown at an offset."""

    cursor: int
    texts: Sequence[str]

    def after(self, change: Change) -> "Offer":
        """What is left of it once it was typed along; nothing of it after any other change."""
        end = len(change.inserted)
        is_here = change.start == self.cursor and not change.removed
        rests = [text[end:] for text in self.texts if text.startswith(change.inserted)] if is_here else []
        return Offer(self.cursor + end, rests)


class OpenDocument:
    """What is known of one."""

    def __init__(self, uri: str, language: str, version: int | None, text: str, encoding: Encoding) -> None:
        self.uri, self.language, self.version = uri, language, version
        self.text = OpenText(text, encoding)
        self.revision = 0
        """How many notifications about edits have come, for an editor need not count."""
        self.dismissals = Dismissals()
        self.is_quiet = False
        """Whether nothing is suggested before the next key: after a deletion and after an undo."""
        self.is_lost = False
        """Whether an edit was for an older text than this, so that nobody knows what the text is."""
        self._removed: Sequence[Change] = []
        self._offered = Offer(0, ())

    def cursor_at(self, position: Position) -> int | None:
        """The characters before a position; None if there is no such position, or if nobody knows the text."""
        return None if self.is_lost else self.text.offset(position)

    def apply(self, version: int | None, edits: Iterable[Edit]) -> Iterator[tuple[Change, int]]:
        """Take over what was edited: each change, and how long the text is then. What is older than the text is not taken."""
        edits = list(edits)
        self.revision += 1
        if is_older(version, self.version) and not (edits and edits[0].is_whole):
            self.is_lost = True
            return
        self.version = self.version if version is None else version
        for edit in edits:
            change = self._apply(edit)
            self._note(change)
            yield change, self.text.length

    def _apply(self, edit: Edit) -> Change:
        if edit.start is None or edit.end is None:
            self.is_lost = False
            return self.text.replace(edit.text)
        return self.text.change(edit.start, edit.end, edit.text)

    def _note(self, change: Change) -> None:
        self._offered = self._offered.after(change)
        is_undone = not self._offered.texts and any(undoes(change, each) for each in self._removed)
        self.is_quiet = not change.inserted or is_undone
        self._removed = with_removed(self._removed, change)
        self.dismissals.move(change)

    def offer(self, cursor: int, texts: Sequence[str]) -> None:
        """Note what is shown at the cursor: whoever types along has typed, though an editor may tell it as one edit."""
        self._offered = Offer(cursor, texts)

    def place(self, position: Position, cursor: int) -> Place:
        """What lies around the cursor, which is at a position in its line and at an offset in the text."""
        line = self.text.line(position.line)
        column = cursor - self.text.start_of(position.line)
        before, after = line[max(0, column - NEAR) : column], line[column : column + NEAR]
        if before.strip():
            return Place(before, after)
        above = [self.text.line(number) for number in range(max(0, position.line - LINES_ABOVE), position.line)]
        return Place(before, after, *indentation_of(above))

    def spot(self, position: Position, cursor: int) -> Spot:
        """The same place, for what is dismissed there."""
        line = self.text.start_of(position.line)
        return Spot(line, cursor - line, self.text.line(position.line)[: cursor - line][-NEAR:])


def undoes(change: Change, deletion: Change) -> bool:
    """Whether a change puts back what was deleted. One character, where nothing else stands, may as well be typed again."""
    text, removed = change.inserted, deletion.removed
    if change.start == deletion.start and text == removed:
        return bool(change.removed) or not is_typed_at_once(text)
    return len(text) > BY_ONE_KEY and (removed.startswith(text) or removed.endswith(text))


def is_typed_at_once(text: str) -> bool:
    """Whether one key may type it: a character, or two signs, of which the editor has put the second."""
    return len(text) == 1 or (len(text) == BY_ONE_KEY and not any(map(str.isalnum, text)))


def with_removed(removed: Sequence[Change], change: Change) -> Sequence[Change]:
    """The deletions with one more; what is deleted key by key is one deletion."""
    if not change.removed or len(change.removed) > REMEMBERED_CHARACTERS:
        return removed
    last = removed[-1] if removed else None
    if last and not change.inserted and len(last.removed) < REMEMBERED_CHARACTERS:
        if change.start + len(change.removed) == last.start:  # backwards
            return [*removed[:-1], Change(change.start, change.removed + last.removed, "")]
        if change.start == last.start:  # forwards
            return [*removed[:-1], Change(change.start, last.removed + change.removed, "")]
    return [*removed[1 - REMEMBERED :], change]


def is_older(version: int | None, known: int | None) -> bool:
    """Whether an edit was made for an older text than the one that is known."""
    return version is not None and known is not None and version < known


def indentation_of(lines: Iterable[str]) -> tuple[str, int]:
    """What lines are indented with, and by how many steps the last of them is that is not empty."""
    leads = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip()]
    steps = [lead for lead in leads if lead]
    if not steps:
        return "", 0
    if steps[-1].startswith("\t"):
        return "\t", leads[-1].count("\t")
    step = min(steps, key=len)
    return step, len(leads[-1]) // len(step)
