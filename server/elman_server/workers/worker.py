"""A worker's own process: a server like any other, at a port that it shares, whose parent it tells how it is doing."""

import asyncio
import ctypes
import json
import os
import signal
import sys
from base64 import b64decode, b64encode
from typing import Final, NoReturn

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import ArtifactError, Refused
from elman_server.config import ServerConfig
from elman_server.errors import RANDOM
from elman_server.rpc.call import IDENTIFIERS
from elman_server.server import LAST_LINES_SECONDS, Server, run_to_the_end, stay
from elman_server.telemetry.log import configure
from elman_server.telemetry.sums import families_of
from elman_server.telemetry.writer import Writer
from elman_server.workers.report import NotStarted, Report, encode

TELL_SECONDS: Final = 1.0
"""How often it tells how it is doing, which is at the same time how its parent knows that its loop turns."""
PR_SET_PDEATHSIG: Final = 1  # prctl(2)


class Dropped:
    """How many lines of the log nobody read, of a writer that a worker has and what it is forked from has not."""

    writer: Writer | None = None

    def lines(self) -> int:
        """So many."""
        return self.writer.dropped if self.writer else 0


def live(config: ServerConfig, number: int, dropped: Dropped, server: Server | None) -> NoReturn:
    """Serve until the parent asks to leave, or is gone, with the server that was made, or one of its own."""
    told = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing else may come between what is told
    RANDOM.seed()  # these two are the process's own
    IDENTIFIERS.begin()
    writer = dropped.writer = configure(config.log_level, worker=number)
    try:
        code = run_to_the_end(run(server or Server(config, dropped_lines=dropped.lines), config, told))
    except (Refused, ArtifactError, OSError) as error:
        code = 1
        os.write(told, encode(NotStarted.because(error)))
    finally:
        writer.close(LAST_LINES_SECONDS)
    os._exit(code)


def end_with_parent() -> None:
    """Have the kernel end this process as soon as its parent has ended, whatever this one is doing."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before
        os._exit(1)


async def run(server: Server, config: ServerConfig, told: int) -> int:
    """As `server.run`, but who leads is the parent: SIGTERM asks to leave in good order, SIGINT at once."""
    loop = asyncio.get_running_loop()
    leaving, hurrying = asyncio.Event(), asyncio.Event()

    def hurry() -> None:
        leaving.set()
        hurrying.set()

    loop.add_signal_handler(signal.SIGTERM, leaving.set)
    loop.add_signal_handler(signal.SIGINT, hurry)
    loop.add_signal_handler(signal.SIGHUP, server.reading.set)
    await server.start()
    beside = [asyncio.create_task(each) for each in (tell(server, told), hear_of_others(server))]
    try:
        return await stay(server, config, leaving, hurrying)
    finally:
        for task in beside:
            task.cancel()


async def tell(server: Server, descriptor: int) -> None:
    """Tell the parent how it is going, again and again, and nothing while it does not read."""
    loop = asyncio.get_running_loop()
    pipe, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(descriptor, "wb"))
    while True:
        if not pipe.get_write_buffer_size():
            status = b64encode(server.own_status().SerializeToString()).decode()
            pipe.write(encode(Report(server.is_alive, server.is_ready, server.facts(), status, families_of(server.registry))))
        await asyncio.sleep(TELL_SECONDS)


async def hear_of_others(server: Server) -> None:
    """Take how the other workers are doing from what the parent says, a line of JSON at a time."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        server.others = [pb.ServerStatus.FromString(b64decode(each)) for each in json.loads(line)]
