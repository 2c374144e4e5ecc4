"""The parent of workers: it holds the port, starts them, replaces those that die or stand still, and has them leave together.

It serves no call. What it tells at the port of the metrics is of all: the sums of what each has told last, and their health.

    a worker dies                     another is started at once; after a start that did not come to serve, a little later
    it tells nothing, or no good      it is ended, and another is started
    nobody serves, and starts fail    the parent ends with exit code 1
    SIGTERM, SIGINT                   all leave in good order; a second one: at once
    SIGHUP                            one after the other gets it
    the parent dies                   the kernel ends the workers
"""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NoReturn

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric

from elman_models.errors import InvalidField
from elman_server.config import LEAST_BYTES, ServerConfig
from elman_server.engine.budget import default_bytes
from elman_server.telemetry.greeting import tell_serving
from elman_server.telemetry.log import configure, log
from elman_server.telemetry.scraping import Scraping
from elman_server.telemetry.sums import Sums, SumsCollector, families_of
from elman_server.telemetry.tally import Counts, TallyCollector
from elman_server.telemetry.writer import Writer
from elman_server.workers.port import held_port
from elman_server.workers.process import HURRY, Nursery, Worker
from elman_server.workers.report import NotStarted

LEAVING: Final = (signal.SIGTERM, signal.SIGINT)
LOOK_SECONDS = 1.0
MOST_LOOKS = 10
"""A worker that has told nothing for as many looks stands still. Looks, not seconds: the parent may have stood still, too."""
MOST_LOOKS_STARTING = 120
SETTLED_SECONDS = 1.0
"""Who has served for less counts as a start that failed."""
MOST_FAILURES = 5
"""Starts of one worker that may fail in a row where no other serves."""
LONGEST_PAUSE_SECONDS = 30.0
LAST_LINES_SECONDS = 0.5
END_SECONDS = 7.0
"""How long beyond the notice and the grace workers may take to end, before they are ended: longer than each gives itself."""


def serve(config: ServerConfig) -> NoReturn:
    """Serve with workers until SIGTERM or SIGINT, and end the process. Raises Refused or NotStarted if that cannot start."""
    writer = configure(config.log_level)
    try:
        code = asyncio.run(run(config, writer))
    finally:
        writer.close(LAST_LINES_SECONDS)
    os._exit(code)


async def run(config: ServerConfig, writer: Writer) -> int:
    """Start, wait for a signal or a failure, have all leave."""
    with held_port(config.host, config.port) as port:
        return await Parent(config, port, writer).run()


def divided(config: ServerConfig, port: int) -> ServerConfig:
    """What each worker is told: the port, and its part of what all may hold. Raises InvalidField."""
    workers, connections = config.workers, config.connections
    if connections is not None and connections < workers:
        raise InvalidField("connections", connections, f"at least one for each of {workers} workers")
    if config.memory_bytes is not None and config.memory_bytes < workers * LEAST_BYTES:
        raise InvalidField("memory_bytes", config.memory_bytes, f"at least {LEAST_BYTES} for each of {workers} workers")
    whole = default_bytes() if config.memory_bytes is None else config.memory_bytes
    shares = {"memory_bytes": whole // workers, "connections": connections and connections // workers}
    return replace(config, port=port, metrics=False, **shares)


class Parent:
    """Of the workers of one port."""

    def __init__(self, config: ServerConfig, port: int, writer: Writer) -> None:
        self._config, self._writer = config, writer
        self._nursery = Nursery(divided(config, port), writer)
        self._workers: dict[int, Worker] = {}
        self._leaving = asyncio.Event()
        self._have_started, self._hung_up = asyncio.Event(), asyncio.Event()
        self._code = 0
        self._refusal: NotStarted | None = None
        self._sums = Sums()
        registry = CollectorRegistry()
        registry.register(SumsCollector(self._collect))
        self._scraping = Scraping(registry, is_alive=self._is_alive, is_ready=self._is_ready)
        self._own = CollectorRegistry()
        for kind in ProcessCollector, PlatformCollector, GCCollector:
            kind(registry=self._own)
        self._replaced = Counts("elman_workers_replaced_total", "Workers that ended before all were to leave.", ())
        self._own.register(TallyCollector([self._replaced]))

    async def run(self) -> int:
        """From start to end; returns the exit code. Raises NotStarted or InvalidField."""
        loop = asyncio.get_running_loop()
        for number in LEAVING:
            loop.add_signal_handler(number, self._leave)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up.set)
        metrics_port = await self._start_metrics()
        places = [asyncio.create_task(self._keep(number)) for number in range(self._config.workers)]
        beside = [asyncio.create_task(each) for each in (self._look(), self._tell_serving(metrics_port), self._pass_on())]
        try:
            await asyncio.gather(*places)
        finally:
            for task in beside:
                task.cancel()
            await self._nursery.close()
            if self._config.metrics:
                await self._scraping.stop()
        if self._refusal and not self._have_started.is_set():
            raise self._refusal
        log("stopped", exit_code=self._code)
        return self._code

    async def _start_metrics(self) -> int | None:
        if not self._config.metrics:
            return None
        try:
            return await self._scraping.start(self._config.metrics_host, self._config.metrics_port)
        except OSError as error:
            raise InvalidField("metrics_port", self._config.metrics_port, f"a free port ({error.strerror})") from None

    async def _tell_serving(self, metrics_port: int | None) -> None:
        await self._have_started.wait()
        facts = [each.report.facts for each in self._workers.values() if each.report]
        sums = {name: sum(each[name] for each in facts) for name in ("memory_bytes", "connections")}
        tell_serving({**facts[0], **sums, "metrics_port": metrics_port, "workers": self._config.workers})

    async def _keep(self, number: int) -> None:
        """Have a worker in this place, until all leave."""
        failures = 0
        while not self._leaving.is_set():
            failures = 0 if await self._live(number) >= SETTLED_SECONDS else failures + 1
            is_last = not any(each.is_ready for each in self._workers.values())
            if failures >= MOST_FAILURES and is_last and not self._leaving.is_set():
                self._give_up("no worker starts", number)
            await self._pause(min(LONGEST_PAUSE_SECONDS, 2.0 ** (failures - 2)) if failures > 1 else 0.0)

    async def _live(self, number: int) -> float:
        """One worker's life; returns for how many seconds it served."""
        try:
            worker = self._workers[number] = await Worker.start(number, self._nursery, self._note_heard)
        except NotStarted as refusal:
            self._note_refused(number, refusal)
            return 0.0
        if self._leaving.is_set():  # it was asked to leave before it could hear that
            worker.send(signal.SIGKILL)
        code = await worker.until_ended(self._writer, self._nursery)
        self._note_ended(worker, code)
        worker.close()
        return worker.served_seconds

    def _note_refused(self, number: int, refusal: NotStarted) -> None:
        if self._have_started.is_set():
            log("a worker could not start", logging.WARNING, worker=number, reason=str(refusal))
            return
        self._refusal = self._refusal or refusal
        self._give_up("a worker did not start", number)

    def _note_heard(self, _: Worker) -> None:
        if len(self._workers) == self._config.workers and all(each.report for each in self._workers.values()):
            self._have_started.set()

    def _note_ended(self, worker: Worker, code: int) -> None:
        del self._workers[worker.number]
        if worker.report:
            self._sums.retire(worker.report.metrics)
        if self._leaving.is_set():
            self._code = self._code or int(code != 0 and worker.report is not None)
            return
        if not self._have_started.is_set():
            self._note_refused(worker.number, worker.refusal or NotStarted(f"a worker ended with exit code {code}", None))
            return
        self._replaced.add(1)
        log("a worker has ended", logging.WARNING, worker=worker.number, exit_code=code)

    def _give_up(self, event: str, number: int) -> None:
        """End all at once, and with exit code 1."""
        if not self._refusal:
            log(event, logging.ERROR, worker=number)
        self._code = 1
        self._leaving.set()
        self._end_all()

    def _leave(self) -> None:
        """The first signal asks all to leave in good order, a second one at once."""
        number = HURRY if self._leaving.is_set() else signal.SIGTERM
        if not self._leaving.is_set():
            self._leaving.set()
            log("draining", workers=len(self._workers))
            wait = self._config.drain_notice_seconds + self._config.grace_seconds + END_SECONDS
            asyncio.get_running_loop().call_later(wait, self._end_late)
        for worker in self._workers.values():
            worker.send(number)

    def _end_late(self) -> None:
        self._code = 1
        self._end_all()

    def _end_all(self) -> None:
        """At once, whatever they are doing."""
        self._nursery.kill()

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await asyncio.wait([asyncio.ensure_future(self._leaving.wait())], timeout=seconds)

    async def _look(self) -> None:
        """Look after each again and again."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for worker in self._workers.values():
                self._end_if_still(worker)
                worker.tell([each for each in self._workers.values() if each is not worker])

    def _end_if_still(self, worker: Worker) -> None:
        """End who tells nothing any more, or no good."""
        if worker.is_gone:
            return
        worker.looks += 1
        most = MOST_LOOKS if worker.report else MOST_LOOKS_STARTING
        if worker.looks > most or (worker.report and not worker.is_alive):
            log("a worker stands still", logging.WARNING, worker=worker.number)
            worker.send(signal.SIGKILL)

    async def _pass_on(self) -> None:
        """SIGHUP to one after the other, as soon as in the place of the one before somebody is ready again."""
        await self._have_started.wait()
        while await self._hung_up.wait():
            self._hung_up.clear()
            for number in range(self._config.workers):
                if worker := self._workers.get(number):
                    worker.send(signal.SIGHUP)
                await self._until_ready(number)

    async def _until_ready(self, number: int) -> None:
        await asyncio.sleep(2 * LOOK_SECONDS)  # until it has told what the signal made of it
        while not (number in self._workers and self._workers[number].is_ready):  # noqa: ASYNC110 # reports come once a second
            await asyncio.sleep(LOOK_SECONDS)

    def _is_alive(self) -> bool:
        return any(each.is_alive for each in self._workers.values())

    def _is_ready(self) -> bool:
        is_open = self._have_started.is_set() and not self._leaving.is_set()
        return is_open and any(each.is_ready for each in self._workers.values())

    def _collect(self) -> Iterator[Metric]:
        """What each has told last, and this process."""
        reports = [each.report.metrics for each in self._workers.values() if each.report]
        return self._sums.with_running([families_of(self._own), *reports])
