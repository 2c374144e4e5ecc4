"""A text that is edited: the buffer that keys change, the document that follows it, its ghost text and its file.

Knows neither keys nor a screen.
"""

from collections.abc import Callable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document as Shown

from elman.editor.ghost import Ghost
from elman.editor.mirror import Mirror, clean
from elman.editor.text_file import TextFile
from elman.errors import MendRequest
from elman.sync.document import Document


class EditorSession:
    """What keys act on and the view shows. Without a file it is one line. `draw` is called when there is more to see."""

    def __init__(self, document: Document, file: TextFile | None, draw: Callable[[], None]) -> None:
        self.file, self.message, self.is_leaving = file, "", False
        self.document = document
        self.ghost = Ghost(document, draw)
        self._mirror = Mirror(document)
        self._saved = document.text
        self.buffer = Buffer(multiline=file is not None, document=Shown(document.text, document.cursor))
        self.buffer.on_text_changed += self._follow
        self.buffer.on_cursor_position_changed += self._follow

    @property
    def is_changed(self) -> bool:
        """Whether there is something to be saved."""
        return self.file is not None and self.buffer.text != self._saved

    @property
    def ghost_text(self) -> str:
        """What is shown after the cursor; without a file, only up to the end of the line."""
        text = chosen.text if (chosen := self.ghost.chosen) else ""
        return text if self.file else text.partition("\n")[0]

    def accept(self, characters: int | None = None) -> None:
        """Insert what is shown, or its first characters."""
        try:
            accepted = self.ghost.accept(characters or len(self.ghost_text))
        except MendRequest:  # it has just been withdrawn: the server that made it is gone
            return
        self._mirror.expect(accepted)
        self.buffer.insert_text(accepted)

    def save(self) -> None:
        """Save the file, or say why not."""
        if self.file is None:
            return
        text = self.buffer.text
        try:
            self.file.save(text)
        except OSError as error:
            self.message = f"not saved: {error.strerror or error}"
        else:
            self._saved, self.message = text, "saved"

    def may_leave(self) -> bool:
        """Whether it can end now. If changes would be lost, the person is asked first; the next call is True."""
        if self.is_changed and not self.is_leaving:
            self.is_leaving = True
            return False
        return True

    def _follow(self, buffer: Buffer) -> None:
        """Let the document follow the buffer."""
        try:
            if self._mirror.show(buffer.text, buffer.cursor_position):
                self.ghost.note_edit()
                self.message = ""
        except MendRequest:
            text = clean(buffer.text)
            buffer.document = Shown(text, min(buffer.cursor_position, len(text)))  # comes back here
