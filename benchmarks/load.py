"""The callers of the service benchmark, in a process of their own, over grpc.aio, against servers that take turns.

    python benchmarks/load.py TASK.json        prints a JSON list: for each address, what its rounds took

Closed loop: each caller begins its next call when its last has ended. Open loop: calls are due at set times, whoever has ended,
and are timed from then, so that whoever had to wait for a turn counts the wait. Knows nothing of who answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate, chain, cycle
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import conversation
import grpc

from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

if TYPE_CHECKING:
    from elman.v1.completion_service_pb2_grpc import CompletionServiceAsyncStub  # only the stub's types know it

DEADLINE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Task:
    """What to do: `rounds` of `calls` at each address; a call asks for `characters` after `state`.

    From `callers` at a time, in a closed loop; or, with a `rate`, at the random times of a Poisson process
    with that many a second: the same times at each address.
    """

    addresses: list[str]
    calls: int
    rounds: int
    characters: int
    callers: int = 0
    rate: float = 0.0
    state: str = ""  # in hexadecimal digits
    prefix: str = "e"
    record: str = ""  # the file for the conversations of the first address
    connections: int = 1  # at each address, among which the calls take turns
    core: int | None = None  # where this process runs

    @property
    def warm_up_calls(self) -> int:
        """How many calls at each address do not count."""
        return max(1, self.callers, self.calls // 4)


@dataclass(slots=True)
class Rounds:
    """What the rounds at one address took, in seconds; the other times are those of every call.

    Between characters: the time between two pieces, divided by the characters of the second, as in the server's own metrics.
    """

    seconds: list[float] = field(default_factory=lambda: list[float]())
    first_character_seconds: list[float] = field(default_factory=lambda: list[float]())
    between_characters_seconds: list[float] = field(default_factory=lambda: list[float]())
    call_seconds: list[float] = field(default_factory=lambda: list[float]())
    client_cpu_seconds: float = 0.0
    failures: int = 0


class Callers:
    """All callers of one server."""

    def __init__(self, stubs: Sequence[CompletionServiceAsyncStub], task: Task) -> None:
        self._stubs, self._task = cycle(stubs), task
        self.rounds = Rounds()
        self.conversations: list[list[pb.CompleteResponse]] = []

    async def warm_up(self) -> None:
        """A round of a few calls that does not count."""
        await self._hold(self._task.warm_up_calls)
        self.rounds, self.conversations = Rounds(), []

    async def hold_round(self) -> None:
        """One round."""
        cpu, started = cpu_seconds(), time.perf_counter()
        await self._hold(self._task.calls)
        self.rounds.seconds.append(time.perf_counter() - started)
        self.rounds.client_cpu_seconds += cpu_seconds() - cpu

    async def _hold(self, calls: int) -> None:
        if self._task.rate:
            arrivals = enumerate(arrival_times(calls, self._task.rate, time.perf_counter()))
            await asyncio.gather(*(self._call_at(arrival, seed) for seed, arrival in arrivals))
        else:
            seeds = iter(range(calls))
            await asyncio.gather(*(self._call_in_turn(seeds) for _ in range(self._task.callers)))

    async def _call_in_turn(self, seeds: Iterator[int]) -> None:
        for seed in seeds:
            await self._call(seed, time.perf_counter())

    async def _call_at(self, arrival: float, seed: int) -> None:
        await asyncio.sleep(arrival - time.perf_counter())
        await self._call(seed, arrival)

    async def _call(self, seed: int, started: float) -> None:
        call = next(self._stubs).Complete(request(self._task, seed), timeout=DEADLINE_SECONDS)
        try:
            self.conversations.append([message async for message in self._timed(call, started)])
            self.rounds.call_seconds.append(time.perf_counter() - started)
        except grpc.aio.AioRpcError:
            self.rounds.failures += 1
        finally:
            call.cancel()

    async def _timed(self, call: AsyncIterable[pb.CompleteResponse], started: float) -> AsyncIterator[pb.CompleteResponse]:
        """The messages of a call, whose pieces are timed."""
        last = 0.0
        async for message in call:
            if message.HasField("piece"):
                now = time.perf_counter()
                if last:
                    self.rounds.between_characters_seconds.append((now - last) / len(message.piece.text))
                else:
                    self.rounds.first_character_seconds.append(now - started)
                last = now
            yield message


def arrival_times(calls: int, rate: float, start: float) -> list[float]:
    """A Poisson process: independent waits of 1 / rate on average."""
    random = Random(calls)
    return list(accumulate((random.expovariate(rate) for _ in range(calls)), initial=start))[1:]


def request(task: Task, seed: int) -> pb.CompleteRequest:
    """A state and the characters typed since, to be continued."""
    limits, sampling = pb.Limits(max_characters=task.characters), pb.Sampling(seed=seed)
    return pb.CompleteRequest(state=bytes.fromhex(task.state), prefix=task.prefix, limits=limits, sampling=sampling)


def cpu_seconds() -> float:
    """The processor time of this process."""
    times = os.times()
    return times.user + times.system


async def run(task: Task) -> list[Rounds]:
    """All rounds; the servers take turns."""
    if task.core is not None:
        os.sched_setaffinity(0, {task.core})
    own = [("grpc.use_local_subchannel_pool", 1)] if task.connections > 1 else []
    at = [[grpc.aio.insecure_channel(address, own) for _ in range(task.connections)] for address in task.addresses]
    try:
        callers = [Callers([CompletionServiceStub(channel) for channel in channels], task) for channels in at]
        for one in callers:
            await one.warm_up()
        for _ in range(task.rounds):
            for one in callers:
                await one.hold_round()
    finally:
        for channel in chain.from_iterable(at):
            await channel.close()
    if task.record:
        conversation.save(callers[0].conversations, Path(task.record))
    return [one.rounds for one in callers]


if __name__ == "__main__":
    asked_for = Task(**json.loads(Path(sys.argv[1]).read_text()))
    print(json.dumps([asdict(one) for one in asyncio.run(run(asked_for))]))
