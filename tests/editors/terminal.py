"""A program on a terminal of its own: what its cells show, keys for it, and which processes it began.

tmux is the terminal, since it knows every escape sequence that an editor sends, and tells what stands in each cell.
"""

import json
import os
import re
import select
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

GHOST_COLOUR = 201
"""Of the 256, the one that the tests' editors show ghost text in, and nothing else."""
WAIT_SECONDS = 30.0
FOX = "The quick brown fox ran."
BEGUN = "The quick br"
REST = FOX.removeprefix(BEGUN)
"""What is suggested after BEGUN in a text that says FOX again and again."""
_STYLED = re.compile(r"\x1b\[([\d;]*)m|(.)", re.DOTALL)


class Cell(NamedTuple):
    """A character on the screen, and its foreground colour as SGR says it: `38;5;201`, `95`, empty for the default."""

    character: str
    colour: str


class Terminal:
    """A program that runs in tmux until the block ends."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        columns: int = 80,
        lines: int = 16,
    ) -> None:
        self._sockets = tempfile.TemporaryDirectory(prefix="elman")  # a path that is short enough for a socket
        self._socket = Path(self._sockets.name) / "tmux"
        assignments = [f"{name}={value}" for name, value in (environment or {}).items()]
        program = f"exec {shlex.join(['env', *assignments, *command])}"
        self._tmux("-f", os.devnull, "new-session", "-d", "-x", str(columns), "-y", str(lines), "-c", str(folder), program)
        self._tmux("set-option", "-g", "escape-time", "0")
        self.process = int(self._tmux("display-message", "-p", "#{pane_pid}"))
        self._output = self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)
        os.close(self._output)
        self._sockets.cleanup()

    def type(self, text: str) -> None:
        """Press the keys of a text."""
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by the names that tmux has for them: `Tab`, `C-Right`, `Escape`."""
        self._tmux("send-keys", *keys)

    def paste(self, text: str) -> None:
        """Paste a text, in the brackets that a terminal puts around one where the program asked for them."""
        self._tmux("set-buffer", "--", text)
        self._tmux("paste-buffer", "-p")

    def rows(self) -> list[str]:
        """What the screen shows, without the space at the lines' ends."""
        return self._tmux("capture-pane", "-p").split("\n")

    def cells(self) -> Iterator[Cell]:
        """Every cell that shows something, row by row."""
        colour = ""
        for style, character in _STYLED.findall(self._tmux("capture-pane", "-p", "-e")):
            if character:
                yield Cell(character, colour)
            else:
                colour = colour_after(style, colour)

    def ghost(self) -> str:
        """What is shown in the colour of ghost text."""
        return "".join(cell.character for cell in self.cells() if cell.colour == f"38;5;{GHOST_COLOUR}").strip("\n")

    def cursor(self) -> tuple[int, int]:
        """The cursor's row and column, from 0."""
        row, column = self._tmux("display-message", "-p", "#{cursor_y} #{cursor_x}").split()
        return int(row), int(column)

    def wait_until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds, and look whenever the program has written. Fails where it never does."""
        end = time.monotonic() + WAIT_SECONDS
        while not holds():
            assert time.monotonic() < end, "\n".join(self.rows())
            if select.select([self._output], [], [], 0.1)[0]:
                os.read(self._output, 65536)

    def wait_for(self, text: str) -> None:
        """Wait until a text is on the screen."""
        self.wait_until(lambda: text in "\n".join(self.rows()))

    def wait_for_ghost(self, other_than: str = "") -> str:
        """Wait for ghost text, and return it."""
        self.wait_until(lambda: self.ghost() not in ("", other_than))
        return self.ghost()

    def server(self) -> int:
        """The language server's process, once it runs."""
        self.wait_until(lambda: servers(self.process))
        (process,) = servers(self.process)
        return process

    def _tmux(self, *arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-S", self._socket, *arguments], capture_output=True, check=True, text=True
        ).stdout.rstrip("\n")

    def _listen(self) -> int:
        """A pipe out of which comes whatever the program writes."""
        pipe = Path(self._sockets.name) / "output"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self._tmux("pipe-pane", "-O", f"exec cat > {shlex.quote(str(pipe))}")
        return reader


class Editor(Terminal):
    """An editor with files in a folder that, at F5, writes how things stand into a file `state`, renamed when it is whole."""

    def __init__(self, command: Sequence[str], folder: Path, columns: int = 80, lines: int = 16) -> None:
        self.folder = folder
        environment = {"HOME": str(folder), "LC_ALL": "C.UTF-8", "TERM": "tmux-256color"}
        super().__init__(command, folder, environment, columns, lines)

    def state(self) -> dict[str, Any]:
        """How things stand, once all keys so far have been taken."""
        told = self.folder / "state"
        told.unlink(missing_ok=True)
        self.press("F5")
        self.wait_until(told.exists)
        return json.loads(told.read_text())

    def lines(self) -> list[str]:
        """The buffer's lines."""
        return self.state()["lines"]

    def settled(self) -> str:
        """The ghost text once nothing more is awaited: empty where none comes."""
        self.wait_until(lambda: not self.state()["waiting"])
        return self.ghost()

    def begin(self, keys: str = "") -> None:
        """Press keys, begin the sentence, and wait until its rest is suggested."""
        self.type(f"{keys}{BEGUN}")
        self.wait_until(lambda: self.ghost() == REST)


def colour_after(style: str, colour: str) -> str:
    """The foreground colour after an SGR sequence."""
    for found in re.findall(r"38;5;\d+|38;2;\d+;\d+;\d+|48;5;\d+|48;2;\d+;\d+;\d+|\d+|^$", style):
        if found in ("", "0", "39"):
            colour = ""
        elif found.startswith("38;") or re.fullmatch(r"3[0-7]|9[0-7]", found):
            colour = found
    return colour


def servers(process: int) -> list[int]:
    """The language servers that a process began and that run."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [
        child for child in map(int, children) if is_running(child) and b"\0lsp\0" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def is_running(process: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
