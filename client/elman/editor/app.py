"""`elman type` on a terminal: a line or a file that is edited, with ghost text. Needs prompt_toolkit."""

import asyncio
import errno
import signal
import sys
import termios
from contextlib import suppress
from pathlib import Path

from prompt_toolkit.application import Application
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.styles import Style

from elman.editor.keys import bindings
from elman.editor.session import EditorSession
from elman.editor.text_file import TextFile
from elman.editor.view import layout
from elman.sync.document import Document

ESCAPE_SECONDS = 0.05
"""How long a terminal may take from the escape character to the rest of a key."""

CHORD_SECONDS = 0.3
"""How long a person may take from Esc to the next key of a chord."""

KEEP_SECONDS = 2.0
"""How often changes that are not saved are kept for a session after a crash."""

STYLE = Style.from_dict({"ghost": "dim", "bar": "dim", "bar.urgent": "bold"})


class Editor:
    """A session on a terminal, from the first key to the last."""

    def __init__(
        self,
        document: Document,
        file: TextFile | None,
        *,
        given: Input | None = None,
        output: Output | None = None,
        other_model: str | None = None,
        silence: str = "",
        indents: bool = False,
    ) -> None:
        """`other_model` suggests where a server lacks the document's; `silence` says why nothing is to be suggested."""
        self.session = EditorSession(document, file, self._draw, other_model, silence)
        self.session.indents = indents
        self.kept: Path | None = None
        self.application = Application[str | None](
            layout(self.session),
            style=STYLE,
            key_bindings=bindings(self.session),
            full_screen=file is not None,
            erase_when_done=True,
            input=given,
            output=output,
        )
        self.application.ttimeoutlen, self.application.timeoutlen = ESCAPE_SECONDS, CHORD_SECONDS

    def run(self) -> str | None:
        """Run until the person leaves; returns the line, if one was entered. Raises KeyboardInterrupt or SystemExit.

        If something else ends it, `kept` says where changes that were not saved are.
        """
        self.session.ghost.start()
        is_wanted = False
        try:
            line = self.application.run(pre_run=self._begin)
            is_wanted = True
            return line
        except (EOFError, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.EIO:
                raise
            raise SystemExit(128 + signal.SIGHUP) from None  # the terminal is gone
        finally:
            self.kept = self.session.end(is_wanted)
            self.session.ghost.close()

    def _begin(self) -> None:
        if self.session.question:
            self._forget_typed_ahead()
        self._mind_signals()
        self.application.create_background_task(self._keep_changes())

    def _forget_typed_ahead(self) -> None:
        """What was typed before a question was seen does not answer it: the first letter of "dear" would discard text."""
        with suppress(NotImplementedError, termios.error):  # the input is not a terminal
            termios.tcflush(self.application.input.fileno(), termios.TCIFLUSH)

    async def _keep_changes(self) -> None:
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            await asyncio.to_thread(self.session.keep_changes)

    def _mind_signals(self) -> None:
        """Restore the terminal before SIGTERM or SIGHUP ends it; does nothing in a thread or a system without these signals."""
        with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self._end, number)

    def _end(self, number: int) -> None:
        self.session.keep_changes()  # before anything is drawn: the terminal may be gone
        if not self.application.is_done:
            self.application.exit(exception=SystemExit(128 + number))

    def _draw(self) -> None:
        """Draw anew, whatever thread asks: in the loop's, which alone knows whether anything is still drawn."""
        if loop := self.application.loop:
            with suppress(RuntimeError):  # it was closed meanwhile
                loop.call_soon_threadsafe(self.application.invalidate)


def standard_error() -> Output:
    """Where to draw: standard error, for standard output is for the text."""
    return create_output(stdout=sys.stderr)
