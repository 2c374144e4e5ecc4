"""Servers as processes: started on a free port, waited for, measured, and ended whatever happens."""

import os
import socket
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

START_SECONDS, END_SECONDS = 60.0, 10.0
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """A running server."""

    identifier: int
    address: str

    def cpu_seconds(self) -> tuple[float, float]:
        """The processor time of the main thread (the event loop) and of all other threads (the engine, the transport)."""
        whole = cpu_seconds(Path(f"/proc/{self.identifier}/stat"))
        loop = cpu_seconds(Path(f"/proc/{self.identifier}/task/{self.identifier}/stat"))
        return loop, whole - loop


def cpu_seconds(path: Path) -> float:
    """User and system time, proc(5): fields 14 and 15; the name in field 2 may hold spaces but ends with the last bracket."""
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


@contextmanager
def running(arguments: Sequence[str], log: Path) -> Generator[Process]:
    """Python with the arguments, in which {port} stands for a free port; ended when the block is left."""
    port = str(free_port())
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, *(one.format(port=port) for one in arguments)], stdout=file, stderr=file)
    try:
        address = f"127.0.0.1:{port}"
        wait_until_ready(address)
        yield Process(process.pid, address)
    finally:
        end(process)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until_ready(address: str) -> None:
    """Return once the server answers. Raises grpc.FutureTimeoutError."""
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(timeout=START_SECONDS)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end; insist if it does not."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
