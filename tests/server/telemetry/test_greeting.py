"""A person who starts a server on a terminal reads words; a program that reads its log gets JSON."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from elman_models.law.artifact import Model, save
from elman_server.telemetry.greeting import greeting


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1:7"),
        ("::1", "'[::1]:7'"),
        ("0.0.0.0", "127.0.0.1:7"),
        ("box", "box:7"),
        ("unix:/run/e", "unix:/run/e"),
    ],
)
def test_the_command_to_try_names_an_address_of_this_machine(host: str, address: str) -> None:
    words = greeting(host, 7, 8, ["one", "two"])
    assert f'elman complete --server {address} "' in words
    assert "serves one (the default), two at " in words
    assert ("every other address" in words) is (host == "0.0.0.0")


def test_what_a_caller_needs_is_in_the_command_to_try() -> None:
    words = greeting("localhost", 7, None, ["one"], ["--tls", "--token-file FILE"])
    assert 'elman complete --server localhost:7 --tls --token-file FILE "' in words
    assert "metrics" not in words


def test_a_server_greets_on_a_terminal_and_logs_json_into_a_pipe(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    save(model, path)
    command = [sys.executable, "-m", "elman", "serve", "--model", str(path), "--port", "0", "--metrics-port", "0"]
    command += ["--drain-notice-seconds", "0"]
    person, terminal = pty.openpty()
    with subprocess.Popen(command, stderr=terminal) as server:
        os.close(terminal)
        first = os.read(person, 4096).decode()
        server.send_signal(signal.SIGTERM)
    assert first.startswith("elman serves tiny (the default) at 127.0.0.1:")
    os.close(person)
    with subprocess.Popen(command, stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        assert json.loads(server.stderr.readline())["event"] == "serving"
        server.send_signal(signal.SIGTERM)
        server.stderr.read()
