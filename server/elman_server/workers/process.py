"""A worker, and what workers are forked from, as their parent sees them.

A worker is told on its standard input how the others are doing; on its standard output it tells how it is doing itself
(`report`), and on its standard error it writes its log, each a line at a time.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import time
from asyncio import StreamReader
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from elman_server.config import ServerConfig
from elman_server.telemetry.log import log
from elman_server.telemetry.writer import Writer
from elman_server.workers.report import NotStarted, Report, decode

COMMAND: Final = (sys.executable, "-P", "-m", "elman_server.workers.nursery")
ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""A worker has one core; and a process is forked that has one thread."""
LARGEST_ANSWER: Final = 1 << 17
LARGEST_REPORT: Final = 1 << 26
LONGEST_LINE: Final = 1 << 20
"""Of a log: what is longer is cut."""
CHUNK_BYTES: Final = 1 << 16
ANSWER_SECONDS = 120.0
HURRY: Final = signal.SIGINT
"""To a worker: leave without waiting for anyone. SIGTERM, however often it comes, asks it to leave in good order."""


class Nursery:
    """The process that workers are forked from, and end with."""

    def __init__(self, config: ServerConfig, writer: Writer) -> None:
        self._config, self._writer = config, writer
        self._process: Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def _start(self) -> None:
        """Start it in a group of its own, where no terminal's signals reach it and those that are forked of it."""
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        environment = ENVIRONMENT | os.environ
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND, stdin=theirs.fileno(), stderr=PIPE, process_group=0, env=environment
            )
        self._channel.send(json.dumps(asdict(self._config)).encode())
        if self._process.stderr:
            self._passing = asyncio.create_task(pass_on(self._process.stderr, self._writer, {}))

    async def fork(self, number: int, files: Sequence[int]) -> int:
        """The process of a new worker with these standard files. Raises NotStarted."""
        answer = await self._ask(f"fork {number}", files)
        if answer is None:
            raise NotStarted("what workers are forked from has ended", None)
        if isinstance(answer, int):
            return answer
        raise NotStarted(answer["failed"], answer["status"])

    async def wait(self, process: int) -> int:
        """The exit code of a worker that has ended."""
        code = await self._ask(f"wait {process}")
        return -signal.SIGKILL if code is None else code

    async def _ask(self, message: str, files: Sequence[int] = ()) -> Any:
        """What is answered; None where it ends instead, or has ended: it is started again for the next one."""
        async with self._one_at_a_time:
            if files and (self._process is None or self._process.returncode is not None):
                await self._start()
            try:
                socket.send_fds(self._channel, [message.encode()], files)
                async with asyncio.timeout(ANSWER_SECONDS):
                    answer = await asyncio.get_running_loop().sock_recv(self._channel, LARGEST_ANSWER)
            except (OSError, TimeoutError):
                answer = b""
            if not answer:
                await self._end()
                return None
            return json.loads(answer)

    def kill(self) -> None:
        """Have it end at once, and with it its workers."""
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)  # asyncio would look first, and take the exit code from itself

    async def _end(self) -> None:
        self.kill()
        if self._process:
            await self._process.wait()
        self._channel.close()

    async def close(self) -> None:
        """End it, and with it the workers that are left."""
        if self._process:
            await self._end()
            await self._passing


class StandardFiles(NamedTuple):
    """The parent's ends of a worker's."""

    input: asyncio.WriteTransport
    output: StreamReader
    errors: StreamReader


class Worker:
    """One worker, from its start to its end."""

    def __init__(self, number: int, process: int, files: StandardFiles, heard: Callable[["Worker"], None]) -> None:
        self.number, self.process, self._files, self._heard = number, process, files, heard
        self._pidfd = os.pidfd_open(process)  # it is there, if only its exit code: nobody else waits for it
        self.report: Report | None = None  # the newest
        self.refusal: NotStarted | None = None
        self.looks = 0  # since it was last heard of
        self.is_gone = False
        self._served_since: float | None = None

    @classmethod
    async def start(cls, number: int, nursery: Nursery, heard: Callable[["Worker"], None]) -> "Worker":
        """Fork one; `heard` is called with each report. Raises NotStarted."""
        with ExitStack() as theirs, ExitStack() as unless_started:
            try:
                their_input, ours = pipe(theirs, unless_started)
                output, their_output = pipe(unless_started, theirs)
                errors, their_errors = pipe(unless_started, theirs)
                process = await nursery.fork(number, (their_input, their_output, their_errors))
            except OSError as error:  # as where no more files may be open
                raise NotStarted.because(error) from None
            unless_started.pop_all()
        written, _ = await asyncio.get_running_loop().connect_write_pipe(asyncio.Protocol, os.fdopen(ours, "wb", 0))
        return cls(number, process, StandardFiles(written, await read_from(output), await read_from(errors)), heard)

    def tell(self, others: Sequence["Worker"]) -> None:
        """Tell it how the others are doing, unless it has not read the line before."""
        if not self._files.input.get_write_buffer_size():
            self._files.input.write(json.dumps([each.report.status for each in others if each.report]).encode() + b"\n")

    async def until_ended(self, writer: Writer, nursery: Nursery) -> int:
        """Take what it tells, and pass on its lines of the log, until it has ended; returns its exit code."""
        await asyncio.gather(self._listen(), pass_on(self._files.errors, writer, {"worker": self.number}), self._until_gone())
        self._files.input.close()
        return await nursery.wait(self.process)

    async def _listen(self) -> None:
        while (line := await self._files.output.readline()).endswith(b"\n"):  # otherwise it ended while it told this
            self.looks = 0
            told = decode(line)
            if isinstance(told, NotStarted):
                self.refusal = told
                continue
            self.report = told
            self._served_since = self._served_since or time.monotonic()
            self._heard(self)

    async def _until_gone(self) -> None:
        loop, is_gone = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._pidfd, is_gone.set)
        try:
            await is_gone.wait()
            self.is_gone = True
        finally:
            loop.remove_reader(self._pidfd)

    @property
    def is_alive(self) -> bool:
        """Whether it has said so at last."""
        return self.report is not None and self.report.is_alive

    @property
    def is_ready(self) -> bool:
        """Whether it takes calls."""
        return self.report is not None and self.report.is_ready and not self.is_gone

    @property
    def served_seconds(self) -> float:
        """For how long it has served."""
        return 0.0 if self._served_since is None else time.monotonic() - self._served_since

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def close(self) -> None:
        """It has ended."""
        os.close(self._pidfd)


def pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    """The ends of a pipe, each of which is closed where its stack is left. Raises OSError."""
    reading, writing = os.pipe()
    reader.callback(os.close, reading)
    writer.callback(os.close, writing)
    return reading, writing


async def read_from(descriptor: int) -> StreamReader:
    """What comes out of a pipe."""
    reader = StreamReader(LARGEST_REPORT)
    pipe = os.fdopen(descriptor, "rb", 0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


async def pass_on(errors: StreamReader, writer: Writer, fields: dict[str, Any]) -> None:
    """Pass on lines of a log as they are; whatever else is said, as something ends or breaks, as such lines."""
    async for line in lines_of(errors):
        if line.startswith(b"{"):
            writer.write(f"{line.decode('utf-8', 'replace')}\n")
            writer.flush()
        else:
            log("a worker said", logging.WARNING, said=line.decode("utf-8", "replace"), **fields)


async def lines_of(reader: StreamReader) -> AsyncIterator[bytes]:
    """Each line, also a last one that does not end."""
    rest = b""
    while chunk := await reader.read(CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            yield line
    if rest:
        yield rest
