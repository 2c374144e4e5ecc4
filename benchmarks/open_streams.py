"""How much memory a server holds for streams that are open and have not ended. Loopback only.

Waiting: the server has one row, and all but one wait for it. Slow: each reader reads the first message and then no more, so
that what was drawn fills the stream's buffers, and the text leaves its row.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import grpc
from process import Process

from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

if TYPE_CHECKING:
    from elman.v1.completion_service_pb2_grpc import CompletionServiceAsyncStub  # only the stub's types know it

STREAMS_PER_CHANNEL, OPENING = 100, 100
"""Streams that share a connection; streams that are being opened at a time."""
CHANNEL_OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),  # a connection for each channel
    ("grpc.http2.lookahead_bytes", 4096),  # a reader's buffer is small, and full soon
    ("grpc.http2.bdp_probe", 0),
]
REQUEST = pb.CompleteRequest(limits=pb.Limits(max_characters=1 << 20))
IDLE_SECONDS = 0.5


class Memory(NamedTuple):
    """What the server held."""

    kind: str
    streams: int
    megabytes: float
    kilobytes_per_stream: float  # above what it held without


Begin: TypeAlias = Callable[["CompletionServiceAsyncStub"], Awaitable[grpc.aio.Call]]
"""Opens a stream, and returns once it has begun."""


async def measure(kind: str, server: Process, counts: Sequence[int], settle_seconds: float) -> list[Memory]:
    """Open more and more streams, each time until the server does nothing or for so long; the last line: all were closed."""
    streams = Streams(server.address, begin)
    try:
        empty = server.resident_bytes()
        found = [Memory(kind, 0, empty / 1e6, 0.0)]
        for count in counts:
            await streams.open_until(count)
            await settle(server, settle_seconds)
            held = server.resident_bytes()
            found.append(Memory(kind, count, held / 1e6, (held - empty) / count / 1e3))
    finally:
        await streams.close()
    await settle(server, settle_seconds)
    return [*found, Memory(f"{kind}, closed", 0, server.resident_bytes() / 1e6, 0.0)]


class Streams:
    """Streams that are open, `opening` at a time."""

    def __init__(self, address: str, begin: Begin, opening: int = OPENING) -> None:
        self._address, self._begin, self._opening = address, begin, opening
        self._channels: list[grpc.aio.Channel] = []
        self._calls: list[grpc.aio.Call] = []

    async def open_until(self, count: int) -> None:
        """Open streams until there are `count`, each of which has begun."""
        while len(self._calls) < count:
            if len(self._calls) >= STREAMS_PER_CHANNEL * len(self._channels):
                self._channels.append(grpc.aio.insecure_channel(self._address, options=CHANNEL_OPTIONS))
            room = STREAMS_PER_CHANNEL * len(self._channels) - len(self._calls)
            stub = CompletionServiceStub(self._channels[-1])
            most = min(room, self._opening, count - len(self._calls))
            self._calls += await asyncio.gather(*(self._begin(stub) for _ in range(most)))

    async def close(self) -> None:
        """Cancel every stream."""
        for call in self._calls:
            call.cancel()
        for channel in self._channels:
            await channel.close()


async def begin(stub: "CompletionServiceAsyncStub") -> grpc.aio.Call:
    """A stream whose first message was read."""
    call: Any = stub.Complete(REQUEST)
    await call.read()
    return call


async def settle(server: Process, most_seconds: float) -> None:
    """Wait until the server does nothing, or for so long."""
    end = time.perf_counter() + most_seconds
    before, spent = -1.0, sum(server.cpu())
    while spent > before and time.perf_counter() < end:
        await asyncio.sleep(IDLE_SECONDS)
        before, spent = spent, sum(server.cpu())
