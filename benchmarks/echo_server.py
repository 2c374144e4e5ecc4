"""A server with a constant in place of the engine: the floor that gRPC and Python set, under the real server's own messages.

    python benchmarks/echo_server.py CONVERSATIONS PORT

The same method, proto and library as the real one; it replays recorded conversations in turn, whatever it is asked.
"""

import asyncio
import sys
from itertools import cycle
from pathlib import Path
from typing import Any, TypeAlias, cast

import conversation
import grpc

from elman.v1 import completion_service_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["CompletionService"].full_name
Context: TypeAlias = grpc.aio.ServicerContext[pb.CompleteRequest, pb.CompleteResponse]


class Echo:
    """Answers Complete."""

    def __init__(self, conversations: list[conversation.Conversation]) -> None:
        self._conversations = cycle(conversations)

    async def complete(self, _request: pb.CompleteRequest, context: Context) -> None:
        """The next conversation."""
        for message in next(self._conversations):
            await context.write(message)

    def handlers(self) -> grpc.GenericRpcHandler:
        """The method by name."""
        decode, encode = pb.CompleteRequest.FromString, pb.CompleteResponse.SerializeToString
        complete = grpc.unary_stream_rpc_method_handler(cast("Any", self.complete), decode, encode)
        return grpc.method_handlers_generic_handler(SERVICE, {"Complete": complete})


async def serve(path: Path, port: int) -> None:
    """Serve until the process is ended."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((Echo(conversation.load(path)).handlers(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
