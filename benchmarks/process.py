"""Servers as processes: started on a free port, waited for, measured, and ended whatever happens."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import grpc

START_SECONDS, LOOK_SECONDS, END_SECONDS = 60.0, 0.5, 10.0
LAST_WORDS = 4000
TICKS_A_SECOND, PAGE_BYTES = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
ENGINE = "engine"
"""The name of the thread in which long ticks run (models/native/rows.cpp)."""


class Cpu(NamedTuple):
    """Processor time, in seconds: of the main thread (event loop, short ticks), of the engine's (long ticks), of others."""

    loop: float
    engine: float
    transport: float  # gRPC's own threads

    def since(self, before: "Cpu") -> "Cpu":
        """What was spent between two measurements."""
        return Cpu(*(end - start for end, start in zip(self, before, strict=True)))


@dataclass(frozen=True, slots=True)
class Process:
    """A running server."""

    identifier: int
    address: str

    def cpu(self) -> Cpu:
        """The processor time so far; the engine's thread is known by its name."""
        folder = Path(f"/proc/{self.identifier}")
        whole, loop = stat(folder), stat(folder / "task" / str(self.identifier))
        engine = sum(one.seconds for one in map(stat, (folder / "task").iterdir()) if one.name == ENGINE)
        return Cpu(loop.seconds, engine, whole.seconds - loop.seconds - engine)

    def resident_bytes(self) -> int:
        """The memory that it holds, proc(5): field 2 of statm."""
        return int(Path(f"/proc/{self.identifier}/statm").read_text().split()[1]) * PAGE_BYTES


class Stat(NamedTuple):
    """A process or a thread."""

    name: str
    seconds: float  # of the processor


def stat(folder: Path) -> Stat:
    """Fields 2, 14 and 15 of proc(5); the name may hold spaces, but stands in brackets. Nothing of a thread that has ended."""
    try:
        head, _, tail = (folder / "stat").read_text().rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return Stat("", 0.0)
    fields = tail.split()
    return Stat(head.partition("(")[2], (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND)


@contextmanager
def running(
    arguments: Sequence[str],
    log: Path | None,
    python: str = sys.executable,
    trusted: grpc.ChannelCredentials | None = None,
    host: str = "127.0.0.1",
) -> Generator[Process]:
    """Python with the arguments, in which {port} stands for a free port; ended when the block is left.

    With `trusted`, it speaks TLS.

    What it says goes to the log; without one, into a pipe that nobody reads.
    """
    port = str(free_port())
    with log.open("w") if log else nullcontext(subprocess.PIPE) as said:
        process = subprocess.Popen([python, *(one.format(port=port) for one in arguments)], stdout=said, stderr=said)
    try:
        address = f"{host}:{port}"
        wait_until_ready(address, process, log, trusted)
        yield Process(process.pid, address)
    finally:
        end(process)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until_ready(
    address: str, process: subprocess.Popen[bytes], log: Path | None, trusted: grpc.ChannelCredentials | None = None
) -> None:
    """Return once the server answers. Raises RuntimeError with what it said if it does not."""
    with grpc.secure_channel(address, trusted) if trusted else grpc.insecure_channel(address) as channel:
        ready = grpc.channel_ready_future(channel)
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(grpc.FutureTimeoutError):
                ready.result(timeout=LOOK_SECONDS)
                return
    said = log.read_text()[-LAST_WORDS:] if log else ""
    raise RuntimeError(f"no server of {process.args!r} answers:\n{said}")


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end; insist if it does not."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
