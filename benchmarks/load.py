"""The callers of the service benchmark, in a process of their own: closed loops over grpc.aio against servers that take turns.

    python benchmarks/load.py TASK.json        prints a JSON list: for each address, what its rounds took

Each caller begins its next call when its last has ended. Knows nothing of who answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
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
    """What to do: `rounds` of `calls` at each address, from `callers` at a time; a call asks for `characters` after `state`."""

    addresses: list[str]
    callers: int
    calls: int
    rounds: int
    characters: int
    state: str = ""  # in hexadecimal digits
    prefix: str = "e"
    record: str = ""  # the file for the conversations of the first address


@dataclass(slots=True)
class Rounds:
    """What the rounds at one address took, in seconds, and the time to the first character of every call."""

    seconds: list[float] = field(default_factory=lambda: list[float]())
    first_character_seconds: list[float] = field(default_factory=lambda: list[float]())
    client_cpu_seconds: float = 0.0


class Callers:
    """All callers of one server."""

    def __init__(self, stub: CompletionServiceAsyncStub, task: Task) -> None:
        self._stub, self._task = stub, task
        self.rounds = Rounds()
        self.conversations: list[conversation.Conversation] = []

    async def warm_up(self) -> None:
        """A round of a few calls that does not count."""
        await self._hold(max(self._task.callers, self._task.calls // 4))
        self.rounds, self.conversations = Rounds(), []

    async def hold_round(self) -> None:
        """One round."""
        cpu, started = cpu_seconds(), time.perf_counter()
        await self._hold(self._task.calls)
        self.rounds.seconds.append(time.perf_counter() - started)
        self.rounds.client_cpu_seconds += cpu_seconds() - cpu

    async def _hold(self, calls: int) -> None:
        seeds = iter(range(calls))
        await asyncio.gather(*(self._call_in_turn(seeds) for _ in range(self._task.callers)))

    async def _call_in_turn(self, seeds: Iterator[int]) -> None:
        for seed in seeds:
            self.conversations.append(await self._call(request(self._task, seed)))

    async def _call(self, asked: pb.CompleteRequest) -> conversation.Conversation:
        messages: list[pb.CompleteResponse] = []
        started, has_text = time.perf_counter(), False
        call = self._stub.Complete(asked, timeout=DEADLINE_SECONDS)
        try:
            async for message in call:
                messages.append(message)
                if not has_text and message.HasField("piece"):
                    has_text = True
                    self.rounds.first_character_seconds.append(time.perf_counter() - started)
        finally:
            call.cancel()
        return messages


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
    channels = [grpc.aio.insecure_channel(address) for address in task.addresses]
    try:
        callers = [Callers(CompletionServiceStub(channel), task) for channel in channels]
        for one in callers:
            await one.warm_up()
        for _ in range(task.rounds):
            for one in callers:
                await one.hold_round()
    finally:
        for channel in channels:
            await channel.close()
    if task.record:
        conversation.save(callers[0].conversations, Path(task.record))
    return [one.rounds for one in callers]


if __name__ == "__main__":
    asked_for = Task(**json.loads(Path(sys.argv[1]).read_text()))
    print(json.dumps([asdict(one) for one in asyncio.run(run(asked_for))]))
