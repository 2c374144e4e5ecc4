"""Work that takes long says on a terminal how far it has come, and nothing of that is left at the end."""

import os
import pty
import re
import select
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elman import progress
from elman.cli.main import main
from elman.progress import Progress

TEXT = "a bad cab, a bed and a bad ace\n" * 12
WAIT_SECONDS = 20.0


def shown_by(work: Callable[[], object], monkeypatch: pytest.MonkeyPatch, term: str = "xterm") -> str:
    """What is on a terminal that is standard error while something is done."""
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as given, monkeypatch.context() as patch:
        patch.setattr("sys.stderr", given)
        patch.setenv("TERM", term)
        work()
        shown = b""
        while select.select([controller], [], [], 0)[0]:
            shown += os.read(controller, 65536)
    os.close(controller)
    return shown.decode()


def brief() -> None:
    line = Progress("measuring")
    line.tell(0.4, "7 lines")
    with line:
        pass


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """Everything is long: the line appears at once, and no work ends before it does. Holds the shares that are told."""
    kind: Any = Progress
    is_shown, told = threading.Event(), list[float | None]()
    show, end, tell = kind._show, kind.end, kind.tell

    def show_and_note(line: Any, words: str) -> None:
        show(line, words)
        is_shown.set()

    def end_once_shown(line: Any) -> None:
        assert is_shown.wait(WAIT_SECONDS)
        end(line)

    def tell_and_note(line: Any, share: float | None, *more: str) -> None:
        told.append(share)
        tell(line, share, *more)

    monkeypatch.setattr(progress, "FIRST_SECONDS", 0)
    for name, patched in {"_show": show_and_note, "end": end_once_shown, "tell": tell_and_note}.items():
        monkeypatch.setattr(Progress, name, patched)
    return told


def test_the_line_says_what_is_done_and_goes(shares: list[float | None], monkeypatch: pytest.MonkeyPatch) -> None:
    shown = shown_by(brief, monkeypatch)
    assert shown.startswith("\rmeasuring: 40%, 7 lines\x1b[K")
    assert shown.endswith("\r\x1b[K")
    assert shares == [0.4]


def test_short_work_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown_by(brief, monkeypatch) == ""


def test_only_a_terminal_whose_cursor_moves_gets_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0)

    def look_for_a_thread() -> None:
        with Progress("measuring"):
            assert "progress" not in [thread.name for thread in threading.enumerate()]

    assert shown_by(look_for_a_thread, monkeypatch, term="dumb") == ""
    look_for_a_thread()
    assert capsys.readouterr().err == ""


COMMANDS = {
    "score": ["score", "--model", "MODEL", TEXT],
    "complete": ["complete", "--model", "MODEL", "--max-characters", "20", TEXT],
    "complete as JSON": ["complete", "--model", "MODEL", "--json", TEXT],
    "inspect units": ["inspect", "units", "--model", "MODEL", TEXT],
    "inspect memory": ["inspect", "memory", "--model", "MODEL", TEXT],
    "eval": ["eval", "MODEL", "FILE", "--training", "FILE"],
    "audit": ["audit", "MODEL", "FILE"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_long_command_tells_how_far_it_has_come(
    name: str, shares: list[float | None], artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    places = {"MODEL": str(artifact), "FILE": str(tmp_path / "text.txt")}
    words = [places.get(word, word) for word in COMMANDS[name]]
    shown = shown_by(lambda: main(words), monkeypatch)
    assert re.search(r"\w\x1b\[K", shown)
    assert not re.search(r"\w\x1b\[K(?!\r)", shown)  # the line is erased before anything else is said
    known = [share for share in shares if share is not None]
    assert 0 <= min(known) < max(known) <= 1
