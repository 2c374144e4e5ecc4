"""A server's life: load, listen, serve, drain, stop. Signals and ports are known here and nowhere else."""

import asyncio
import ctypes
import gc
import logging
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from typing import Any, NoReturn, TypeAlias

from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Execution
from elman_models.law.artifact import Model
from elman_server.config import ServerConfig, path_of_socket
from elman_server.engine.budget import Budget, default_bytes
from elman_server.engine.engine import Engine, Statistics
from elman_server.engine.ticker import Ticker
from elman_server.errors import Defect, Unavailable
from elman_server.renewal import Renewal, watch
from elman_server.requests.catalogue import Catalogue, files_of
from elman_server.requests.status import joined, status_of
from elman_server.rollout import Rollout, Rows
from elman_server.rpc.call import SERVICE, Calls
from elman_server.rpc.health import Health
from elman_server.rpc.service import CompletionService
from elman_server.rpc.taking import TakesNoCalls, Taking, is_possible, is_taking, open_server
from elman_server.rpc.transport import most_connections, options
from elman_server.rpc.wire import add_methods
from elman_server.security.guard import Guard
from elman_server.security.listening import address_of, private_socket
from elman_server.security.tls import Certificates
from elman_server.security.tokens import Tokens
from elman_server.telemetry.greeting import tell_serving
from elman_server.telemetry.lag import LagWatch
from elman_server.telemetry.log import configure, log
from elman_server.telemetry.metrics import Metrics, ServedModel, Sources
from elman_server.telemetry.scraping import Scraping
from elman_server.telemetry.tracing import open_tracing
from elman_server.telemetry.writer import Writer

LEAVING = (signal.SIGTERM, signal.SIGINT)
M_MMAP_THRESHOLD = -3  # mallopt(3)
LARGE_BYTES = 1 << 20
ALLOCATOR = ctypes.CDLL(None)

LOOK_SECONDS = 5.0
"""How often is looked after callers who neither send nor read, and after the engine."""

TYPING_SHARE = 8
"""One row in so many is for what somebody types, and on the processor: it waits neither for the others' tick nor for a GPU."""

LAST_LINES_SECONDS = 0.5
"""How long the end waits for who reads the log."""

FAREWELL_SECONDS = 0.5
"""How long the last words of ended calls may take to leave."""

STALLED_SECONDS = 5.0
"""How long beyond the notice, the grace and the farewell a server may take to end, before it is ended."""

MakeExecution: TypeAlias = Callable[[Model, int, str, str, int], Execution]


def serve(config: ServerConfig) -> NoReturn:
    """Serve until SIGTERM or SIGINT, and end the process. Raises Refused, ArtifactError or OSError if it cannot start."""
    give_memory_back()
    writer = configure(config.log_level)
    try:
        code = run_to_the_end(run(config, writer))
    finally:
        writer.close(LAST_LINES_SECONDS)
    os._exit(code)  # nothing is left to do, and threads of gRPC's core may still run


def run_to_the_end(running: Coroutine[Any, Any, int]) -> int:
    """As `asyncio.run`, but for a process that ends then: it waits for no thread that waits for a file system."""
    runner = asyncio.Runner()
    try:
        return runner.run(running)
    except BaseException:
        runner.close()
        raise


async def run(config: ServerConfig, writer: Writer) -> int:
    """Start, wait for a signal or a failure, drain, stop."""
    leaving, hurrying = asyncio.Event(), asyncio.Event()

    def leave() -> None:
        """The first signal asks to leave in good order, a second one at once."""
        (hurrying if leaving.is_set() else leaving).set()

    loop, reading = asyncio.get_running_loop(), asyncio.Event()
    for number in LEAVING:  # before anything is loaded: otherwise process 1 of a container ignores them
        loop.add_signal_handler(number, leave)
    loop.add_signal_handler(signal.SIGHUP, reading.set)
    server = Server(config, dropped_lines=lambda: writer.dropped, reading=reading)
    await server.start()
    return await stay(server, config, leaving, hurrying)


async def stay(server: "Server", config: ServerConfig, leaving: asyncio.Event, hurrying: asyncio.Event) -> int:
    """Serve until asked to leave or to hurry, or a failure; returns the exit code."""
    spare_collector()
    forward = [asyncio.create_task(leaving.wait()), asyncio.create_task(hurrying.wait())]
    forward[0].add_done_callback(lambda _: end_after(config.drain_notice_seconds + config.grace_seconds + FAREWELL_SECONDS))
    forward[0].add_done_callback(lambda _: server.leave())
    forward[1].add_done_callback(lambda _: server.hurry())
    try:
        return await server.until_stopped()
    finally:
        forward[1].cancel()
        gc.unfreeze()


def give_memory_back() -> None:
    """Have glibc, where that is what allocates, return large blocks at once: it would learn to keep what a burst needed."""
    with suppress(AttributeError):
        ALLOCATOR.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def spare_collector() -> None:
    """Have the collector of cycles look at what stays no more: a whole round of that would stop the loop for 10 ms."""
    gc.collect()
    gc.freeze()


def trim() -> None:
    """Have glibc return what is free of the small blocks, too."""
    with suppress(AttributeError):
        ALLOCATOR.malloc_trim(0)


def end_after(seconds: float) -> None:
    """End the process if it has not ended by itself that long, and a little longer, from now: whatever is stuck."""
    timer = threading.Timer(seconds + STALLED_SECONDS, os._exit, (1,))
    timer.daemon = True
    timer.start()


def rows_of(model: Model, device: str, config: ServerConfig, make_execution: MakeExecution) -> Rows:
    """What runs a model: on a device for all, and on the processor for what somebody types."""
    chosen = (config.instructions, config.threads)
    typing = config.rows // TYPING_SHARE
    execution = make_execution(model, config.rows - typing, device, *chosen)
    return Rows(execution, make_execution(model, typing, "cpu", *chosen) if typing else None)


def engine_of(catalogue: Catalogue, config: ServerConfig, make_execution: MakeExecution) -> Engine:
    """An engine that has all models."""
    typing_rows = config.rows // TYPING_SHARE
    engine = Engine({}, config.rows - typing_rows, config.waiting, typing_rows=typing_rows)
    for one in catalogue:
        engine.add(one.model.digest, *rows_of(one.model, config.device, config, make_execution))
    return engine


class Server:
    """A running server. `start`, then `until_stopped`, which `leave` ends in good order."""

    def __init__(
        self,
        config: ServerConfig,
        make_execution: MakeExecution = open_execution,
        dropped_lines: Callable[[], int] = lambda: 0,
        reading: asyncio.Event | None = None,
    ) -> None:
        """Whoever sets `reading` asks for the model files to be looked at now."""
        self._config, self._make_execution = config, make_execution
        self.reading = reading or asyncio.Event()
        self._certificates = Certificates.of(config)
        self._tokens = Tokens.of(config)
        files = files_of(config.models)
        catalogue = Catalogue.load(files)
        self._engine = engine_of(catalogue, config, make_execution)
        self._ticker = Ticker(self._engine, self._fail)
        self._budget = Budget(default_bytes() if config.memory_bytes is None else config.memory_bytes)
        self._connections = most_connections(config.connections, self._budget.most)
        self._metrics = Metrics([one.name for one in catalogue])
        self._engine.on_tick, self._engine.on_abandoned = self._metrics.tick_seconds.observe, self._metrics.note_abandoned
        self._lag = LagWatch(self._metrics.loop_lag.observe)
        self._tracing = open_tracing(SERVICE.full_name, version("elman")) if config.traces else None
        self._calls = Calls(self._metrics, self._budget, self._tracing)
        self._health = Health(SERVICE.full_name, self._budget, self._connections)
        self.registry = self._metrics.registry
        self._scraping = Scraping(self.registry, is_alive=lambda: self.is_alive, is_ready=lambda: self.is_ready)
        self._leaving, self._hurrying = asyncio.Event(), asyncio.Event()
        self._failed = False
        began = time.monotonic()
        sources = Sources(
            version("elman"),
            lambda: time.monotonic() - began,
            lambda: self.models,
            self._engine.statistics,
            self._calls.now,
            self._budget,
            self._leaving.is_set,
            dropped_lines,
        )
        self._metrics.show(sources)
        self.own_status = partial(status_of, sources)
        self.others: Sequence[pb.ServerStatus] = ()  # of the other processes at this port, as they told last
        self._service = CompletionService(catalogue, self._engine, config.session_bytes, self.status)
        self._rollout = Rollout(files, catalogue, self._engine, self._service, self._rows_anew, config.grace_seconds)

    async def start(self) -> None:
        """Listen and serve. Raises InvalidField for a port in use."""
        guards = [Guard(self._tokens, self._calls.note_refused)] if self._tokens else []
        given = options(self._connections, shares_port=self._config.workers > 1)
        self._grpc = open_server(guards, given)
        methods = self._add_services()
        self.port = self._listen()
        await self._start_metrics()
        self._ticker.start(asyncio.get_running_loop())
        self._lag.start(asyncio.get_running_loop())
        models = watch(self._rollout.renewals, self.reading)
        watching = (self._watch_callers(), watch(self.renewals), self._rollout.run(), models)
        self._watching = [asyncio.create_task(each) for each in watching]
        await self._grpc.start()
        self._taking = Taking(self._grpc, methods, guards) if is_possible() else None
        self._health.set_serving(True)
        if self._config.workers == 1:  # otherwise it is one of several, of which their parent tells
            tell_serving(self.facts())

    def _rows_anew(self, model: Model, digest: str) -> Rows:
        """The rows of a model that takes the place of another, on the same device: no load may tell which is faster."""
        make = partial(rows_of, model, config=self._config, make_execution=self._make_execution)
        if self._engine.name_of(digest).startswith("cuda"):
            return self._ticker.between_ticks(partial(make, device="cuda"))  # no two threads use a GPU at once
        return make(device="cpu")

    def facts(self) -> dict[str, Any]:
        """Where it listens and what it serves, as the log tells it."""
        served = [one for one in self.models if not one.is_replaced]
        return {
            "host": self._config.host,
            "port": None if path_of_socket(self._config.host) else self.port,
            "metrics_port": self.metrics_port,
            "is_encrypted": self._certificates is not None,
            "asks_for_certificates": self._config.client_ca is not None,
            "asks_for_tokens": self._tokens is not None,
            "models": {one.name: one.digest for one in served},
            "executions": {one.name: one.execution for one in served},
            "memory_bytes": self._budget.most,
            "connections": self._connections,
        }

    def _add_services(self) -> Mapping[str, Any]:
        """Answer what is called; returns the methods that are this package's own."""
        self._health.add_to(self._grpc)
        if self._config.reflection:
            names = (SERVICE.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._grpc)
        return add_methods(self._service, self._calls, self._grpc)

    def _listen(self) -> int:
        host, port = self._config.host, self._config.port
        address = address_of(host, port)
        try:
            with private_socket(host):
                if self._certificates:
                    return self._grpc.add_secure_port(address, self._certificates.credentials())
                return self._grpc.add_insecure_port(address)
        except RuntimeError:
            allowed = f"a free port; this one is in use, or {host} is not an address of this machine"
            raise InvalidField("port", port, allowed) from None

    async def _start_metrics(self) -> None:
        self.metrics_port: int | None = None
        if not self._config.metrics:
            return
        try:
            self.metrics_port = await self._scraping.start(self._config.metrics_host, self._config.metrics_port)
        except OSError as error:
            raise InvalidField("metrics_port", self._config.metrics_port, f"a free port ({error.strerror})") from None

    async def _watch_callers(self) -> None:
        was_stuck = False
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not (self._leaving.is_set() or is_taking(self._grpc)):
                self._fail(TakesNoCalls())
            self._calls.end_stalled()
            await self._calls.hold_less()
            self._calls.tell_many()
            is_stuck = self._ticker.is_stuck
            if is_stuck is not was_stuck and not self._leaving.is_set():
                log("the engine does not turn" if is_stuck else "the engine turns again", logging.WARNING)
                self._health.set_serving(not is_stuck)
            was_stuck = is_stuck
            await asyncio.to_thread(trim)

    def leave(self) -> None:
        """Begin to drain: NOT_SERVING first; after the notice the port closes, and connections are told to go away."""
        self._leaving.set()

    def read_again(self) -> None:
        """Look now whether the models' files have changed, and try once more what was refused."""
        self.reading.set()

    def hurry(self) -> None:
        """Stop waiting for running calls."""
        self._hurrying.set()

    async def until_stopped(self) -> int:
        """Serve until `leave` or a failure, drain, stop; returns the exit code."""
        await self._leaving.wait()
        await self._drain()
        await self._stop()
        log("stopped", exit_code=int(self._failed))
        return int(self._failed)

    async def _drain(self) -> None:
        """NOT_SERVING while all goes on, new calls too, until those who watch have gone elsewhere."""
        self._health.set_serving(False)
        if self._failed:
            return
        log("draining", running_calls=self._service.running)
        await self._wait_for(asyncio.sleep(self._config.drain_notice_seconds), self._config.drain_notice_seconds)

    async def _stop(self) -> None:
        """Close the port, let calls end that run or were on their way, within the grace; end the rest as UNAVAILABLE."""
        grace = 0 if self._failed else self._config.grace_seconds
        self._service.end_follow_calls(Unavailable())  # they can go on elsewhere at once
        await self._wait_for(self._calls.until_none_comes(), grace)
        closing = asyncio.create_task(self._grpc.stop(grace + FAREWELL_SECONDS + STALLED_SECONDS))  # the port closes at once
        if not await self._wait_for(self._service.until_idle(), grace):
            self._service.end_all(Unavailable())
        await asyncio.wait([closing], timeout=FAREWELL_SECONDS)  # the last words travel
        await self._grpc.stop(None)  # who only watches the health is cut off; two graces that end together would crash (1.85)
        await closing
        self._calls.tell_many()
        for task in self._watching:
            task.cancel()
        self._lag.stop()
        if self._tracing:
            await asyncio.to_thread(self._tracing.close)
        await self._ticker.stop()
        if self._config.metrics:
            await self._scraping.stop()

    async def _wait_for(self, waiting: Coroutine[Any, Any, object], seconds: float) -> bool:
        """Wait for something, for at most that many seconds, and only while nobody is in a hurry; whether it came."""
        tasks = [asyncio.create_task(waiting), asyncio.create_task(self._hurrying.wait())]
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        return tasks[0].done()

    def _fail(self, error: Exception) -> None:
        """It cannot go on, and sends nothing it is not sure of: running calls end as INTERNAL, the process with 1."""
        identifier = secrets.token_hex(8)
        log("engine failed", logging.ERROR, error, identifier=identifier)
        self._failed = True
        self._service.end_all(Defect(identifier))
        self._leaving.set()

    def status(self) -> pb.ServerStatus:
        """How this process and the others at its port are doing."""
        return joined(self.own_status(), self.others)

    @property
    def renewals(self) -> Sequence[Renewal]:
        """The certificates and the tokens, where there are any."""
        return [each.renewal for each in (self._certificates, self._tokens) if each]

    @property
    def is_alive(self) -> bool:
        """Whether the engine turns."""
        return not self._ticker.is_stuck

    @property
    def is_ready(self) -> bool:
        """Whether it takes calls."""
        return self._health.is_serving

    @property
    def models(self) -> Sequence[ServedModel]:
        """The models that are served, the default first, and those that were replaced and still answer."""
        return self._rollout.models

    @property
    def held_bytes(self) -> int:
        """What is held for calls."""
        return self._budget.held

    def statistics(self) -> Statistics:
        """What the engine is doing and has done."""
        return self._engine.statistics()
