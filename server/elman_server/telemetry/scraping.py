"""The metrics and the health over HTTP, in the event loop: a loop that stands still does not look well. Knows no metric.

The health is here for probes that speak neither TLS nor gRPC with it, such as those of Kubernetes.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

METRICS: Final = "/metrics"
HEALTH: Final = "/healthz"
LARGEST_HEAD: Final = 1 << 14
HEAD_SECONDS: Final = 5.0
MOST_CONNECTIONS: Final = 16
"""More are closed at once: a scraper needs one."""


class Scraping:
    """Answers GET /metrics and /healthz, a request a connection."""

    def __init__(self, registry: CollectorRegistry, is_serving: Callable[[], bool]) -> None:
        self._registry, self._is_serving = registry, is_serving
        self._connections: set[asyncio.StreamWriter] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=LARGEST_HEAD)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port and the connections."""
        self._server.close()
        for connection in self._connections:
            connection.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) < MOST_CONNECTIONS:
            self._connections.add(writer)
            try:
                async with asyncio.timeout(HEAD_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._answer(head.decode("latin-1")))
                    await writer.drain()
            except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                pass  # whoever it was is no scraper
            self._connections.discard(writer)
        writer.close()

    def _answer(self, head: str) -> bytes:
        request, *fields = head.split("\r\n")
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if path not in (METRICS, HEALTH):
            return response(HTTPStatus.NOT_FOUND, "text/plain", f"there is only {METRICS} and {HEALTH}\n".encode())
        if method != "GET":
            return response(HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"only GET\n")
        return self._health() if path == HEALTH else self._metrics(fields)

    def _health(self) -> bytes:
        if self._is_serving():
            return response(HTTPStatus.OK, "text/plain", b"SERVING\n")
        return response(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"NOT_SERVING\n")

    def _metrics(self, fields: list[str]) -> bytes:
        encode, kind = choose_encoder(accepted(fields))
        return response(HTTPStatus.OK, kind, encode(self._registry))


def accepted(fields: list[str]) -> str:
    """What the scraper can read; any, if it does not say."""
    named = [field.partition(":") for field in fields]
    return ",".join(value.strip() for name, _, value in named if name.lower() == "accept")


def response(status: HTTPStatus, kind: str, body: bytes) -> bytes:
    """A whole response, after which the connection is closed."""
    fields = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close"
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{fields}\r\n\r\n".encode() + body
