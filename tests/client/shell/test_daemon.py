"""The daemon at its socket: whose it is, what it answers, when it ends, and what it does with what it does not understand."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from person import LINE, MODEL, Person, after

from elman.cli.main import main
from elman.errors import MendRequest
from elman.shell.place import default_model, made_private, socket_folder, socket_name
from elman.sync.client import Client

WAIT_SECONDS = 30.0


@pytest.fixture(autouse=True)
def wanted(person: Person) -> None:
    """Everything here is about one person's folder."""


def connected(person: Person) -> socket.socket:
    """A connection as a shell makes it."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(WAIT_SECONDS)
    connection.connect(str(person.socket))
    return connection


def answer(connection: socket.socket, line: str, number: int = 1) -> str:
    """Ask, and hear."""
    connection.sendall(f"ask\t{number}\t{line}\0".encode())
    heard = b""
    while not heard.endswith(b"\0"):
        heard += connection.recv(4096)
    told, _, ghost = heard.decode().removesuffix("\0").partition("\t")
    assert told == str(number)
    return ghost


def test_it_answers_what_the_engine_says_after_what_was_run(person: Person, client: Client) -> None:
    person.daemon()
    with connected(person) as one, connected(person) as other:
        command = ": xylophone quartet zebra"
        one.sendall(f"ran\t{command}\0ran\t export TOKEN=abcdef1\0ran\tmysql -phunter2 shop\0".encode())
        assert answer(one, ": xylo") == after(client, ": xylo", command)
        assert answer(other, ": xylo") == after(client, ": xylo")  # of another session
        assert answer(one, LINE, 2) == after(client, LINE, command)
        assert answer(one, "mysql -phunter2 ", 3) == ""
        one.sendall(b"ran\tmysql -phunter2 shop\0ran\tls\0" * 3)
        assert "hunter2" not in answer(one, "mysql -", 4)


def test_a_command_of_several_lines_may_be_recalled_as_such(person: Person) -> None:
    person.daemon()
    with connected(person) as shell:
        for _ in range(3):
            shell.sendall(b"ran\tfor zebra in quartet\ndo echo xylophone $zebra\ndone\0ran\tls\0")
        assert "\n" not in answer(shell, "for zebra in qua")  # this model has learnt no line's end within a command


def test_its_socket_is_for_nobody_else(person: Person) -> None:
    person.daemon()
    assert person.socket.stat().st_mode & 0o777 == 0o600
    assert person.socket.parent.stat().st_mode & 0o777 == 0o700


def test_a_second_daemon_leaves_at_once_and_a_stale_socket_gives_way(person: Person, client: Client) -> None:
    first = person.daemon()
    command = [sys.executable, "-m", "elman", "shell", "serve", "--model", MODEL, "--socket", str(person.socket)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_SECONDS, check=True)
    assert (second.stdout, second.stderr) == ("", "")
    first.kill()
    first.wait()
    assert person.socket.exists()
    person.daemon()
    with connected(person) as shell:
        assert answer(shell, LINE) == after(client, LINE)


def test_it_ends_after_the_last_shell_and_takes_its_socket_with_it(person: Person) -> None:
    daemon = person.daemon()
    with connected(person):
        pass
    assert daemon.wait(WAIT_SECONDS) == 0
    assert not person.socket.exists()


def test_it_ends_when_it_is_told_to_and_says_nothing(person: Person) -> None:
    daemon = person.daemon()
    with connected(person) as shell:
        answer(shell, LINE)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(WAIT_SECONDS) == 0
    assert not person.socket.exists()


@pytest.mark.parametrize("message", [b"\0", b"sing\tx\0", b"ask\tx\ty\0", b"ask\t1\0", b"ran", b"x" * 200_000])
def test_who_is_no_shell_is_left_and_others_are_not(message: bytes, person: Person, client: Client) -> None:
    person.daemon()
    with connected(person) as shell, connected(person) as stranger:
        stranger.sendall(message)
        stranger.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):  # with more of it unread
            assert stranger.recv(1) == b""
        assert answer(shell, LINE) == after(client, LINE)


def test_what_is_no_utf8_is_answered(person: Person) -> None:
    person.daemon()
    with connected(person) as shell:
        shell.sendall(b"ran\tgr\xfc\xdfe\0ask\t1\techo \xff\0")
        assert shell.recv(4096).startswith(b"1\t")


@pytest.mark.parametrize("name", ["zsh", "bash", "fish"])
def test_a_shell_meets_the_daemon_before_its_first_key(name: str, person: Person) -> None:
    person.socket.parent.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(person.socket))
        listener.listen()
        listener.settimeout(WAIT_SECONDS)
        person.shell(name)
        listener.accept()[0].close()


def test_a_folder_that_others_may_look_into_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(0o755)
    with pytest.raises(MendRequest, match="mode 0700"):
        made_private(folder)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(MendRequest, match="not a folder of yours"):
        made_private(tmp_path / "link")


def test_a_folder_of_another_person_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_private(tmp_path / "mine")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(MendRequest, match="not a folder of yours"):
        made_private(tmp_path / "mine")


def test_places_follow_the_environment() -> None:
    assert socket_folder({"XDG_RUNTIME_DIR": "/run/user/7"}) == Path("/run/user/7/elman")
    assert socket_folder({}) == Path(f"/tmp/elman-{os.getuid()}")
    assert default_model({"XDG_DATA_HOME": "/data"}) == Path("/data/elman/shell.safetensors")
    assert socket_name("a") != socket_name("b")


def test_a_model_that_is_missing_is_named(person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        sys.executable,
        "-m",
        "elman",
        "shell",
        "serve",
        "--model",
        "missing.safetensors",
        "--socket",
        str(person.socket),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)
    assert done.returncode
    assert "missing.safetensors" in done.stderr
    assert main(["shell", "init"]) == MendRequest.exit_code
    assert "elman shell init zsh|bash|fish" in capsys.readouterr().err
