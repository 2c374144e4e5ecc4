"""`elman type` on a terminal: a line or a file that is edited, with ghost text. Needs prompt_toolkit."""

import asyncio
import signal
import sys
from contextlib import suppress

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document as Shown
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.styles import Style

from elman.editor.ghost import Ghost
from elman.editor.keys import bindings
from elman.editor.mirror import Mirror, clean
from elman.editor.text_file import TextFile
from elman.editor.view import layout
from elman.errors import MendRequest
from elman.sync.document import Document

ESCAPE_SECONDS = 0.05
"""How long a terminal may take from the escape character to the rest of a key."""

CHORD_SECONDS = 0.3
"""How long a person may take from Esc to the next key of a chord."""

STYLE = Style.from_dict({"ghost": "dim", "bar": "dim", "bar.urgent": "bold"})


class Editor:
    """A text with a cursor on a terminal, and the document that it is. Without a file, it is one line."""

    def __init__(
        self, document: Document, file: TextFile | None, *, given: Input | None = None, output: Output | None = None
    ) -> None:
        self.file, self.message, self.is_leaving = file, "", False
        self.document = document
        self.ghost = Ghost(document, self._draw)
        self._mirror = Mirror(document)
        self._saved = document.text
        self.buffer = Buffer(multiline=file is not None, document=Shown(document.text, document.cursor))
        self.buffer.on_text_changed += self._follow
        self.buffer.on_cursor_position_changed += self._follow
        self.application = Application[str | None](
            layout(self),
            style=STYLE,
            key_bindings=bindings(self),
            full_screen=file is not None,
            erase_when_done=True,
            input=given,
            output=output,
        )
        self.application.ttimeoutlen, self.application.timeoutlen = ESCAPE_SECONDS, CHORD_SECONDS

    def run(self) -> str | None:
        """Until the person leaves; the line, if it was entered. Raises KeyboardInterrupt."""
        self.ghost.start()
        try:
            return self.application.run(pre_run=self._mind_signals)
        finally:
            self.ghost.close()

    def _mind_signals(self) -> None:
        """A polite end leaves the terminal as it was; where a thread or a system has no such signals, nothing changes."""
        with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self._end, number)

    def _end(self, number: int) -> None:
        if not self.application.is_done:
            self.application.exit(exception=SystemExit(128 + number))

    @property
    def is_changed(self) -> bool:
        """Whether there is something to be saved."""
        return self.file is not None and self.buffer.text != self._saved

    @property
    def ghost_text(self) -> str:
        """What is shown after the cursor; of a line, no more than the line."""
        text = chosen.text if (chosen := self.ghost.chosen) else ""
        return text if self.file else text.partition("\n")[0]

    def accept(self, characters: int | None = None) -> None:
        """Make what is shown, or so many characters of it, text."""
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

    def leave(self) -> None:
        """End, or ask first what becomes of unsaved changes."""
        if self.is_changed and not self.is_leaving:
            self.is_leaving = True
        else:
            self.application.exit(result=None)

    def _follow(self, buffer: Buffer) -> None:
        """Let the document follow the buffer."""
        try:
            if self._mirror.show(buffer.text, buffer.cursor_position):
                self.ghost.note_edit()
                self.message = ""
        except MendRequest:
            text = clean(buffer.text)
            buffer.document = Shown(text, min(buffer.cursor_position, len(text)))  # comes back here

    def _draw(self) -> None:
        self.application.invalidate()


def terminal() -> Output:
    """The terminal at standard error: standard output is for the text."""
    return create_output(stdout=sys.stderr)
