"""A buffer that can undo, whatever the size of its text: of the texts before, it keeps how each differs from the next.

texts:   "a bad "   "a bad cab"   "a bad cab,"     the newest whole, then: put "" for 9..10, put "" for 6..9

Knows neither keys nor a document.
"""

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document as Shown

from elman.protocol.difference import Difference, difference


class Texts:
    """A stack of texts with their cursors."""

    def __init__(self) -> None:
        self._newest: tuple[str, int] | None = None
        self._older: list[tuple[Difference, int]] = []  # how to make each of the next newer one, and its cursor

    def push(self, text: str, cursor: int) -> None:
        """Put a text on top; if it is there already, with its new cursor."""
        if self._newest and self._newest[0] != text:
            self._older.append((difference(text, self._newest[0], 0), self._newest[1]))
        self._newest = text, cursor

    def pop(self) -> tuple[str, int] | None:
        """Take the newest off; None where there is none."""
        taken, self._newest = self._newest, None
        if taken and self._older:
            (start, end, inserted), cursor = self._older.pop()
            self._newest = f"{taken[0][:start]}{inserted}{taken[0][end:]}", cursor
        return taken


class EditedBuffer(Buffer):
    """A buffer that tells what is typed from what an undo brings back."""

    is_undoing = False

    def reset(self, document: Shown | None = None, append_to_history: bool = False) -> None:
        """Begin anew, with nothing to undo."""
        super().reset(document, append_to_history)
        self._past, self._undone = Texts(), Texts()

    def save_to_undo_stack(self, clear_redo_stack: bool = True) -> None:
        """Note the text as one to come back to."""
        self._past.push(self.text, self.cursor_position)
        if clear_redo_stack:
            self._undone = Texts()

    def undo(self) -> None:
        """Go back to the text before the last change."""
        while before := self._past.pop():
            if before[0] != self.text:
                self._undone.push(self.text, self.cursor_position)
                self._show(before)
                break

    def redo(self) -> None:
        """Take back an undo."""
        if after := self._undone.pop():
            self.save_to_undo_stack(clear_redo_stack=False)
            self._show(after)

    def _show(self, text: tuple[str, int]) -> None:
        self.is_undoing = True
        try:
            self.document = Shown(*text)
        finally:
            self.is_undoing = False
