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
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

METRICS, LIVENESS, READINESS = "/metrics", "/healthz", "/readyz"
LARGEST_HEAD: Final = 1 << 14
HEAD_SECONDS: Final = 5.0
MOST_SILENT: Final = 256
"""Connections that have not asked yet, of which many come at a time. With one more, the one that has been silent for longest
is closed: who only holds connections keeps no probe away."""
MOST_SCRAPERS: Final = 16
"""Who wait for the metrics, or do not read them; more are refused: one is what there should be."""
SHARE: Final = 0.1
"""The share of the event loop's time that metrics may take. Who asks more often waits, and several are told the same."""


class Scraping:
    """Answers a request a connection."""

    def __init__(self, registry: CollectorRegistry, *, is_alive: Callable[[], bool], is_ready: Callable[[], bool]) -> None:
        self._registry, self._health = registry, {LIVENESS: is_alive, READINESS: is_ready}
        self._answering: set[asyncio.Task[None]] = set()
        self._silent: dict[asyncio.StreamWriter, None] = {}  # who has not asked yet, the oldest first
        self._scrapers = 0
        self._encoding: dict[str, asyncio.Task[bytes]] = {}  # by kind: what those who wait will be told
        self._turn, self._free_at = asyncio.Lock(), 0.0  # when metrics may take time again

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises OSError."""
        self._server = await asyncio.start_server(self._begin, host, port, limit=LARGEST_HEAD)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port and the connections."""
        self._server.close()
        tasks: list[asyncio.Task[Any]] = [*self._answering, *self._encoding.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await self._head(reader, writer)
                await self._answer(head.decode("latin-1"), writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever it was is no scraper
        finally:
            writer.close()

    async def _head(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        if len(self._silent) >= MOST_SILENT:
            oldest = next(iter(self._silent))
            del self._silent[oldest]
            oldest.transport.abort()
        self._silent[writer] = None
        try:
            return await reader.readuntil(b"\r\n\r\n")
        finally:
            self._silent.pop(writer, None)

    async def _answer(self, head: str, writer: asyncio.StreamWriter) -> None:
        request, *fields = head.split("\r\n")
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if path != METRICS and path not in self._health:
            writer.write(
                response(HTTPStatus.NOT_FOUND, "text/plain", f"there is {METRICS}, {LIVENESS} and {READINESS}\n".encode())
            )
        elif method != "GET":
            writer.write(response(HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"only GET\n"))
        elif path != METRICS:
            writer.write(probed(self._health[path]()))
        elif self._scrapers == MOST_SCRAPERS:
            writer.write(response(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"others wait for the metrics\n"))
        else:
            self._scrapers += 1
            try:
                writer.write(await self._metrics(fields))
                await writer.drain()
            finally:
                self._scrapers -= 1

    async def _metrics(self, fields: list[str]) -> bytes:
        encode, kind = encoder_for(accepted(fields))
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


def encoder_for(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    """How to write metrics for who accepts that, and what it is; the usual way where that cannot be told."""
    try:
        return choose_encoder(accept)
    except (ValueError, TypeError):  # a version that is no number
        return choose_encoder("")


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
