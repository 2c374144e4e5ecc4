"""Histories as the shells write them, the real shells where they are installed, and files that are none."""

import io
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from elman_models.selection.shell_history import LONGEST_LINE, MOST_LINES, Entry, entries, text_of

COMMANDS = [
    "git status",
    "for i in 1 2; do\necho $i\ndone",
    "echo 'ルール für Käse — ă'",
    "echo a\\\\b \\",
    "printf '\\n\\\\n'",
    "ls ~/x: 1:2;y",
]
"""Lines within, a backslash at the end and within, what zsh writes otherwise, what looks like a time."""
ZSH = 'HISTFILE=$1 HISTSIZE=99 SAVEHIST=99; setopt $2; shift 2; for c; do print -rs -- "$c"; done; fc -W'
BASH = 'HISTFILE=$1 HISTTIMEFORMAT=%s; shift 2; set -o history; for c; do history -s -- "$c"; done; history -w; unset HISTFILE'
WRITERS: Mapping[str, tuple[list[str], str]] = {
    "zsh": (["zsh", "-f", "-i", "-c", ZSH, ""], "extended_history"),
    "zsh without times": (["zsh", "-f", "-i", "-c", ZSH, ""], "no_extended_history"),
    "bash": (["bash", "--norc", "-c", BASH, ""], ""),
}


def texts(data: bytes) -> list[str | None]:
    """The commands of a file."""
    return [text_of(entry.command) for entry in entries(io.BytesIO(data))]


@pytest.mark.parametrize("writer", WRITERS)
def test_what_a_shell_writes_is_what_was_entered(writer: str, tmp_path: Path) -> None:
    command, option = WRITERS[writer]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    path = tmp_path / "history"
    subprocess.run(
        [*command, str(path), option, *COMMANDS], check=True, env={**os.environ, "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL
    )
    found = texts(path.read_bytes())
    assert [each for each in found if each in COMMANDS] == COMMANDS
    assert len(found) <= len(COMMANDS) + 1  # bash adds the command that adds them


def test_what_fish_writes_is_what_was_entered(tmp_path: Path) -> None:
    if not shutil.which("fish"):
        pytest.skip("fish is not installed")
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    file = tmp_path / "fish" / "fish_history"
    file.parent.mkdir()
    file.write_text("- cmd: true\n  when: 1\n")
    merged = "".join(f"- cmd: {as_fish(each)}\n  when: {1700000000 + place}\n" for place, each in enumerate(COMMANDS))
    file.write_text(merged)
    shown = subprocess.run(
        ["fish", "--no-config", "-c", "set -g fish_history fish; history search --null --reverse"],
        env=environment,
        check=True,
        capture_output=True,
    ).stdout
    assert shown.decode().split("\0")[:-1] == COMMANDS  # what fish itself reads in it
    assert texts(file.read_bytes()) == COMMANDS


def as_fish(command: str) -> str:
    """A command as fish writes it."""
    return command.replace("\\", "\\\\").replace("\n", "\\n")


def test_times_are_read() -> None:
    data = b": 1699999999:3;a\n#1700000000\nb\nc\n: 1700000001:0;d\ne\n"
    assert list(entries(io.BytesIO(data))) == [
        Entry(1, b"a", 1699999999),
        Entry(3, b"b\nc", 1700000000),
        Entry(5, b"d", 1700000001),
        Entry(6, b"e"),
    ]
    fish = b"- cmd: a\n  when: 5\n  paths:\n    - x\n- cmd: b\n"
    assert list(entries(io.BytesIO(fish))) == [Entry(1, b"a", 5), Entry(5, b"b")]


def test_lines_after_times_were_turned_off_are_commands_of_their_own() -> None:
    lines = [f"command {each}" for each in range(2 * MOST_LINES)]
    assert texts("\n".join(["#1700000000", *lines]).encode()) == lines


def test_a_comment_is_no_time() -> None:
    assert texts(b"#todo\n#12\nls\n") == ["#todo", "#12", "ls"]


def test_a_line_too_long_is_passed_over_and_memory_stays_bounded() -> None:
    data = b"a\n" + b"x" * (5 * LONGEST_LINE + 3) + b"\nb\n"
    assert texts(data) == ["a", "b"]
    assert texts(b"x" * LONGEST_LINE) == []


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"- cmd: ", b": 1:0;", b"#1700000000", b"\\", b": 1:0;a\\\n", b"\xff\xfe\x83", b"\x83"]
)
def test_no_bytes_are_refused_by_an_exception(data: bytes) -> None:
    assert isinstance(texts(data), list)


def test_what_is_no_utf8_is_no_text() -> None:
    assert texts("grüße\n".encode("latin-1")) == [None]
