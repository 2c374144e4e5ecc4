"""A server of grpc.aio and nothing else: the floor under what callers of weather.py wait for. Loopback only.

    python benchmarks/floor_server.py PORT INTERVAL SERVED MESSAGES

It computes nothing. Complete: a short text at once, in messages of 32 characters; an endless one in a message every INTERVAL
seconds; with an INTERVAL of 0 every call is refused, unread, but for a share SERVED, which is answered in as many MESSAGES.
Follow: one character at once for each key.
"""

import asyncio
import sys
from typing import Any, Final, cast

import grpc

from elman.v1 import completion_service_pb2 as pb
from elman_server.engine.budget import Budget
from elman_server.rpc.health import Health

SERVICE = pb.DESCRIPTOR.services_by_name["CompletionService"].full_name
OPTIONS: Final = [("grpc.so_reuseport", 0), ("grpc.max_concurrent_streams", 100)]
CHARACTERS: Final = 32
ENDLESS: Final = 1 << 20
PIECE: Final = pb.CompleteResponse(piece=pb.Piece(text="e" * CHARACTERS))


class Floor:
    """The methods."""

    def __init__(self, interval: float, served: float, messages: int) -> None:
        self._interval, self._served, self._messages = interval, served, messages
        self._owed = 0.0  # of calls that are to be served

    async def complete(self, _: object, context: Any) -> None:
        """A text, or a refusal."""
        if not self._interval:
            await self._serve_some(context)
            return
        request = pb.CompleteRequest.FromString(await context.read())
        await context.write(pb.CompleteResponse(started=pb.Started()))
        characters = 0
        while characters < request.limits.max_characters:
            await context.write(PIECE)
            if request.limits.max_characters < ENDLESS:
                characters += CHARACTERS
            else:
                await asyncio.sleep(self._interval)
        await context.write(pb.CompleteResponse(finished=pb.Finished()))

    async def _serve_some(self, context: Any) -> None:
        self._owed += self._served
        if self._owed < 1:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "")
        self._owed -= 1
        await context.read()
        for _ in range(self._messages):
            await context.write(PIECE)

    async def follow(self, _: object, context: Any) -> None:
        """A character for each key."""
        while (data := await context.read()) is not grpc.aio.EOF:
            request = pb.FollowRequest.FromString(data)
            revision, opened = request.revision, request.open
            if request.HasField("open"):
                started = pb.Started(
                    model=pb.Model(digest="floor"), seed=opened.sampling.seed, start_position=len(opened.prefix)
                )
                await context.write(pb.FollowResponse(revision=revision, started=started))
            cursor = len(opened.prefix) if request.HasField("open") else request.edit.keep + len(request.edit.insert)
            await context.write(pb.FollowResponse(revision=revision, suggestion=pb.Piece(text="e", position=cursor)))
            finished = pb.Finished(reason=pb.FINISH_REASON_LENGTH)
            await context.write(pb.FollowResponse(revision=revision, finished=finished))


async def serve(port: int, floor: Floor) -> None:
    """Serve until the process is ended."""
    server = grpc.aio.server(options=OPTIONS)
    streaming: Any = grpc.stream_stream_rpc_method_handler
    handlers: dict[str, Any] = {
        "Complete": streaming(floor.complete, None, pb.CompleteResponse.SerializeToString),
        "Follow": streaming(floor.follow, None, pb.FollowResponse.SerializeToString),
    }
    server.add_generic_rpc_handlers((cast("Any", grpc).method_handlers_generic_handler(SERVICE, handlers),))
    health = Health(SERVICE, Budget(), 1024)  # which clients watch
    health.add_to(server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    health.set_serving(True)
    await server.wait_for_termination()


if __name__ == "__main__":
    port, interval, served, messages = sys.argv[1:]
    asyncio.run(serve(int(port), Floor(float(interval), float(served), int(messages))))
