"""Applies to a document what was done to a text elsewhere. Knows only the text before and the text after."""

from elman.errors import MendRequest
from elman.protocol.difference import difference
from elman.sync.document import Document


class Mirror:
    """Keeps a document equal to a text with a cursor.

    Suggestions are asked for when something is typed, and when the cursor is moved to a line's end: not before the first key,
    and after an undo not before the text is changed by a key. Unless it `suggests`, they never are.
    """

    def __init__(self, document: Document, text: str, *, suggests: bool = True) -> None:
        """`text` is the document's, but for a CR that the document reads as LF."""
        self._document, self._text, self._suggests = document, text, suggests
        self._is_quiet = False
        document.dismiss()

    def show(self, text: str, cursor: int, *, is_typed: bool = True) -> bool:
        """Take over text and cursor; returns whether either has changed. Raises MendRequest for text that is not `clean`."""
        is_same = text == self._text
        if not is_same:
            self._is_quiet = not is_typed
            start, end, inserted = difference(self._text, text, cursor)
            if "\r\n" in inserted:
                raise MendRequest("text: CRLF in place of LF")
            self._document.replace(start, end, inserted, suggest=self._suggests and is_typed and inserted != "")
            self._text = text
        if self._document.cursor == cursor:
            return not is_same
        self._document.move(cursor, suggest=self._suggests and is_line_end(text, cursor) and not self._is_quiet)
        return True

    def expect(self, accepted: str) -> None:
        """The document has accepted this suggestion, and the text is about to follow."""
        cursor = self._document.cursor - len(accepted)
        self._text = self._text[:cursor] + accepted + self._text[cursor:]


def is_line_end(text: str, cursor: int) -> bool:
    """Whether a line ends at the cursor."""
    return text[cursor : cursor + 1] in ("", "\n")
