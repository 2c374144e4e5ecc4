"""No text is lost: `elman type` on a terminal of its own, ended in every way that there is, and what the next session finds."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from elman.editor.recovery import Recovery
from elman.editor.text_file import TextFile
from elman.errors import MendRequest

SAVE, END_OF_FILE, INTERRUPT, HOME = b"\x13", b"\x04", b"\x03", b"\x1b[H"
WAIT_SECONDS = 40.0
REST_SECONDS = 0.3

CHILD = """
import os, sys
os.open(os.ttyname(0), os.O_RDWR)  # the first terminal that the leader of a session opens is its own
os.execv(sys.executable, [sys.executable, "-m", "elman", "type", *sys.argv[1:]])
"""


class Terminal:
    """A terminal with `elman type` on it: keys go in, and what was ever drawn is read."""

    def __init__(self, path: Path, artifact: Path) -> None:
        self.controller, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, "--model", str(artifact), str(path)],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        )
        os.close(terminal)
        self._rows = 24

    def until(self, words: str) -> None:
        """Wait until the screen shows something. At a new size all of it is drawn, not only what is new; spaces are skipped."""
        end = time.monotonic() + WAIT_SECONDS
        wanted, shown = without_spaces(words), ""
        while wanted not in shown:
            assert time.monotonic() < end, f"{words!r} not in {shown!r}"
            drawn = self._read()
            shown = shown + drawn if drawn else ""
            if not drawn:
                self._rows = 49 - self._rows
                termios.tcsetwinsize(self.controller, (self._rows, 100))

    def _read(self) -> str:
        """What is drawn until it rests."""
        drawn = b""
        while select.select([self.controller], [], [], REST_SECONDS)[0]:
            drawn += os.read(self.controller, 65536)
        return without_spaces(drawn.decode(errors="replace"))

    def press(self, keys: bytes) -> None:
        """Send keys."""
        os.write(self.controller, keys)

    def ends(self) -> int:
        """Wait for its end; returns the exit code, negative for a signal."""
        end = time.monotonic() + WAIT_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < end, "it goes on"
            if self.controller >= 0 and select.select([self.controller], [], [], 0.05)[0]:
                try:
                    os.read(self.controller, 65536)
                except OSError:  # nothing is at the other end any longer
                    self.process.wait(WAIT_SECONDS)
        return self.process.returncode

    def hang_up(self) -> None:
        """The terminal is gone."""
        if self.controller >= 0:
            os.close(self.controller)
            self.controller = -1

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.hang_up()


def without_spaces(drawn: str) -> str:
    """The characters alone."""
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]|\s", "", drawn)


Open = Callable[[Path], Terminal]


@pytest.fixture
def terminal(artifact: Path) -> Iterator[Open]:
    """Opens terminals."""
    opened: list[Terminal] = []

    def open_terminal(path: Path) -> Terminal:
        opened.append(Terminal(path, artifact))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


def recovery_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.recovery")


def wait_for(path: Path) -> None:
    """Wait until a file is there."""
    end = time.monotonic() + WAIT_SECONDS
    while not path.exists():
        assert time.monotonic() < end
        select.select([], [], [], 0.05)


def kill(one: Terminal) -> int:
    """It has no time to do anything."""
    one.process.kill()
    return one.ends()


def terminate(one: Terminal) -> int:
    one.process.terminate()
    return one.ends()


def interrupt(one: Terminal) -> int:
    one.process.send_signal(signal.SIGINT)
    return one.ends()


def hang_up(one: Terminal) -> int:
    one.hang_up()
    return one.ends()


@pytest.mark.parametrize(
    ("end", "code"),
    [(kill, -signal.SIGKILL), (terminate, 128 + signal.SIGTERM), (interrupt, 130), (hang_up, 128 + signal.SIGHUP)],
)
def test_however_a_session_ends_the_next_one_offers_its_changes(
    end: Callable[[Terminal], int], code: int, tmp_path: Path, terminal: Open
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes("\ufeffone\r\ntwo\r\n".encode())
    first = terminal(path)
    first.until("notes.txt")
    first.press(b"mine ")
    first.until("notes.txt*")
    if end is kill:
        wait_for(recovery_of(path))
    assert end(first) == code
    assert path.read_bytes() == "\ufeffone\r\ntwo\r\n".encode()
    assert recovery_of(path).read_bytes() == "\ufeffmine one\r\ntwo\r\n".encode()
    assert recovery_of(path).stat().st_mode & 0o777 == 0o600

    second = terminal(path)
    second.until("(r)ecover, (d)iscard, or (q)uit")
    second.press(b"zr")
    second.until("recovered, not saved yet")
    second.press(SAVE)
    second.until("saved")
    second.press(END_OF_FILE)
    assert second.ends() == 0
    assert path.read_bytes() == "\ufeffmine one\r\ntwo\r\n".encode()
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(("answer", "stays"), [(b"q", True), (b"d", False)])
def test_what_was_left_behind_is_discarded_only_if_the_person_says_so(
    answer: bytes, stays: bool, tmp_path: Path, terminal: Open
) -> None:
    path = tmp_path / "notes.txt"
    recovery_of(path).write_bytes(b"mine")
    one = terminal(path)
    one.until("(r)ecover, (d)iscard, or (q)uit")
    one.press(answer)
    if answer == b"d":
        one.until("notes.txt")
        one.press(END_OF_FILE)
    assert one.ends() == 0
    assert recovery_of(path).exists() == stays


def test_what_was_typed_before_the_question_was_seen_does_not_answer_it(tmp_path: Path, terminal: Open) -> None:
    path = tmp_path / "notes.txt"
    recovery_of(path).write_bytes(b"mine")
    one = terminal(path)
    one.press(b"dear diary")
    one.until("(r)ecover, (d)iscard, or (q)uit")
    assert recovery_of(path).read_bytes() == b"mine"
    one.press(b"r")
    one.until("recovered, not saved yet")


def test_what_another_program_has_written_is_not_overwritten_unasked(tmp_path: Path, terminal: Open) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"one")
    one = terminal(path)
    one.until("notes.txt")
    one.press(b"mine ")
    one.until("notes.txt*")
    path.write_bytes(b"theirs")
    one.press(SAVE)
    one.until("has been changed by another program. (o)verwrite that, or stay")
    one.press(b"x")  # stays
    one.until("notes.txt*")
    assert path.read_bytes() == b"theirs"
    one.press(SAVE)
    one.until("(o)verwrite")
    one.press(b"o")
    one.until("saved")
    assert path.read_bytes() == b"mine one"


def test_a_file_that_is_read_only_is_not_replaced_unasked(tmp_path: Path, terminal: Open) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"one")
    path.chmod(0o444)
    one = terminal(path)
    one.until("this file is read-only")
    one.press(b"mine ")
    one.until("notes.txt*")
    one.press(SAVE)
    one.until("notes.txt is read-only. (o)verwrite it all the same, or stay")
    one.press(b"x")  # stays
    one.until("notes.txt*")
    assert path.read_bytes() == b"one"
    one.press(SAVE)
    one.until("(o)verwrite it")
    one.press(b"o")
    one.until("saved")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"mine one", 0o444)


def test_a_second_session_says_that_a_first_has_changes_and_keeps_its_own_apart(tmp_path: Path) -> None:
    first, second = Recovery(tmp_path / "notes.txt"), Recovery(tmp_path / "notes.txt")
    first.keep(b"one")
    assert second.is_edited_elsewhere()
    assert not first.is_edited_elsewhere()
    assert second.left_behind() is None
    second.keep(b"two")
    assert (second.leave_behind(), first.path) == (tmp_path / ".notes.txt.recovery2", tmp_path / ".notes.txt.recovery")
    first.keep(b"three")
    first.drop()
    third = Recovery(tmp_path / "notes.txt")
    found = third.left_behind()
    assert found is not None
    assert found.data == b"two"
    third.adopt(found)
    third.drop()
    assert not [*tmp_path.iterdir()]


def test_what_can_not_be_kept_leaves_what_was_kept(tmp_path: Path) -> None:
    recovery = Recovery(tmp_path / "notes.txt")
    recovery.keep(b"one")
    tmp_path.joinpath(f".notes.txt.recovery.{os.getpid()}").mkdir()
    with pytest.raises(OSError, match="directory"):
        recovery.keep(b"two")
    assert recovery_of(tmp_path / "notes.txt").read_bytes() == b"one"
    recovery.drop()


def test_a_name_as_long_as_a_name_may_be_is_saved_and_kept(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    TextFile.read(path).save("a")
    Recovery(path).keep(b"b")
    assert path.read_bytes() == b"a"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing/notes.txt", "its folder does not exist; make it first with: mkdir -p .*missing"),
        ("folder", "is a folder, not a text file"),
    ],
)
def test_what_could_never_be_saved_is_said_at_the_start(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(MendRequest, match=words):
        TextFile.read(tmp_path / name)


def test_only_other_content_counts_as_a_change(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"a")
    file = TextFile.read(path)
    os.utime(path, (0, 0))
    assert not file.is_changed_on_disk
    path.write_bytes(b"b")
    assert file.is_changed_on_disk
    file.save("c")
    assert not file.is_changed_on_disk
    path.unlink()
    assert not file.is_changed_on_disk
    new = TextFile.read(tmp_path / "new.txt")
    (tmp_path / "new.txt").write_bytes(b"theirs")
    assert new.is_changed_on_disk


def test_a_key_at_the_end_of_a_line_of_three_megabytes_is_drawn(tmp_path: Path, terminal: Open) -> None:
    path = tmp_path / "long.txt"
    path.write_bytes(b"word " * 600_000)
    one = terminal(path)
    one.until("long.txt")
    for key in (b"Q", b"Z", b"\x1b[F", b"X"):
        one.press(key)
    one.until("X")
    one.press(SAVE)
    one.until("saved")
    assert path.read_bytes() == b"QZ" + b"word " * 600_000 + b"X"
