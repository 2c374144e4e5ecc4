"""Metrics are at /metrics and nowhere else, for whoever asks in HTTP, and for at most a few at a time."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry, Gauge

from elman_server.telemetry import scraping as scraping_module
from elman_server.telemetry.scraping import MOST_CONNECTIONS, Scraping


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Where a registry of one gauge is scraped."""
    registry = CollectorRegistry()
    Gauge("answer", "What it is.", registry=registry).set(42)
    scraping = Scraping(registry, lambda: True)
    yield await scraping.start("127.0.0.1", 0)
    await scraping.stop()


async def ask(port: int, *lines: str) -> tuple[str, str]:
    """The first line and the rest of what is answered to the lines of a request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1"))
    async with asyncio.timeout(20):
        answer = (await reader.read()).decode()
    writer.close()
    first, _, rest = answer.partition("\r\n")
    return first, rest


@pytest.mark.parametrize("path", ["/metrics", "/metrics?name=answer"])
async def test_metrics_are_answered_at_their_path(port: int, path: str) -> None:
    first, rest = await ask(port, f"GET {path} HTTP/1.1", "Host: a")
    assert first == "HTTP/1.1 200 OK"
    head, _, body = rest.partition("\r\n\r\n")
    assert "answer 42.0\n" in body
    assert f"Content-Length: {len(body)}" in head
    assert "Content-Type: text/plain" in head


@pytest.mark.parametrize(("is_serving", "status"), [(True, "200 OK"), (False, "503 Service Unavailable")])
async def test_the_health_is_told_to_probes_that_speak_no_grpc(is_serving: bool, status: str) -> None:
    scraping = Scraping(CollectorRegistry(), lambda: is_serving)
    port = await scraping.start("127.0.0.1", 0)
    assert (await ask(port, "GET /healthz HTTP/1.1"))[0] == f"HTTP/1.1 {status}"
    assert (await ask(port, "POST /healthz HTTP/1.1"))[0] == "HTTP/1.1 405 Method Not Allowed"
    await scraping.stop()


async def test_a_scraper_that_reads_openmetrics_gets_it(port: int) -> None:
    _, rest = await ask(port, "GET /metrics HTTP/1.1", "accept: application/openmetrics-text; version=1.0.0")
    assert "application/openmetrics-text" in rest
    assert rest.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET / HTTP/1.1", "404 Not Found"),
        ("GET /metric HTTP/1.1", "404 Not Found"),
        ("POST /metrics HTTP/1.1", "405 Method Not Allowed"),
        ("rubbish", "404 Not Found"),
    ],
)
async def test_nothing_else_is_answered(port: int, request_: str, status: str) -> None:
    first, rest = await ask(port, request_)
    assert first == f"HTTP/1.1 {status}"
    assert "42" not in rest


async def test_who_says_too_much_or_nothing_or_comes_too_often_is_left(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scraping_module, "HEAD_SECONDS", 0.5)
    assert await ask(port, "GET /metrics HTTP/1.1", "Long: " + "a" * (1 << 15)) == ("", "")
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_CONNECTIONS + 1)]
    async with asyncio.timeout(20):
        assert [await reader.read() for reader, _ in silent] == [b""] * len(silent)
    for _, writer in silent:
        writer.close()
    assert (await ask(port, "GET /metrics HTTP/1.1"))[0] == "HTTP/1.1 200 OK"
