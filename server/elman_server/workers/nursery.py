"""The process that workers are forked from: it has made a server of the models, which they share, and starts none itself.

    python -m elman_server.workers.nursery        started by the parent, at a socket that is its standard input

It has one thread and leaves gRPC alone, which no fork would survive: what a server needs of these it makes when it starts. To
each message there is an answer, in JSON:

    the configuration                  nothing
    fork NUMBER, with three files      the process of the worker that has these as standard files, or why it could not start
    wait PROCESS                       the exit code of a worker that has ended
"""

import json
import logging
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final, NoReturn

import orjson

from elman_models.errors import ArtifactError, Refused
from elman_models.execution.choice import has_gpu
from elman_server import renewal
from elman_server.config import ServerConfig
from elman_server.requests.catalogue import Source, stamp
from elman_server.server import Server, give_memory_back
from elman_server.telemetry.log import LOGGER, JsonFormatter, log
from elman_server.workers.report import NotStarted, encode
from elman_server.workers.worker import Dropped, end_with_parent, live

LARGEST_MESSAGE: Final = 1 << 17
LEAVING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What a manager of services may send to all processes. Workers go by what the parent sends; the nursery stays to the end."""
LOOK_SECONDS = 5.0
"""How long looking at certificates and tokens may take,"""
MAKE_SECONDS = 60.0
"""and making a server anew, before the old one does: a file system that does not answer is to hold up no fork."""
STANDARD_FILES: Final = 3


def main() -> NoReturn:
    """Answer the parent until it is gone."""
    end_with_parent()
    for number in (*LEAVING, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    channel = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    fields = json.loads(channel.recv(LARGEST_MESSAGE))
    config = ServerConfig(**fields | {"models": tuple(fields["models"])})
    log_at_once(config.log_level)
    give_memory_back()
    template = Template(config)
    while True:
        while not select.select([channel], [], [], renewal.LOOK_SECONDS)[0]:
            template.look()
        message, files, _, _ = socket.recv_fds(channel, LARGEST_MESSAGE, STANDARD_FILES)
        if not message:
            os._exit(0)
        channel.send(answer(message.decode(), files, template, channel))


def log_at_once(level: str) -> None:
    """Log without a thread, which no fork would copy."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(level.upper())


def answer(message: str, files: Sequence[int], template: "Template", channel: socket.socket) -> bytes:
    """What is said to a message."""
    word, _, number = message.partition(" ")
    if word == "wait":
        return orjson.dumps(exit_code(int(number)))
    try:
        server = template.renewed()
        return orjson.dumps(fork(template, server, int(number), files, channel))
    except (Refused, ArtifactError, OSError) as error:
        return encode(NotStarted.because(error))
    finally:
        for each in files:
            os.close(each)


def exit_code(process: int) -> int:
    """Of a worker that has ended; one that ended with another nursery was killed."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    except ChildProcessError:
        return -signal.SIGKILL


def fork(template: "Template", server: Server | None, number: int, files: Sequence[int], channel: socket.socket) -> int:
    """Have a worker live in a process of its own; returns which."""
    signal.pthread_sigmask(signal.SIG_BLOCK, LEAVING)  # a worker is to miss none, and to be ended by none that is not its own
    process = os.fork()
    if process:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, LEAVING)
        return process
    try:
        for each in (*LEAVING, signal.SIGALRM):
            signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, LEAVING)
        end_with_parent()
        for standard, file in enumerate(files):
            os.dup2(file, standard)
            os.close(file)
        channel.close()
        live(template.config, number, template.dropped, server)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


@contextmanager
def time_limit(seconds: float) -> Generator[None]:
    """Raise TimeoutError in what takes longer, unless the kernel lets nothing interrupt it."""

    def end(*_: object) -> NoReturn:
        raise TimeoutError(f"no answer within {seconds:g} s")

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)  # again and again: who reads several files may take it for one's
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)  # first: it may come now
        signal.setitimer(signal.ITIMER_REAL, 0)


@dataclass
class Template:
    """A server that is made and not started: its certificates and tokens are those that a running one would go by."""

    config: ServerConfig

    def __post_init__(self) -> None:
        self.dropped = Dropped()
        self._server: Server | None = None
        self._stamps: Sequence[bytes] = ()

    def look(self) -> None:
        """Look at certificates and tokens as often as workers do, so that what those have taken is forgotten here, too.

        Workers say what they have taken; this would say it once more.
        """
        if self._server is None:
            return
        LOGGER.disabled = True
        try:
            with time_limit(LOOK_SECONDS):
                for each in self._server.renewals:
                    each.look()
        except TimeoutError:
            pass  # the old ones hold
        finally:
            LOGGER.disabled = False

    def renewed(self) -> Server | None:
        """The server; another one, if its models have changed and all is good. None: each worker is to make its own.

        Raises Refused, ArtifactError or OSError where there is none yet.
        """
        if self._has_threads:
            return None
        self.look()
        try:
            with time_limit(MAKE_SECONDS) if self._server else nullcontext():  # the first takes the time that it takes
                stamps = [stamp(Source.of(each).path) for each in self.config.models]
                if stamps != self._stamps or self._server is None:
                    self._server = Server(self.config, dropped_lines=self.dropped.lines)
                    self._stamps = stamps
        except (Refused, ArtifactError, OSError) as error:
            if self._server is None:
                raise
            log("the files of a worker are not good: the old ones hold", logging.WARNING, reason=str(error))
        return self._server

    @property
    def _has_threads(self) -> bool:
        """Whether what the server needs has threads from the start: torch, CUDA, OpenTelemetry."""
        is_gpu = self.config.device == "cuda" or (self.config.device == "auto" and has_gpu())
        return self.config.traces or self.config.instructions == "reference" or is_gpu


if __name__ == "__main__":
    main()
