"""The process that talks to the daemon for bash and fish, as these do: by its pipes under /proc."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from person import LINE, WORDS, Person, after

from elman.shell.bridge import ASKED, SAID
from elman.sync.client import Client


@pytest.fixture
def bridge(person: Person) -> Iterator[Path]:
    """The pipes of a bridge whose shell this process is."""
    person.daemon()
    command = [sys.executable, "-m", "elman.shell.bridge", str(os.getpid()), str(person.socket), "false"]
    with subprocess.Popen(command) as process:
        pipes = Path(f"/proc/{process.pid}/fd")
        while not (pipes / str(SAID)).is_fifo():
            assert process.poll() is None
        yield pipes
        process.kill()


def say(bridge: Path, message: str) -> None:
    """Say something to it."""
    with (bridge / str(ASKED)).open("ab") as pipe:
        pipe.write(f"{message}\0".encode())


def heard(bridge: Path) -> str:
    """Read an answer."""
    with (bridge / str(SAID)).open("rb", buffering=0) as pipe:
        answer = b""
        while not answer.endswith(b"\0"):
            answer += pipe.read(1) or b""
    return answer.decode().removesuffix("\0")


def test_answers_have_the_numbers_of_their_questions(bridge: Path, client: Client) -> None:
    say(bridge, f"want\t7\t{LINE}")
    say(bridge, f"want\t8\t{WORDS}")
    assert [heard(bridge), heard(bridge)] == [f"7\t{after(client, LINE)}", f"8\t{after(client, WORDS)}"]


def test_a_line_of_bashs_history_is_told_once_and_without_its_number(bridge: Path, client: Client) -> None:
    command = ": xylophone quartet zebra"
    for line in (f"   12  {command}\n", f"   12  {command}\n", "   13   private\n", "", "nothing\n"):
        say(bridge, f"did\t{line}")
    say(bridge, "want\t1\t: xylo")
    assert heard(bridge) == f"1\t{after(client, ': xylo', command)}"
