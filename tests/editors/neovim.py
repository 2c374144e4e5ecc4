"""A real Neovim and what stands on its screen, frame by frame, by the interface that its terminal program uses.

Each frame is what a person saw: the cells, their highlight groups and the cursor. Knows nothing of elman.
"""

import importlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

msgpack: Any = importlib.import_module("msgpack")  # comes without types

ROWS: Final = 12
COLUMNS: Final = 100
PATIENCE_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the screen: a character ("" for the right half of a wide one) and its highlight's number."""

    character: str
    highlight: int


@dataclass(frozen=True, slots=True)
class Frame:
    """What stood on the screen when it was last painted."""

    seconds: float
    rows: tuple[tuple[Cell, ...], ...]
    cursor: tuple[int, int]
    groups: Mapping[int, Sequence[str]]

    def line(self, row: int = 0) -> str:
        """The text of a row, as shown, without the space at its end."""
        return "".join(cell.character for cell in self.rows[row]).rstrip()

    def shown(self, group: str, row: int = 0) -> str:
        """What of a row is shown in a highlight group."""
        return "".join(cell.character for cell in filter(self.is_in(group), self.rows[row]))

    def is_in(self, group: str) -> Callable[[Cell], bool]:
        """What tells the cells of a highlight group."""
        return lambda cell: group in self.groups.get(cell.highlight, ())

    def text(self) -> str:
        """All rows."""
        return "\n".join(self.line(row) for row in range(len(self.rows)))


def ignore(*_: object) -> None:
    """Events that change no cell."""


@dataclass
class Screen:
    """The cells as redraw events tell them, and a frame for each time they were all told."""

    rows: list[tuple[Cell, ...]] = field(default_factory=lambda: [(Cell(" ", 0),) * COLUMNS] * ROWS)
    cursor: tuple[int, int] = (0, 0)
    groups: dict[int, Sequence[str]] = field(default_factory=dict[int, Sequence[str]])
    frames: list[Frame] = field(default_factory=list[Frame])

    def take(self, events: Sequence[Sequence[Any]], seconds: float) -> None:
        """Take one batch of redraw events."""
        for name, *calls in events:
            handle: Callable[..., None] = getattr(self, f"_{name}", ignore)
            for call in calls:
                handle(*call)
            if name == "flush":
                self.frames.append(Frame(seconds, tuple(self.rows), self.cursor, self.groups))

    def _grid_resize(self, _grid: int, width: int, height: int) -> None:
        self.rows = [(Cell(" ", 0),) * width] * height

    def _grid_clear(self, _grid: int) -> None:
        self.rows = [(Cell(" ", 0),) * len(self.rows[0])] * len(self.rows)

    def _grid_line(self, _grid: int, row: int, column: int, cells: Sequence[Sequence[Any]], _wrap: bool) -> None:
        new: list[Cell] = []
        highlight = 0
        for character, *more in cells:
            highlight = more[0] if more else highlight
            new += [Cell(character, highlight)] * (more[1] if len(more) > 1 else 1)
        old = self.rows[row]
        self.rows[row] = old[:column] + tuple(new) + old[column + len(new) :]

    def _grid_scroll(self, _grid: int, top: int, bottom: int, left: int, right: int, by: int, _columns: int) -> None:
        old = list(self.rows)
        for row in range(max(top, top - by), min(bottom, bottom - by)):
            self.rows[row] = old[row][:left] + old[row + by][left:right] + old[row][right:]

    def _grid_cursor_goto(self, _grid: int, row: int, column: int) -> None:
        self.cursor = row, column

    def _hl_attr_define(self, number: int, _rgb: object, _cterm: object, info: Sequence[Mapping[str, Any]]) -> None:
        self.groups[number] = [part["hi_name"] for part in info if "hi_name" in part]


class Neovim:
    """A process of Neovim with a screen of its own: press keys, call its API, and wait for what is seen."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], size: tuple[int, int] = (ROWS, COLUMNS)
    ) -> None:
        self.process = subprocess.Popen(
            [executable(), "--embed", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, **environment},
        )
        self.screen = Screen()
        self._numbers = count(1)
        self._answers: dict[int, tuple[object, Any]] = {}
        self._news = threading.Condition()
        self._is_open = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        rows, columns = size
        self.call("nvim_ui_attach", columns, rows, {"rgb": True, "ext_linegrid": True, "ext_hlstate": True})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Quit, or be ended."""
        with suppress(BrokenPipeError):  # it may have been killed a moment ago
            self._write([2, "nvim_command", ["qall!"]])
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(PATIENCE_SECONDS)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):  # what it has not read
                pipe.close()

    def call(self, method: str, *arguments: object) -> Any:
        """Call Neovim's API, and return what it answers."""
        number = next(self._numbers)
        self._write([0, number, method, list(arguments)])
        with self._news:
            self._wait(lambda: number in self._answers, method)
            error, result = self._answers.pop(number)
        if error is not None:
            raise NeovimError(str(error))
        return result

    def lua(self, code: str, *arguments: object) -> Any:
        """Run Lua in the editor, and return what it returns."""
        return self.call("nvim_exec_lua", code, list(arguments))

    def command(self, text: str) -> None:
        """Run an Ex command."""
        self.call("nvim_command", text)

    def press(self, keys: str) -> None:
        """Press keys, in Neovim's notation."""
        self.call("nvim_input", keys)

    def type(self, text: str) -> None:
        """Type a text as it is, one key at a time, each once the one before is taken and seen."""
        for character in text:
            before = len(self.screen.frames)
            self.press({"<": "<lt>", "\n": "<CR>"}.get(character, character))
            self.call("nvim_eval", "1")  # a frame may show what came of an earlier key
            self.wait(lambda _, before=before: len(self.screen.frames) > before, f"a frame after {character!r}")

    def wait(self, is_so: Callable[[Frame], bool], what: str, since: int | None = None) -> Frame:
        """Wait for a frame of which something is so: the latest, or any since a number of frames; return it."""
        with self._news:
            found: list[Frame] = []

            def look() -> bool:
                found[:] = [frame for frame in self._recent(since) if is_so(frame)]
                return bool(found)

            self._wait(look, what)
            return found[0]

    def glimpse(self, is_so: Callable[[Frame], bool], since: int, seconds: float) -> Frame | None:
        """The first frame since a number of frames of which something is so; None if there is none after these seconds."""
        with self._news:
            self._news.wait_for(lambda: any(map(is_so, self.screen.frames[since:])), seconds)
            return next(filter(is_so, self.screen.frames[since:]), None)

    def seen(self, since: int) -> Iterator[Frame]:
        """The frames since a number of frames."""
        with self._news:
            yield from self.screen.frames[since:]

    @property
    def frame(self) -> Frame:
        """The latest frame, once the editor has done what it was told so far."""
        self.call("nvim_command", "redraw")
        self.call("nvim_eval", "1")
        return self.screen.frames[-1]

    def _recent(self, since: int | None) -> Sequence[Frame]:
        return self.screen.frames[-1:] if since is None else self.screen.frames[since:]

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        if not self._news.wait_for(lambda: is_so() or not self._is_open, PATIENCE_SECONDS) or not is_so():
            text = self.screen.frames[-1].text() if self.screen.frames else ""
            raise TimeoutError(f"waited in vain for {what}; on the screen:\n{text}")

    def _write(self, message: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(msgpack.packb(message))
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout is not None
        unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, unicode_errors="surrogateescape")
        while data := os.read(self.process.stdout.fileno(), 1 << 16):
            seconds = time.perf_counter()
            unpacker.feed(data)
            with self._news:
                for message in unpacker:
                    self._take(message, seconds)
                self._news.notify_all()
        with self._news:
            self._is_open = False
            self._news.notify_all()

    def _take(self, message: Sequence[Any], seconds: float) -> None:
        if message[0] == 1:
            self._answers[message[1]] = message[2], message[3]
        elif message[1] == "redraw":
            self.screen.take(message[2], seconds)


class NeovimError(Exception):
    """Neovim refused a call."""


def executable() -> str:
    """Where Neovim is: beside this Python, or on the path; "" where it is not."""
    beside = Path(sys.executable).with_name("nvim")
    return str(beside) if beside.exists() else shutil.which("nvim") or ""
