"""Callers who do not wait for each other: calls at set times, with deadlines, in a process of their own. Loopback only.

    python benchmarks/storm.py TASK.json        prints a JSON list: how each call ended

Messages are counted and not decoded, so that one core can offer three times what a server carries. It knows nothing of who
answers.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

import grpc

from elman.v1 import completion_service_pb2 as pb

METHOD = "/elman.v1.CompletionService/Complete"
CHANNEL_OPTIONS = [("grpc.use_local_subchannel_pool", 1)]  # a connection for each channel
MOST_CALLS = 200_000
"""A storm is bounded whatever is asked for."""


@dataclass(frozen=True, slots=True)
class Task:
    """Calls for `characters` with a deadline (0: without one), over so many connections.

    With `callers`, a closed loop of so many `seconds`: as many at a time, whose calls are left then if they have no deadline.
    With `rates`, an open loop: each a number of seconds and of calls a second, at the random times of a Poisson process.
    """

    address: str
    seconds: float = 0.0
    characters: int = 256
    alternatives: int = 1
    deadline_seconds: float = 1.0
    connections: int = 4
    callers: int = 0
    rates: Sequence[tuple[float, float]] = ()
    service_config: str = ""  # such as a policy of retries


@dataclass(frozen=True, slots=True)
class Ended:
    """One call."""

    due: float  # seconds after the storm began
    late: float  # seconds from when it was due to when it was begun: how busy the callers themselves are
    seconds: float  # from when it was due to its end
    messages: int
    status: str


class Storm:
    """All calls of a task."""

    def __init__(self, task: Task) -> None:
        self._task = task
        options = [*CHANNEL_OPTIONS, *([("grpc.service_config", task.service_config)] if task.service_config else [])]
        self._channels = [grpc.aio.insecure_channel(task.address, options=options) for _ in range(task.connections)]
        methods: Any = [channel.unary_stream(METHOD) for channel in self._channels]
        self._methods = cycle(methods)
        limits = pb.Limits(max_characters=task.characters)
        self._request = pb.CompleteRequest(prefix="e", limits=limits, alternatives=task.alternatives).SerializeToString()
        self.ended: list[Ended] = []

    async def blow(self) -> None:
        """From its beginning to its end."""
        await asyncio.gather(*(channel.channel_ready() for channel in self._channels))
        self._began = time.perf_counter()
        try:
            await (self._open_loop() if self._task.rates else self._closed_loop())
        finally:
            await asyncio.gather(*(channel.close() for channel in self._channels))

    async def _closed_loop(self) -> None:
        async def go_on() -> None:
            while (due := time.perf_counter()) < self._began + self._task.seconds and len(self.ended) < MOST_CALLS:
                await self._call(due)

        callers = [asyncio.create_task(go_on()) for _ in range(self._task.callers)]
        if not self._task.deadline_seconds:
            await asyncio.wait(callers, timeout=self._task.seconds)
            for caller in callers:
                caller.cancel()
        await asyncio.gather(*callers, return_exceptions=not self._task.deadline_seconds)

    async def _open_loop(self) -> None:
        calls = set[asyncio.Task[None]]()
        for due in islice(arrivals(self._task.rates, self._began), MOST_CALLS):
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            calls.add(asyncio.create_task(self._call(due)))
        await asyncio.gather(*calls)

    async def _call(self, due: float) -> None:
        late = time.perf_counter() - due
        call = next(self._methods)(self._request, timeout=self._seconds_left(due))
        messages, status = 0, "CANCELLED"
        try:
            async for _ in call:
                messages += 1
            status = "OK"
        except grpc.aio.AioRpcError as error:
            status = error.code().name
        finally:
            call.cancel()
            self.ended.append(Ended(due - self._began, late, time.perf_counter() - due, messages, status))

    def _seconds_left(self, due: float) -> float | None:
        if not self._task.deadline_seconds:
            return None
        return max(due + self._task.deadline_seconds - time.perf_counter(), 0.001)


def arrivals(rates: Sequence[tuple[float, float]], start: float) -> Iterator[float]:
    """When calls are due: independent waits of 1 / rate on average, one rate after the other."""
    random, due = Random(1), start
    for seconds, rate in rates:
        start += seconds
        while (due := due + random.expovariate(rate)) < start:
            yield due
        due = start


async def blow(task: Task) -> list[Ended]:
    """How the calls of a storm that is over have ended."""
    storm = Storm(task)
    await storm.blow()
    return storm.ended


if __name__ == "__main__":
    over = asyncio.run(blow(Task(**json.loads(Path(sys.argv[1]).read_text()))))
    print(json.dumps([asdict(one) for one in over]))
