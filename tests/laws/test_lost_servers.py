"""Servers are killed and replaced while callers read and write: the text is the unbroken one, and no caller sees an error."""

import json
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Self

import pytest

from elman.channel import CHANNEL_OPTIONS, KEEPALIVE
from elman.protocol.retry import Retry
from elman.sync.client import Client
from elman.sync.hedge import Events
from elman.sync.stream import DocumentStream
from elman.sync.transport import GrpcTransport
from elman.v1 import completion_service_pb2 as pb

LENGTH = 10_000
PATIENT = Retry(attempts=12, first_seconds=0.02, largest_seconds=0.5)
PREFIX = "a bad "
GIVEN: dict[str, Any] = {"seed": 5, "temperature": 0.8, "stop": [], "min_confidence": 0}
KILLS, RESTARTS = 6, 20

pytestmark = pytest.mark.timeout(300)


class Process:
    """A serving process that can be killed at any moment and started again at its port."""

    def __init__(self) -> None:
        self._port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        flags = ("--port", str(self._port), "--metrics-port", "0", "--rows", "4", "--device", "cpu")
        quick = ("--drain-notice-seconds", "0.1", "--grace-seconds", "0.1")
        command = [sys.executable, "-m", "elman", "serve", *flags, *quick]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert self._process.stdout is not None
        self._port = json.loads(self._process.stdout.readline())["port"]
        self._reading = threading.Thread(target=self._process.stdout.read)
        self._reading.start()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        """Send a signal, and wait until the process is gone."""
        self.send(number)
        code = self._process.wait(20)
        self._reading.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def restart(self, number: signal.Signals) -> int:
        """Let another process take its place; returns the exit code."""
        code = self.end(number)
        self.start()
        return code


StartProcesses = Callable[[int], list[Process]]


@pytest.fixture
def start_processes() -> Iterator[StartProcesses]:
    """Starts a number of servers of the shipped model, each in a process of its own."""
    with ExitStack() as stack:

        def start(count: int) -> list[Process]:
            processes = [Process() for _ in range(count)]
            for process in processes:
                stack.callback(process.end, signal.SIGKILL)
            return processes

        yield start


class Counted(GrpcTransport):
    """A way to a server that counts the streams that began there."""

    streams = 0

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> Events[pb.CompleteResponse]:
        self.streams += 1
        return super().complete(request, seconds)

    def follow(self) -> DocumentStream:
        self.streams += 1
        return super().follow()


class Killer:
    """Kills whichever server writes, each time after some characters more, a random number."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._processes = processes
        self.ways = [Counted(process.address) for process in processes]
        self._moments = sorted(random.Random(7).sample(range(1, LENGTH * 9 // 10), KILLS))

    def client(self) -> Client:
        return Client.over(self.ways, retry=PATIENT)

    @property
    def streams(self) -> int:
        """How many streams began, at all servers."""
        return sum(way.streams for way in self.ways)

    def note(self, characters: int) -> None:
        """This many characters were read."""
        if self._moments and characters > self._moments[0]:
            del self._moments[0]
            self._processes[(KILLS - 1 - len(self._moments)) % len(self._processes)].restart(signal.SIGKILL)


@pytest.fixture(params=[2, 3])
def killer(request: pytest.FixtureRequest, start_processes: StartProcesses) -> Killer:
    """One of two servers, or of three."""
    return Killer(start_processes(request.param))


def unbroken(killer: Killer) -> str:
    """What is written where nothing happens."""
    with Client([way.address for way in killer.ways]) as client:
        return client.complete(PREFIX, seed=5, max_characters=LENGTH).read()


def test_a_completion_outlives_every_server_that_wrote_it(killer: Killer) -> None:
    with killer.client() as client:
        completion, position = client.complete(PREFIX, seed=5, max_characters=LENGTH), len(PREFIX)
        for piece in completion:
            assert piece.position == position
            position += len(piece.text)
            killer.note(position)
    assert completion.text == unbroken(killer)
    assert killer.streams == KILLS + 1


def test_a_suggestion_outlives_every_server_that_wrote_it(killer: Killer) -> None:
    text = ""
    with killer.client() as client, client.document(PREFIX, max_characters=LENGTH, **GIVEN) as document:
        for suggestion in document.suggestions():
            assert suggestion.text.startswith(text)
            text = suggestion.text
            killer.note(len(text))
    assert text == unbroken(killer)
    assert killer.streams == KILLS + 1


def test_a_document_of_10000_characters_is_written_while_its_servers_die(killer: Killer) -> None:
    with killer.client() as client, client.document(PREFIX, max_characters=25, **GIVEN) as document:
        while document.cursor < LENGTH:
            *_, last = document.suggestions()
            assert document.accept() == last.text
            killer.note(document.cursor)
    assert document.text == (PREFIX + unbroken(killer))[: document.cursor]
    assert killer.streams == KILLS + 1


@pytest.mark.timeout(50)  # gRPC leaves it by itself after 60 seconds
def test_a_server_that_falls_silent_is_left(start_processes: StartProcesses, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = tuple((name, 500) for name, _ in KEEPALIVE)
    monkeypatch.setattr("elman.channel.CHANNEL_OPTIONS", (*CHANNEL_OPTIONS, *quick))
    processes = start_processes(2)
    ways = [Counted(process.address) for process in processes]
    with Client.over(ways, retry=PATIENT) as client, client.document(PREFIX, max_characters=25, **GIVEN) as document:
        *_, last = document.suggestions()
        assert document.accept() == last.text
        silent = next(process for process, way in zip(processes, ways, strict=True) if way.streams)
        silent.send(signal.SIGSTOP)  # its machine still takes what is sent, and nothing ever comes back
        *_, last = document.suggestions()
        assert document.text + last.text == PREFIX + client.complete(PREFIX, seed=5, max_characters=50).read()
    assert [way.streams > 0 for way in ways] == [True, True]


class Load:
    """Threads that read and write until they are told to stop, and what went wrong."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=(work,)) for work in (self._complete, self._write)]
        self._unbroken = client.complete(PREFIX, seed=5, max_characters=200).read()
        self.errors: list[Exception] = []
        self.done = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._is_over.wait(0.01):
            try:
                work()
                self.done += 1
            except Exception as error:
                self.errors.append(error)

    def _complete(self) -> None:
        assert self._client.complete(PREFIX, seed=5, max_characters=200).read() == self._unbroken

    def _write(self) -> None:
        with self._client.document(PREFIX, max_characters=20, **GIVEN) as document:
            while document.cursor < 150:
                assert [*document.suggestions()]
                document.accept(0, 7)
                self._is_over.wait(0.01)
            assert (PREFIX + self._unbroken).startswith(document.text)


def test_twenty_rolling_restarts_are_not_noticed(start_processes: StartProcesses) -> None:
    processes = start_processes(2)
    with Client([process.address for process in processes], retry=PATIENT) as client, Load(client) as load:
        for restart in range(RESTARTS):
            assert processes[restart % 2].restart(signal.SIGTERM) == 0
    assert load.errors == []
    assert load.done > RESTARTS
