"""What a server of grpc.aio drops when it is told to stop, with a grace: calls of a connection that it has had for long.

    python benchmarks/stopping.py        prints a JSON object: for each kind, how many calls were sent and how many dropped

`held`: calls that have reached gRPC's core while the event loop was busy. grpc.aio asks the core for one call at a time, and
what it has not asked for is dropped. `on_their_way`: calls that reach it after the stop, from a peer who has not read yet that
the server goes away. Both end CANCELLED, which no client of gRPC tries again by itself. Frames of HTTP/2, by hand (resets.py).
"""

import asyncio
import json
import socket
import time
from typing import Any, Final

import grpc
from resets import ACKNOWLEDGED, BEGINNING, END_HEADERS, HEADERS, SETTINGS, frame

DATA, END_STREAM = 0, 1
CALLS: Final = 5
BUSY_SECONDS, GRACE_SECONDS = 0.2, 2.0


class Answers(grpc.GenericRpcHandler):
    """Answers every call with a message, and takes its time."""

    def service(self, handler_call_details: Any) -> Any:
        """The same for all."""
        streaming: Any = grpc.stream_stream_rpc_method_handler
        return streaming(self._answer)

    async def _answer(self, _: object, context: Any) -> None:
        await context.write(b"answer")
        await asyncio.sleep(BUSY_SECONDS)


async def dropped(*, are_held: bool) -> int:
    """How many of the calls had no answer."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)], handlers=[Answers()])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + frame(SETTINGS, ACKNOWLEDGED, 0) + call(1))
        await asyncio.sleep(BUSY_SECONDS / 2)  # the first call is running, so the connection stays
        if are_held:
            send(peer)
            time.sleep(BUSY_SECONDS)  # noqa: ASYNC251 # the loop is busy, and gRPC's own threads are not
        stopping = asyncio.create_task(server.stop(GRACE_SECONDS))
        await asyncio.sleep(0)  # it is told at once
        if not are_held:
            send(peer)
        answered = await asyncio.to_thread(streams_with_data, peer)
        await stopping
    return CALLS - len(answered - {1})


def call(stream: int) -> bytes:
    """A call without a message."""
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, BEGINNING)


def send(peer: socket.socket) -> None:
    """Begin the calls."""
    peer.sendall(b"".join(call(2 * number + 3) for number in range(CALLS)))


def streams_with_data(peer: socket.socket) -> set[int]:
    """The streams on which messages came, until nothing more comes."""
    peer.settimeout(3 * BUSY_SECONDS)
    said = b""
    try:
        while part := peer.recv(1 << 16):
            said += part
    except TimeoutError:
        pass
    streams = set[int]()
    while len(said) >= 9:
        size, kind, stream = int.from_bytes(said[:3], "big"), said[3], int.from_bytes(said[5:9], "big")
        streams |= {stream} if kind == DATA else set()
        said = said[9 + size :]
    return streams


async def measure() -> dict[str, dict[str, int]]:
    """Both kinds."""
    kinds = {"held": True, "on_their_way": False}
    return {name: {"sent": CALLS, "dropped": await dropped(are_held=are_held)} for name, are_held in kinds.items()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())))
