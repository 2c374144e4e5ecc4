"""What both faces of a document have in common: edits take effect at once, in memory, and none waits for a server."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from elman.protocol.draft import Draft
from elman.protocol.suggestions import Suggestion


class Editable(ABC):
    """A text with a cursor. Offsets count code points of the text as it was put in: CRLF is two, an accent by itself is one.

    What a model reads of it is folded as everywhere: line ends are LF, characters composed, byte order marks left out. So what
    is suggested, and inserted by `accept`, has lines that end with LF.

    Nothing is suggested in the middle of a word, and a suggestion ends where it meets what follows the cursor.
    """

    def __init__(self, draft: Draft, lock: AbstractContextManager[object]) -> None:
        self._draft, self._lock = draft, lock

    @property
    def text(self) -> str:
        """The whole text; takes time in proportion to its length."""
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
        """What `suggestions` has given so far for the present text, the newest of each alternative; nothing after an edit."""
        with self._lock:
            return self._draft.suggested

    def insert(self, text: str, *, suggest: bool = True) -> None:
        """Put text before the cursor. Raises MendRequest for a lone surrogate."""
        with self._lock:
            self._draft.replace(self._draft.cursor, self._draft.cursor, text, suggest)
            self._note_change()

    def delete(self, characters: int = 1, *, suggest: bool = False) -> None:
        """Delete the last `characters` characters before the cursor. Raises MendRequest if there are fewer."""
        with self._lock:
            self._draft.delete(characters, suggest)
            self._note_change()

    def replace(self, start: int, end: int, text: str, *, suggest: bool | None = None) -> None:
        """Put text in place of what lies between two offsets, and the cursor after it. Raises MendRequest.

        Unless `suggest` says otherwise, suggestions are wanted if `text` is not empty. An undo should say `suggest=False`.
        """
        with self._lock:
            self._draft.replace(start, end, text, bool(text) if suggest is None else suggest)
            self._note_change()

    def move(self, cursor: int, *, suggest: bool = True) -> None:
        """Put the cursor at an offset. Raises MendRequest."""
        with self._lock:
            self._draft.move(cursor, suggest)
            self._note_change()

    def accept(self, alternative: int = 0, characters: int | None = None, *, suggest: bool = True) -> str:
        """Insert a suggestion, or its first `characters` characters; returns what was inserted. Raises MendRequest.

        It must have been suggested for the present text: after any edit, wait for new suggestions first.
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
        """Let another model suggest; everything else stays. Raises MendRequest."""
        with self._lock:
            self._draft.switch(model, digest)
            self._note_change()

    @abstractmethod
    def _note_change(self) -> None:
        """Called with the lock held, when the text has changed or what is wanted has."""
