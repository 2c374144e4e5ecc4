"""Text in and out of the command line: what it notes, and that nothing that reaches a terminal commands it."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from elman import terminal
from elman.cli.main import main
from elman.errors import MendRequest
from elman.terminal import dim, read_text, shown, write_json, write_text

TITLE = "a\x1b]0;owned\x07b\x9b2Jc\x7fd\re\u202ef\tg\nh"
ESCAPED = "a\\x1b]0;owned\\x07b\\x9b2Jc\\x7fd\\re\\u202ef\tg\nh"


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)


@pytest.mark.usefixtures("on_a_terminal")
def test_on_a_terminal_what_commands_it_is_shown_as_escapes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert shown("é☂ 😀\n") == "é☂ 😀\n"
    assert dim(TITLE) == f"\x1b[2m{ESCAPED}\x1b[0m"
    write_text(TITLE)
    assert capsys.readouterr().out == ESCAPED
    write_json({"text": TITLE})
    line = capsys.readouterr().out
    assert json.loads(line) == {"text": TITLE}
    assert not any(character in line for character in "\x1b\x07\x9b\x7f\u202e")


def test_a_pipe_gets_every_character_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    write_text(TITLE)
    assert capsys.readouterr().out == TITLE
    assert dim(TITLE) == TITLE


def test_complete_escapes_on_a_real_terminal() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "elman", "complete", "--echo", "--max-characters", "1", "a\x1b]0;owned\x07b"]
    with os.fdopen(ours, "rb", buffering=0) as screen:
        done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, check=False)
        os.close(theirs)
        assert done.returncode == 0, done.stderr
        seen = screen.read(4096)
    assert b"a\\x1b]0;owned\\x07b" in seen
    assert b"\x1b]" not in seen


def test_the_name_of_a_file_is_text_and_a_note_says_how_to_read_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my notes.txt"
    file.write_text("a bad cab", encoding="utf-8")
    assert read_text(str(file)) == str(file)
    noted = f"elman: note: '{file}' is read as text, not as the file of that name; for the file: < '{file}'\n"
    assert capsys.readouterr() == ("", noted)


@pytest.mark.parametrize("text", ["a bad cab", ".", "a" * 5000, "", "a\0b"])
def test_other_text_is_not_noted(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_text(text) == text
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "most_bytes", "text"),
    [("abcdé", None, "abcdé"), ("abcdé", 6, "abcdé"), ("abcdé", 4, "cdé"), ("aéb", 2, "b"), ("😀é", 5, "é")],
)
def test_standard_input_that_is_too_long_is_its_end_which_is_noted(
    given: str, most_bytes: int | None, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
    assert read_text(None, most_bytes) == text
    size = len(given.encode())
    noted = f"elman: note: standard input holds {size} bytes; its last {most_bytes} are used\n"
    assert capsys.readouterr() == ("", noted if most_bytes and size > most_bytes else "")


def test_bytes_that_are_not_utf_8_are_refused_even_where_they_would_not_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\xffbcdefgh")))
    with pytest.raises(MendRequest, match="byte 0xff at offset 1 is not UTF-8"):
        read_text(None, 4)


def test_a_program_is_told_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\x7fELF\0\xff")))
    with pytest.raises(MendRequest, match=r"^standard input: binary, not text \(a NUL byte at 4\)$"):
        read_text(None)


def test_what_a_file_is_called_commands_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "no\x1b]0;x\x07.txt"
    assert main(["audit", "shakespeare", str(tmp_path / name)]) == 1
    (tmp_path / name).write_bytes(b"a\0")
    (tmp_path / "notes.txt").write_text("a bad cab")
    assert main(["audit", "shakespeare", str(tmp_path)]) == 0
    err = capsys.readouterr().err
    assert err.count("no\\x1b]0;x\\x07.txt") == 2
    assert "\x1b" not in err
