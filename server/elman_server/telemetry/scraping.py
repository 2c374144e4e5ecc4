"""Metrics and the health over HTTP, in the event loop: where that stands still, nobody is answered. Knows no metric.

    GET /metrics   200 with the metrics
    GET /healthz   whether the server is alive: 200 while the engine turns, 503 where a tick does not end
    GET /readyz    whether it takes calls: 200, or 503 while it drains or its engine does not turn

It is a port of its own, so that whoever fills the other one with connections does not look like a server that is broken, and
for probes that speak neither TLS nor gRPC with it, such as those of Kubernetes.
"""

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

METRICS, LIVENESS, READINESS = "/metrics", "/healthz", "/readyz"
LARGEST_HEAD: Final = 1 << 14
HEAD_SECONDS: Final = 5.0
MOST_CONNECTIONS: Final = 16
"""More are closed at once: a scraper needs one."""
SHARE: Final = 0.1
"""The share of the event loop's time that metrics may take. Who asks more often waits, and several are told the same."""


class Scraping:
    """Answers a request a connection."""

    def __init__(self, registry: CollectorRegistry, *, is_alive: Callable[[], bool], is_ready: Callable[[], bool]) -> None:
        self._registry, self._health = registry, {LIVENESS: is_alive, READINESS: is_ready}
        self._connections: set[asyncio.StreamWriter] = set()
        self._encoding: dict[str, asyncio.Task[bytes]] = {}  # by kind: what those who wait will be told
        self._turn, self._free_at = asyncio.Lock(), 0.0  # when metrics may take time again

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=LARGEST_HEAD)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port and the connections."""
        self._server.close()
        for encoding in self._encoding.values():
            encoding.cancel()
        for connection in self._connections:
            connection.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) < MOST_CONNECTIONS:
            self._connections.add(writer)
            try:
                async with asyncio.timeout(HEAD_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(await self._answer(head.decode("latin-1")))
                    await writer.drain()
            except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                pass  # whoever it was is no scraper
            self._connections.discard(writer)
        writer.close()

    async def _answer(self, head: str) -> bytes:
        request, *fields = head.split("\r\n")
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if path != METRICS and path not in self._health:
            return response(HTTPStatus.NOT_FOUND, "text/plain", f"there is {METRICS}, {LIVENESS} and {READINESS}\n".encode())
        if method != "GET":
            return response(HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"only GET\n")
        return await self._metrics(fields) if path == METRICS else probed(self._health[path]())

    async def _metrics(self, fields: list[str]) -> bytes:
        encode, kind = choose_encoder(accepted(fields))
        if kind not in self._encoding:
            self._encoding[kind] = asyncio.create_task(self._encode(encode, kind))
        return response(HTTPStatus.OK, kind, await asyncio.shield(self._encoding[kind]))

    async def _encode(self, encode: Callable[[CollectorRegistry], bytes], kind: str) -> bytes:
        async with self._turn:
            await asyncio.sleep(self._free_at - time.monotonic())
            del self._encoding[kind]
            began = time.monotonic()
            body = encode(self._registry)
            ended = time.monotonic()
            self._free_at = ended + (ended - began) * (1 / SHARE - 1)
            return body


def accepted(fields: list[str]) -> str:
    """What the scraper can read; any, if it does not say."""
    named = [field.partition(":") for field in fields]
    return ",".join(value.strip() for name, _, value in named if name.lower() == "accept")


def probed(is_well: bool) -> bytes:
    """What a probe is told."""
    status, answer = (HTTPStatus.OK, b"yes\n") if is_well else (HTTPStatus.SERVICE_UNAVAILABLE, b"no\n")
    return response(status, "text/plain", answer)


def response(status: HTTPStatus, kind: str, body: bytes) -> bytes:
    """A whole response, after which the connection is closed."""
    fields = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close"
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{fields}\r\n\r\n".encode() + body
