"""An open document: its text, and the client's document that follows it while it is among those used last. Waits for nothing."""

from typing import Final

from elman.lsp.encodings import Encoding
from elman.lsp.open_text import Change, OpenText, Position
from elman.protocol.editable import Editable

REMEMBERED: Final = 16
"""How many deletions are remembered, for what an undo puts back is not typed."""

TYPED_AT_ONCE: Final = 1
"""The most characters that are typed even if they are those that were deleted."""


class OpenDocument:
    """What is known of one."""

    def __init__(self, uri: str, language: str, version: int | None, text: str, encoding: Encoding) -> None:
        self.uri, self.language, self.version = uri, language, version
        self.text = OpenText(text, encoding)
        self.followed: Followed | None = None
        self.is_quiet = False
        """Whether nothing is suggested before the next key: after a deletion and after an undo."""
        self._removed: list[str] = []

    def change(self, start: Position, end: Position, text: str) -> Change:
        """Put a text in place of what lies between two positions."""
        return self._note(self.text.change(start, end, text))

    def replace(self, text: str) -> Change:
        """Put a text in place of all."""
        return self._note(self.text.replace(text))

    def _note(self, change: Change) -> Change:
        is_put_back = len(change.inserted) > TYPED_AT_ONCE and change.inserted in self._removed
        self.is_quiet = is_put_back or not change.inserted
        if change.removed:
            self._removed = [*self._removed[1 - REMEMBERED :], change.removed]
        if self.followed:
            self.followed.note(change, self.text.length)
        return change


class Followed:
    """A client's document that is brought up to date when it is asked, however many changes there were."""

    def __init__(self, document: Editable, model: str, length: int) -> None:
        self.document, self.model = document, model
        self._before = self._after = self._length = length  # so many characters at its start and its end have not changed

    def note(self, change: Change, length: int) -> None:
        """The text has changed, and is so long now."""
        self._before = min(self._before, change.start)
        self._after = min(self._after, length - change.start - len(change.inserted))

    def catch_up(self, text: OpenText, cursor: int) -> None:
        """Take over the text, and want suggestions at the cursor."""
        if min(self._before, self._after) < self._length or text.length != self._length:
            before = min(self._before, text.length, self._length)
            after = min(self._after, text.length - before, self._length - before)
            self.document.replace(before, self._length - after, text.text[before : text.length - after], suggest=False)
            self._before = self._after = self._length = text.length
        self.document.move(cursor)
