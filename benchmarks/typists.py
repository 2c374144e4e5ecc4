"""The editors of the editor benchmark, in a process of their own, over raw Follow stubs, against servers that take turns.

    python benchmarks/typists.py TASK.json        prints a JSON list: for each address, what its rounds took

In turn: each editor's next key comes when the suggestion for its last has ended. On time: keys are due at set times, whatever
has come, and are timed from then, so that whoever had to wait for a turn counts the wait. Knows nothing of who answers.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeAlias

import conversation
import grpc
from load import cpu_seconds
from open_streams import CHANNEL_OPTIONS, STREAMS_PER_CHANNEL
from process import Process
from random_model import CHARACTERS

from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

if TYPE_CHECKING:
    from elman.v1.completion_service_pb2_grpc import CompletionServiceAsyncStub  # only the stub's types know it

Follow: TypeAlias = grpc.aio.StreamStreamCall[pb.FollowRequest, pb.FollowResponse]

LINE_CHARACTERS = 64
"""After this many keys the line begins again, where the document was opened, so that the document keeps its length."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to do: `rounds` of `keys` by each of the editors at each address, each at the end of a document.

    A document has `document` characters, a suggestion `characters`. With a `rate`, each editor types that many keys a second,
    on time; otherwise each waits for the answer to a key before it types the next.
    """

    addresses: list[str]
    identifiers: list[int]  # of the servers' processes
    editors: int
    keys: int
    rounds: int
    characters: int
    document: int
    rate: float = 0.0
    record: str = ""  # the file for what the first address said to its first editor


@dataclass(slots=True)
class Rounds:
    """What was met at one address."""

    first_character_seconds: list[float] = field(default_factory=lambda: list[float]())  # for each key with a suggestion
    messages: int = 0
    cpu_seconds: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # as in Cpu
    client_cpu_seconds: float = 0.0


class Typists:
    """All editors of one server."""

    def __init__(self, server: Process, task: Task) -> None:
        self._server, self._task = server, task
        count = -(-task.editors // STREAMS_PER_CHANNEL)
        self._channels = [grpc.aio.insecure_channel(server.address, options=CHANNEL_OPTIONS) for _ in range(count)]
        stubs = [CompletionServiceStub(channel) for channel in self._channels]
        self._editors = [Editor(stubs[number % count], task, number) for number in range(task.editors)]
        self.rounds = Rounds()
        self.conversations: list[list[pb.FollowResponse]] = []

    async def open(self) -> None:
        """Every editor opens its document and, in turn, types a few keys that do not count."""
        openings = [await editor.open() for editor in self._editors]
        self.conversations = openings[:1]
        if not self._task.rate:
            await self._hold(self._task.keys // 4)
            self._count_again()

    async def hold_round(self) -> None:
        """One round."""
        before, own_before = self._server.cpu(), cpu_seconds()
        await self._hold(self._task.keys)
        spent = self._server.cpu().since(before)
        self.rounds.client_cpu_seconds += cpu_seconds() - own_before
        self.rounds.cpu_seconds = [sum(pair) for pair in zip(self.rounds.cpu_seconds, spent, strict=True)]

    def collect(self) -> None:
        """Sum up what every editor met."""
        for editor in self._editors:
            self.rounds.first_character_seconds += editor.first_character_seconds
            self.rounds.messages += sum(map(len, editor.answers))
        self.conversations += self._editors[0].answers

    def _count_again(self) -> None:
        for editor in self._editors:
            editor.first_character_seconds, editor.answers = [], []

    async def _hold(self, keys: int) -> None:
        if self._task.rate:
            start = time.perf_counter() + 1 / self._task.rate
            await asyncio.gather(*(editor.type_on_time(keys, start) for editor in self._editors))
        else:
            await asyncio.gather(*(editor.type_in_turn(keys) for editor in self._editors))

    async def close(self) -> None:
        """Close every document."""
        for editor in self._editors:
            editor.close()
        for channel in self._channels:
            await channel.close()


class Editor:
    """A document that is typed at, by the rules of Follow. `answers` holds what came for each key."""

    def __init__(self, stub: CompletionServiceAsyncStub, task: Task, number: int) -> None:
        self._call: Follow = stub.Follow()
        self._task, self._number, self._revision = task, number, 0
        self._random = Random(number)
        self._due: dict[int, float] = {}  # by revision: keys without a suggestion yet
        self.first_character_seconds: list[float] = []
        self.answers: list[list[pb.FollowResponse]] = []

    async def open(self) -> list[pb.FollowResponse]:
        """Open the document; what was answered."""
        self._revision += 1
        await self._call.write(pb.FollowRequest(revision=self._revision, open=opening(self._task, self._number)))
        return [response async for response in self._until_finished(self._revision)]

    async def type_in_turn(self, keys: int) -> None:
        """The next key comes when the suggestion for the last has ended."""
        for _ in range(keys):
            await self._press(time.perf_counter())
            self.answers.append([response async for response in self._until_finished(self._revision)])

    async def type_on_time(self, keys: int, start: float) -> None:
        """A key each interval, from this editor's own moment in the first on; a stream that breaks has missed the rest."""
        interval = 1 / self._task.rate
        moment = start + interval * self._number / self._task.editors
        reading = asyncio.create_task(self._read_all(self._revision + keys))
        try:
            for key in range(keys):
                await asyncio.sleep(moment + key * interval - time.perf_counter())
                await self._press(moment + key * interval)
            await asyncio.wait([reading], timeout=2 * interval)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read_all(self, last: int) -> None:
        self.answers.append([response async for response in self._until_finished(last)])

    async def _press(self, due: float) -> None:
        """One key, at the end of the line."""
        keep = self._task.document + (self._revision - 1) % LINE_CHARACTERS
        self._revision += 1
        self._due[self._revision] = due
        edit = pb.Edit(keep=keep, insert=self._random.choice(CHARACTERS))
        await self._call.write(pb.FollowRequest(revision=self._revision, edit=edit))

    async def _until_finished(self, revision: int) -> AsyncIterator[pb.FollowResponse]:
        """What comes, until the suggestion for the revision has ended; the first of each revision is timed."""
        while isinstance(response := await self._call.read(), pb.FollowResponse):
            if response.HasField("suggestion") and (due := self._due.pop(response.revision, None)):
                self.first_character_seconds.append(time.perf_counter() - due)
            yield response
            if response.HasField("finished") and response.revision == revision:
                return

    def close(self) -> None:
        """Close the document."""
        self._call.cancel()


def opening(task: Task, seed: int) -> pb.Open:
    """A document with a cursor at its end."""
    text = "".join(Random(seed).choices(CHARACTERS, k=task.document))
    return pb.Open(prefix=text, sampling=pb.Sampling(seed=seed), limits=pb.Limits(max_characters=task.characters))


async def run(task: Task) -> list[Rounds]:
    """All rounds; the servers take turns."""
    servers = map(Process, task.identifiers, task.addresses)
    everyone = [Typists(server, task) for server in servers]
    try:
        for typists in everyone:
            await typists.open()
        for _ in range(task.rounds):
            for typists in everyone:
                await typists.hold_round()
    finally:
        for typists in everyone:
            await typists.close()
    for typists in everyone:
        typists.collect()
    if task.record:
        conversation.save(everyone[0].conversations, Path(task.record))
    return [typists.rounds for typists in everyone]


if __name__ == "__main__":
    asked_for = Task(**json.loads(Path(sys.argv[1]).read_text()))
    print(json.dumps([asdict(one) for one in asyncio.run(run(asked_for))]))
