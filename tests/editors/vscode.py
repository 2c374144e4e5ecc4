"""VS Code as `code-server` serves it, driven in headless Chromium, with the extension of `editors/vscode` and nothing else.

A person's keys go to the page, and what is shown is read from its DOM: the text, too, and not from the file, for VS Code takes
what is undone while a save is on its way for what was saved, and never writes it.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from playwright.sync_api import Browser, Page, sync_playwright

ROOT: Final = Path(__file__).parents[2]
INSTALLED: Final = ROOT / "build" / "code-server" / "node_modules" / ".bin" / "code-server"
EXTENSION: Final = ROOT / "editors" / "vscode"
ELMAN: Final = (str(Path(sys.executable).parent / "elman"), "lsp")
WAIT_SECONDS: Final = 60.0
SOON_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.02
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
GHOST: Final = ".monaco-editor .ghost-text-decoration, .monaco-editor .ghost-text-decoration-preview"
LINES: Final = """
() => [...document.querySelectorAll(".editor-instance .view-line")]
  .sort((one, other) => one.offsetTop - other.offsetTop)
  .map((line) => [...line.querySelectorAll("span > span")]
    .filter((part) => !/ghost-text/.test(part.className))
    .map((part) => part.textContent)
    .join(""))
"""
"""The lines that are drawn, without what is suggested."""
SETTINGS: Final = {
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "files.autoSave": "off",
    "files.readonlyInclude": {"**/*.readonly.*": True},
    "editor.renderWhitespace": "none",
    "security.workspace.trust.enabled": False,
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
}


def code_server() -> str | None:
    """The program, if it is installed."""
    return shutil.which("code-server") or shutil.which(INSTALLED)


def chromium() -> str | None:
    """The browser, if it is installed."""
    return shutil.which("chromium")


def is_built() -> bool:
    """Whether what the extension needs of npm is there."""
    return (EXTENSION / "node_modules" / "vscode-languageclient").is_dir()


@contextmanager
def browsing() -> Generator[Browser]:
    """A browser until the block ends. There is one at a time in a process: it holds an event loop."""
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium(), args=FLAGS) as browser:
        yield browser


class Code:
    """VS Code in a folder until the block ends."""

    page: Page

    def __init__(
        self,
        browser: Browser,
        folder: Path,
        command: Sequence[str] = ELMAN,
        settings: Mapping[str, Any] | None = None,
        keys: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.folder = folder / "texts"
        self.folder.mkdir()
        self._home = folder / "home"
        self.name = ""
        self._set({"elman.command": command, **(settings or {})})
        (self._home / "User" / "keybindings.json").write_text(json.dumps(list(keys)))
        extensions = self._home / "extensions"
        extensions.mkdir()
        (extensions / "elman.elman-0.1.0").symlink_to(EXTENSION)
        self._browser, self._port = browser, free_port()
        self._log = (folder / "code-server.log").open("w")
        self.process = subprocess.Popen(
            [
                *(str(code_server()), "--auth", "none", "--bind-addr", f"127.0.0.1:{self._port}", "--disable-telemetry"),
                *("--disable-update-check", "--disable-getting-started-override", "--user-data-dir", str(self._home)),
                *("--extensions-dir", str(extensions), str(self.folder)),
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(self._home)},
        )

    def __enter__(self) -> Self:
        try:
            wait_until(lambda: is_open(self._port))
            self.page = self._browser.new_page(viewport={"width": 900, "height": 520})
            self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
            self.page.set_default_timeout(1000 * WAIT_SECONDS)
            self.page.goto(f"http://127.0.0.1:{self._port}/?folder={self.folder}")
            self.page.wait_for_selector(".monaco-workbench .statusbar")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.page.close()
        self._end()

    def _end(self) -> None:
        self.process.terminate()
        self.process.wait()
        self._log.close()

    def _set(self, settings: Mapping[str, Any]) -> None:
        for whose in "User", "Machine":  # what only the machine may say is read of the person's settings by chance
            place = self._home / whose / "settings.json"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps({**SETTINGS, **settings}))

    def open(self, name: str, before: str) -> None:
        """A file is made and opened, and its end is where the cursor is."""
        self.name = name
        (self.folder / name).write_text(before)
        self.press("Control+p")
        self.page.wait_for_selector(".quick-input-widget", state="visible")
        self.type(str(self.folder / name))
        self.page.wait_for_selector(f".quick-input-list .monaco-list-row.focused[aria-label*='{name}']")
        self.press("Enter")
        self.page.wait_for_selector(f".editor-instance .monaco-editor.focused[data-uri$='/{name}']")
        self._go("Control+Home", 1)  # the place that the status bar tells may be the editor's before
        self._go("Control+End", before.count("\n") + 1)
        self.wait_until(lambda: "starting" not in (self.status() or "starting"))

    def _go(self, key: str, line: int) -> None:
        self.wait_until(lambda: self.press(key) or self.bar("status.editor.selection") == f"Ln {line}, Col 1")

    def type(self, text: str) -> None:
        """Press the keys of a text."""
        self.page.keyboard.type(text)

    def press(self, *keys: str) -> None:
        """Press keys by the browser's names."""
        for key in keys:
            self.page.keyboard.press(key)

    def compose(self, *states: str) -> None:
        """What an input method shows while it composes, and in the end puts in."""
        browser: Any = self.page.context.new_cdp_session(self.page)
        for state in states:
            caret = len(state)
            browser.send("Input.imeSetComposition", {"text": state, "selectionStart": caret, "selectionEnd": caret})
        browser.send("Input.insertText", {"text": states[-1]})
        browser.detach()

    def command(self, name: str) -> None:
        """Run a command of the palette."""
        self.press("F1")
        self.page.wait_for_selector(".quick-input-widget", state="visible")
        self.type(name)
        self.page.wait_for_selector(f".quick-input-list .monaco-list-row.focused[aria-label*='{name}']")
        self.press("Enter")

    def ghost(self) -> str:
        """What is shown after the cursor and is not in the text."""
        parts = self.page.query_selector_all(GHOST)
        return plain("".join(part.text_content() or "" for part in parts))

    def lines(self) -> list[str]:
        """The text in the editor, as far as it is drawn."""
        return [plain(line) for line in self.page.evaluate(LINES)]

    def last_line(self) -> str:
        """The last line of the text in the editor; it must fit."""
        return (self.lines() or [""])[-1]

    def status(self) -> str:
        """What the extension's item of the status bar says."""
        return self.bar("elman.elman.elman.status")

    def bar(self, name: str) -> str:
        """What an item of the status bar says."""
        item = self.page.query_selector(f"[id='{name}']")
        return plain((item.text_content() or "") if item else "")

    def all_notes(self) -> list[str]:
        """What was said in notifications, those included that have gone by themselves."""
        self.command("Notifications: Show Notifications")
        self.page.wait_for_selector(".notifications-center.visible")
        notes = self.notes()
        self.command("Notifications: Hide Notifications")
        self.page.wait_for_selector(".notifications-center.visible", state="detached")
        self.press("Control+1")  # back to the editor
        return notes

    def notes(self) -> list[str]:
        """What is said in notifications that are to be seen."""
        return [plain(each.text_content() or "") for each in self.page.query_selector_all(".notification-list-item-message")]

    def servers(self) -> list[int]:
        """The language servers that are running."""
        return [process for process in descendants(self.process.pid) if b"lsp" in words_of(process)]

    def type_anew(self, text: str) -> None:
        """Type a text, and its last key again, so that what is suggested is asked for there: otherwise it may be the rest of
        what was suggested before, and how much that is depends on when it was asked for.
        """
        self.type(text)
        self.press("Backspace")
        self.type(text[-1])

    def type_until_ghost(self, text: str) -> str:
        """Type a text, and its last key again where nothing comes: VS Code asks once, and the server may not be there yet."""
        self.type(text)
        end = time.monotonic() + WAIT_SECONDS
        while not self._is_soon(self.ghost):
            assert time.monotonic() < end, f"no ghost; the last line is {self.last_line()!r}"
            self.press("Backspace")
            self.type(text[-1])
        return self.ghost()

    def _is_soon(self, holds: Callable[[], object]) -> bool:
        end = time.monotonic() + SOON_SECONDS
        while not holds() and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
        return bool(holds())

    def wait_for_ghost(self, expected: str | None = None) -> str:
        """Wait until something is shown, or just this."""
        self.wait_until(lambda: bool(self.ghost()) if expected is None else self.ghost() == expected)
        return self.ghost()

    def wait_until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds; what is shown is told where it never does."""
        wait_until(
            holds, lambda: f"line {self.last_line()!r}, ghost {self.ghost()!r}, status {self.status()!r}, notes {self.notes()}"
        )


def wait_until(holds: Callable[[], object], told: Callable[[], str] = str) -> None:
    """Wait until something holds."""
    end = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < end, told()
        time.sleep(LOOK_SECONDS)


def plain(text: str) -> str:
    """A text with the spaces that a person sees."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MIDDLE DOT}", " ")


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether somebody listens at a port."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def descendants(process: int) -> list[int]:
    """The processes that a process has begun, and those that these have."""
    found: list[int] = []
    for tasks in Path(f"/proc/{process}/task").glob("*/children"):
        for child in tasks.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def words_of(process: int) -> list[bytes]:
    """The words of a process's command; none once it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
