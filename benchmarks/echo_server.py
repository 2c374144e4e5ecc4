"""A server with a constant in place of the engine: the floor that gRPC and Python set, under the real server's own messages.

    python benchmarks/echo_server.py METHOD CONVERSATIONS PORT

The same method, proto and library as the real one; it replays recorded conversations in turn, whatever it is asked.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from itertools import chain, cycle
from pathlib import Path
from typing import Any, TypeAlias, cast

import conversation
import grpc

from elman.v1 import completion_service_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["CompletionService"].full_name
CompleteContext: TypeAlias = grpc.aio.ServicerContext[pb.CompleteRequest, pb.CompleteResponse]
FollowContext: TypeAlias = grpc.aio.ServicerContext[pb.FollowRequest, pb.FollowResponse]


class CompleteEcho:
    """Answers Complete: each call with the next conversation."""

    def __init__(self, recorded: Path) -> None:
        self._conversations = cycle(conversation.load(recorded, pb.CompleteResponse))

    async def complete(self, _request: pb.CompleteRequest, context: CompleteContext) -> None:
        """One call."""
        for message in next(self._conversations):
            await context.write(message)

    def handler(self) -> "grpc.RpcMethodHandler[Any, Any]":
        """The method."""
        decode, encode = pb.CompleteRequest.FromString, pb.CompleteResponse.SerializeToString
        return grpc.unary_stream_rpc_method_handler(cast("Any", self.complete), decode, encode)


class FollowEcho:
    """Answers Follow: each request with the next conversation, under its own revision."""

    def __init__(self, recorded: Path) -> None:
        self._opening, *self._keys = conversation.load(recorded, pb.FollowResponse)

    async def follow(self, _requests: object, context: FollowContext) -> None:
        """One stream."""
        answers = self._answers()
        while (request := await context.read()) is not grpc.aio.EOF:
            revision = request.revision
            del request  # it may be long, and the next a long time off
            for message in next(answers):
                message.revision = revision
                await context.write(message)

    def _answers(self) -> Iterator[Sequence[pb.FollowResponse]]:
        return chain([self._opening], cycle(self._keys))

    def handler(self) -> "grpc.RpcMethodHandler[Any, Any]":
        """The method."""
        decode, encode = pb.FollowRequest.FromString, pb.FollowResponse.SerializeToString
        return grpc.stream_stream_rpc_method_handler(cast("Any", self.follow), decode, encode)


ECHOES = {"Complete": CompleteEcho, "Follow": FollowEcho}


async def serve(method: str, recorded: Path, port: int) -> None:
    """Serve until the process is ended."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handlers = {method: ECHOES[method](recorded).handler()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
