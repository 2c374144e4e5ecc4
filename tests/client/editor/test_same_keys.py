"""`elman type` on a terminal saves the keys that `elman eval` says: the same ghost text at each place of the same text."""

import json
import os
import pty
import termios
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from tests.client.sample import PYTHON

from elman.cli.main import main
from elman.editor import app
from elman.editor.view import visible
from elman.languages import PROSE
from elman.protocol.suggestions import Suggestion
from elman.words import first_word

TAB, CONTROL_RIGHT, ENTER, SAVE, END_OF_FILE, INTERRUPT = "\t", "\x1b[1;5C", "\r", "\x13", "\x04", "\x03"
WAIT_SECONDS = 20.0

TEXTS = {
    "python": PYTHON,
    PROSE: """The old man's house stood at the end of the street, and the old man's dog stood before it.

"I don't know," said the old man, "what is to become of the house ☃ or of the dog."

"They'll be sold, sir," said I; "the house, and the dog, and whatever else there may be in the house."
""",
}


class Terminal:
    """A terminal with `elman type` on it, run in this process: what is on the screen is read off its renderer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._controller, self._terminal = pty.openpty()
        termios.tcsetwinsize(self._terminal, (50, 200))
        self._patch = monkeypatch
        self._news = threading.Event()  # something was drawn, or nothing more is suggested
        self._draining = threading.Thread(target=self._drain)
        self.editor: Any = None

    def run(self, *arguments: str) -> int:
        """`elman` with its standard input and error on the terminal; returns the exit code."""
        self._draining.start()
        given, shown = os.fdopen(os.dup(self._terminal)), os.fdopen(self._terminal, "w")
        with given, shown, create_app_session(), self._patch.context() as patch:
            patch.setattr("sys.stdin", given)
            patch.setattr("sys.stderr", shown)
            patch.setattr(app, "Editor", self._watched)
            code = main(arguments)
        self._draining.join(WAIT_SECONDS)
        os.close(self._controller)
        return code

    def _watched(self, *arguments: Any, made: Any = app.Editor, **more: Any) -> Any:
        """The editor, which tells when it has drawn and when its document has nothing more to suggest."""
        self.editor = editor = made(*arguments, **more)
        suggestions = editor.session.document.suggestions

        def until_none_is_left() -> Generator[Suggestion]:
            yield from suggestions()
            self._news.set()

        editor.session.document.suggestions = until_none_is_left
        editor.application.after_render += lambda _: self._news.set()  # pyright: ignore[reportUnknownLambdaType]
        return editor

    def _drain(self) -> None:
        """Take what is drawn, so that drawing never waits."""
        try:
            while os.read(self._controller, 65536):
                pass
        except OSError:  # nothing is at the other end any longer
            return

    def press(self, pressed: str) -> None:
        """Send keys."""
        os.write(self._controller, pressed.encode())

    def ghost_after(self, text: str) -> str:
        """The ghost text on the screen when the text is this and nothing more is suggested for it."""
        while not self._is_settled(text):
            assert self._news.wait(WAIT_SECONDS), f"the screen stays as it is after {text!r}"
            self._news.clear()
        return self.editor.session.ghost_text

    def _is_settled(self, text: str) -> bool:
        if self.editor is None or (screen := self.editor.application.renderer.last_rendered_screen) is None:
            return False
        document = self.editor.session.document
        with document._lock:
            is_told = document.text == text and not document._draft.is_waiting
        return is_told and ghost_on(screen) == visible(self.editor.session.ghost_text.replace("\t", " "))


def ghost_on(screen: Any) -> str:
    """What of it is drawn as ghost text."""
    cells = [cell for _, row in sorted(screen.data_buffer.items()) for _, cell in sorted(row.items())]
    return "".join(cell.char for cell in cells if "class:ghost" in cell.style)


def enter(text: str, terminal: Terminal, counted: dict[str, int], failures: list[BaseException]) -> None:
    """A thread's work: enter the text with the fewest keys that the ghost text allows, save it and leave."""
    try:
        place = 0
        while place < len(text):
            key, characters, pressed = best_key(text[place:], terminal.ghost_after(text[:place]))
            counted[key] += 1
            place += characters
            terminal.press(pressed)
        terminal.ghost_after(text)
        terminal.press(SAVE + END_OF_FILE)
    except BaseException as error:
        failures.append(error)
        terminal.press(INTERRUPT + "n")


def best_key(left: str, ghost: str) -> tuple[str, int, str]:
    """The key for what is left to enter, how many characters it enters, and what it sends."""
    word = ghost[: first_word(ghost)]
    if ghost and left.startswith(ghost):
        return "tabs", len(ghost), TAB
    if word and left.startswith(word):
        return "words", len(word), CONTROL_RIGHT
    return "typed", 1, ENTER if left[0] == "\n" else left[0]


@pytest.mark.parametrize(
    ("model", "flags"), [("python", ()), (PROSE, ("--min-confidence", "0.01")), (PROSE, ("--whole-words",))]
)
def test_the_same_keys_are_saved_on_a_terminal_as_by_the_simulated_typist(
    model: str, flags: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    written, terminal = tmp_path / "written.txt", Terminal(monkeypatch)
    counted, failures = dict.fromkeys(("tabs", "words", "typed"), 0), list[BaseException]()
    typist = threading.Thread(target=enter, args=(TEXTS[model], terminal, counted, failures))
    typist.start()
    code = terminal.run("type", "--model", model, *flags, str(written))
    typist.join(WAIT_SECONDS)
    assert (failures, code) == ([], 0)
    assert written.read_text() == TEXTS[model]
    assert main(["eval", model, str(written), *flags, "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)["artifact"]
    assert counted == {key: evaluated[key] for key in counted}
