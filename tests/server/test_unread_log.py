"""A log that nobody reads delays nobody: calls are answered, and the server leaves when it is asked to."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import elman

if TYPE_CHECKING:
    import io
    from collections.abc import Generator
    from pathlib import Path

CALLS = 1500
"""Each is a line of some 200 bytes: several times what a pipe holds."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, GOAWAY = 4, 7
CALM_DOWN = (0).to_bytes(4, "big") + (11).to_bytes(4, "big")  # the last stream, and ENHANCE_YOUR_CALM


@contextmanager
def serving(model: Path) -> Generator[tuple[subprocess.Popen[bytes], int]]:
    """A server whose standard error is a pipe, of which the first line was read; and its port."""
    arguments = ["serve", "--model", f"one={model}", "--port", "0", "--metrics-port", "0", "--drain-notice-seconds", "0"]
    command = [sys.executable, "-m", "elman", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, bufsize=0) as process:
        try:
            assert process.stderr is not None
            yield process, json.loads(process.stderr.readline())["port"]
        finally:
            process.kill()


def test_a_server_whose_log_nobody_reads_answers_and_ends(artifacts: dict[str, Path]) -> None:
    with serving(artifacts["one"]) as (process, port), elman.Client(f"127.0.0.1:{port}") as client:
        for _ in range(CALLS):
            client.score("a")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_what_a_peer_says_when_it_leaves_is_no_line_of_the_log(artifacts: dict[str, Path]) -> None:
    with serving(artifacts["one"]) as (process, port):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
            peer.sendall(PREFACE + frame(SETTINGS, b"") + frame(GOAWAY, CALM_DOWN + b'\n{"event": "forged"}\n'))
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(1 << 16):  # until the server has heard it, and left
                pass
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        lines = cast("io.RawIOBase", process.stderr).readall() or b""
        assert [json.loads(line)["event"] for line in lines.splitlines()] == ["draining", "stopped"]


def frame(kind: int, payload: bytes) -> bytes:
    """A frame of HTTP/2, of no stream (RFC 9113, 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, 0, 0, 0, 0, 0]) + payload
