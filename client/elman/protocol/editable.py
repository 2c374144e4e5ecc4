"""What both faces of a document have in common: it is edited at once, in memory, and no edit waits for a server."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from elman.protocol.draft import Draft
from elman.protocol.suggestions import Suggestion


class Editable(ABC):
    """A text with a cursor. Offsets are code points; text comes with LF, and CRLF within one piece of text becomes LF."""

    def __init__(self, draft: Draft, lock: AbstractContextManager[object]) -> None:
        self._draft, self._lock = draft, lock

    @property
    def text(self) -> str:
        """The whole text; costs its length."""
        with self._lock:
            return self._draft.text

    @property
    def cursor(self) -> int:
        """The number of characters before the cursor."""
        return self._draft.cursor

    @property
    def seed(self) -> int:
        """The seed, known from the start."""
        return self._draft.seed

    @property
    def model(self) -> str:
        """The name of the model that suggests; empty before it has begun."""
        return self._draft.model

    @property
    def digest(self) -> str:
        """The digest of the model that suggests; empty before it has begun."""
        return self._draft.digest

    @property
    def suggested(self) -> list[Suggestion]:
        """What `suggestions` has given so far for the text as it is, of each alternative the newest; nothing after an edit."""
        with self._lock:
            return self._draft.suggested

    def insert(self, text: str, *, suggest: bool = True) -> None:
        """Put text before the cursor. Raises MendRequest for a lone surrogate."""
        with self._lock:
            self._draft.replace(self._draft.cursor, self._draft.cursor, text, suggest)
            self._note_change()

    def delete(self, characters: int = 1, *, suggest: bool = False) -> None:
        """Take so many characters before the cursor away. Raises MendRequest where there are fewer."""
        with self._lock:
            self._draft.delete(characters, suggest)
            self._note_change()

    def replace(self, start: int, end: int, text: str, *, suggest: bool | None = None) -> None:
        """Put text in place of what lies between two offsets, and the cursor after it. Raises MendRequest.

        Unless told otherwise, suggestions are wanted if there is text: none are after a deletion.
        """
        with self._lock:
            self._draft.replace(start, end, text, bool(text) if suggest is None else suggest)
            self._note_change()

    def move(self, cursor: int, *, suggest: bool = True) -> None:
        """Put the cursor elsewhere. Raises MendRequest."""
        with self._lock:
            self._draft.move(cursor, suggest)
            self._note_change()

    def accept(self, alternative: int = 0, characters: int | None = None, *, suggest: bool = True) -> str:
        """Make a suggestion text, or so many of its characters; returns what was accepted. Raises MendRequest.

        It must be suggested for the text as it is: after any edit, wait for the suggestions for that.
        """
        with self._lock:
            accepted = self._draft.accept(alternative, characters, suggest)
            self._note_change()
            return accepted

    def dismiss(self) -> None:
        """Want no suggestions until the next edit."""
        with self._lock:
            self._draft.dismiss()
            self._note_change()

    def switch(self, model: str | None = None, *, digest: str = "") -> None:
        """Let another model suggest, with everything else as it is. Raises MendRequest."""
        with self._lock:
            self._draft.switch(model, digest)
            self._note_change()

    @abstractmethod
    def _note_change(self) -> None:
        """The text or the wish has changed; the lock is held."""
