"""A worker as its parent sees it: a process that is told things, tells things, and writes a log, each a line at a time.

To standard input go its configuration, and then how the others are doing; from standard output comes how it is doing itself
(`report`), from standard error its log.
"""

import asyncio
import json
import logging
import signal
import sys
import time
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Final, cast

from elman_server.config import ServerConfig
from elman_server.telemetry.log import log as tell
from elman_server.telemetry.writer import Writer
from elman_server.workers.report import NotStarted, Report, decode

COMMAND: Final = (sys.executable, "-P", "-m", "elman_server.workers.worker")
LONGEST_REPORT: Final = 1 << 26
LONGEST_LINE: Final = 1 << 20
"""Of the log: what is longer is cut."""
CHUNK_BYTES: Final = 1 << 16
HURRY: Final = signal.SIGINT
"""To a worker: leave without waiting for anyone. SIGTERM, however often it comes, asks it to leave in good order."""


class Worker:
    """One process, from its start to its end."""

    def __init__(self, process: Process, number: int, heard: Callable[["Worker"], None]) -> None:
        self._process, self._heard = process, heard
        self._input = cast("StreamWriter", process.stdin)
        self._output, self._errors = cast("StreamReader", process.stdout), cast("StreamReader", process.stderr)
        self.number = number
        self.report: Report | None = None  # the newest
        self.refusal: NotStarted | None = None
        self.looks = 0  # since it was last heard of
        self._served_since: float | None = None

    @classmethod
    async def start(cls, number: int, config: ServerConfig, heard: Callable[["Worker"], None]) -> "Worker":
        """Start one in a group of its own, where no terminal's signals reach it; `heard` is called with each report."""
        process = await asyncio.create_subprocess_exec(
            *(*COMMAND, str(number)), stdin=PIPE, stdout=PIPE, stderr=PIPE, process_group=0, limit=LONGEST_REPORT
        )
        worker = cls(process, number, heard)
        worker._say(asdict(config))
        return worker

    def tell(self, others: Sequence["Worker"]) -> None:
        """Tell it how the others are doing, for whoever asks it how all are."""
        self._say([each.report.status for each in others if each.report])

    def _say(self, what: object) -> None:
        """A line of JSON, unless it has not read the one before."""
        if not self._input.transport.get_write_buffer_size():
            self._input.write(json.dumps(what).encode() + b"\n")

    async def until_ended(self, log: Writer) -> int:
        """Take what it tells, and pass on its lines of the log, until it has ended; returns its exit code."""
        await asyncio.gather(self._listen(), self._pass_on(log))
        return await self._process.wait()

    async def _listen(self) -> None:
        while line := await self._output.readline():
            self.looks = 0
            told = decode(line)
            if isinstance(told, NotStarted):
                self.refusal = told
                continue
            self.report = told
            self._served_since = self._served_since or time.monotonic()
            self._heard(self)

    async def _pass_on(self, log: Writer) -> None:
        rest = b""
        while chunk := await self._errors.read(CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            self._write(log, lines)
        self._write(log, [rest] if rest else [])

    def _write(self, log: Writer, lines: list[bytes]) -> None:
        """Lines of its log as they are; whatever else it says, as it ends or breaks, as such lines."""
        for line in lines:
            if line.startswith(b"{"):
                log.write(f"{line.decode('utf-8', 'replace')}\n")
            else:
                tell("a worker said", logging.WARNING, worker=self.number, said=line.decode("utf-8", "replace"))
        log.flush()

    @property
    def is_alive(self) -> bool:
        """Whether it has said so at last."""
        return self.report is not None and self.report.is_alive

    @property
    def is_ready(self) -> bool:
        """Whether it takes calls."""
        return self.report is not None and self.report.is_ready

    @property
    def served_seconds(self) -> float:
        """For how long it has served."""
        return 0.0 if self._served_since is None else time.monotonic() - self._served_since

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
