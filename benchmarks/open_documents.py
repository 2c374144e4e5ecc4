"""How much memory a server holds for documents that are followed and at which nobody types. Loopback only."""

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
from open_streams import Begin, Streams, settle
from process import Process

from elman.v1 import completion_service_pb2 as pb

if TYPE_CHECKING:
    from elman.v1.completion_service_pb2_grpc import CompletionServiceAsyncStub  # only the stub's types know it

OPENING = 1
"""Documents that are being opened at a time: what many at once need while they are read would hide what each keeps."""
SETTLE_SECONDS = 5.0


class Held(NamedTuple):
    """What one server holds for a stream beyond what it held for the first, which pays for buffers that others use again."""

    streams: int
    characters: int
    kilobytes_per_stream: float


def hold(server: Process, wanted: pb.Open, streams: int) -> Held:
    """Open one stream, and then `streams` more; each is answered whole."""
    return asyncio.run(measure(server, wanted, streams))


async def measure(server: Process, wanted: pb.Open, streams: int) -> Held:
    """The same, in an event loop."""
    opened = Streams(server.address, following(wanted), OPENING)
    try:
        await opened.open_until(1)
        await settle(server, SETTLE_SECONDS)
        before = server.resident_bytes()
        await opened.open_until(1 + streams)
        await settle(server, SETTLE_SECONDS)
        held = server.resident_bytes() - before
    finally:
        await opened.close()
    await settle(server, SETTLE_SECONDS)
    return Held(streams, len(wanted.prefix), held / streams / 1e3)


def following(wanted: pb.Open) -> Begin:
    """Opens a document."""

    async def begin(stub: "CompletionServiceAsyncStub") -> grpc.aio.Call:
        """A stream whose first suggestion has ended."""
        call: Any = stub.Follow()
        await call.write(pb.FollowRequest(revision=1, open=wanted))
        while not (await call.read()).HasField("finished"):
            pass
        return call

    return begin
