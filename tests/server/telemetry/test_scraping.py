"""Metrics are at /metrics, liveness at /healthz, readiness at /readyz; for whoever asks in HTTP, and a few at a time."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import GaugeMetricFamily

from elman_server.telemetry import scraping as scraping_module
from elman_server.telemetry.scraping import MOST_SCRAPERS, SHARE, Scraping


@pytest.fixture
def well() -> dict[str, bool]:
    """What each probe is to be told."""
    return {"/healthz": True, "/readyz": True}


@pytest.fixture
async def port(well: dict[str, bool]) -> AsyncIterator[int]:
    """Where a registry of one gauge is scraped."""
    registry = CollectorRegistry()
    Gauge("answer", "What it is.", registry=registry).set(42)
    scraping = Scraping(registry, is_alive=lambda: well["/healthz"], is_ready=lambda: well["/readyz"])
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


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_probe_is_told_by_the_status(port: int, well: dict[str, bool], path: str) -> None:
    well |= dict.fromkeys(well, False) | {path: True}
    assert (await ask(port, f"GET {path} HTTP/1.1"))[0] == "HTTP/1.1 200 OK"
    well |= dict.fromkeys(well, True) | {path: False}
    assert (await ask(port, f"GET {path} HTTP/1.1"))[0] == "HTTP/1.1 503 Service Unavailable"
    assert (await ask(port, f"POST {path} HTTP/1.1"))[0] == "HTTP/1.1 405 Method Not Allowed"


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
        ("POST /healthz HTTP/1.1", "405 Method Not Allowed"),
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
    threads = threading.active_count()
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(16)]
    async with asyncio.timeout(20):
        assert threading.active_count() == threads  # a thread for each would let anyone have thousands
        assert [await reader.read() for reader, _ in silent] == [b""] * len(silent)
    for _, writer in silent:
        writer.close()
    assert (await ask(port, "GET /metrics HTTP/1.1"))[0] == "HTTP/1.1 200 OK"


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
async def test_however_many_connect_and_say_nothing_who_asks_is_answered(
    port: int, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scraping_module, "HEAD_SECONDS", 60.0)
    monkeypatch.setattr(scraping_module, "MOST_SILENT", 8)
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(24)]
    for _, writer in silent:
        writer.write(f"GET {path}".encode())
    assert (await ask(port, f"GET {path} HTTP/1.1"))[0] == "HTTP/1.1 200 OK"
    async with asyncio.timeout(20):
        with suppress(ConnectionResetError):
            assert await silent[0][0].read() == b""  # the first had its time, and made room
    for _, writer in silent:
        writer.close()


class Slow:
    """What takes a while to tell, and counts how often it is asked."""

    SECONDS = 0.02

    def __init__(self) -> None:
        self.times = 0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """How often, by now."""
        self.times += 1
        time.sleep(self.SECONDS)
        yield GaugeMetricFamily("times", "How often.", self.times)


async def test_however_many_scrape_metrics_take_a_small_share_of_the_loop_and_are_never_old() -> None:
    slow, registry = Slow(), CollectorRegistry()
    registry.register(slow)
    scraping = Scraping(registry, is_alive=lambda: True, is_ready=lambda: True)
    port = await scraping.start("127.0.0.1", 0)
    before, began = slow.times, time.monotonic()

    async def scrape() -> None:
        for _ in range(3):
            asked = slow.times
            _, answer = await ask(port, "GET /metrics HTTP/1.1")
            assert f"times {asked + 1}.0" in answer or f"times {asked + 2}.0" in answer

    await asyncio.gather(*(scrape() for _ in range(MOST_SCRAPERS // 2)))
    times = slow.times - before
    assert times <= 1 + (time.monotonic() - began) * SHARE / Slow.SECONDS
    await scraping.stop()


async def test_who_scrapes_too_much_is_refused_and_probes_are_answered_beside() -> None:
    slow, registry = Slow(), CollectorRegistry()
    registry.register(slow)
    scraping = Scraping(registry, is_alive=lambda: True, is_ready=lambda: True)
    port = await scraping.start("127.0.0.1", 0)
    await ask(port, "GET /metrics HTTP/1.1")  # now the next ones wait
    several = asyncio.gather(*(ask(port, "GET /metrics HTTP/1.1") for _ in range(3 * MOST_SCRAPERS)))
    while not several.done():
        assert (await ask(port, "GET /healthz HTTP/1.1"))[0] == "HTTP/1.1 200 OK"
    answers = [first for first, _ in await several]
    assert answers.count("HTTP/1.1 503 Service Unavailable") >= MOST_SCRAPERS
    assert set(answers) == {"HTTP/1.1 200 OK", "HTTP/1.1 503 Service Unavailable"}
    await scraping.stop()


def test_who_is_in_the_middle_of_a_request_when_the_process_ends_leaves_no_trace_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow, registry = Slow(), CollectorRegistry()
    registry.register(slow)

    async def live() -> None:
        scraping = Scraping(registry, is_alive=lambda: True, is_ready=lambda: True)
        port = await scraping.start("127.0.0.1", 0)
        await ask(port, "GET /metrics HTTP/1.1")
        for line in ("GET /metr", "GET /metrics HTTP/1.1\r\n\r\n"):
            callers.append(await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port)))
            callers[-1].sendall(line.encode())
        await asyncio.sleep(0.05)  # both are on their way, the second one waits for its turn
        await scraping.stop()

    callers: list[socket.socket] = []
    asyncio.run(live())
    for caller in callers:
        caller.close()
    assert not caplog.records


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text; version=abc", "application/openmetrics-text;version=", "ÿ;;=,"]
)
async def test_whoever_accepts_what_there_is_not_gets_the_usual(port: int, accept: str) -> None:
    first, rest = await ask(port, "GET /metrics HTTP/1.1", f"Accept: {accept}")
    assert first == "HTTP/1.1 200 OK"
    assert "answer 42.0\n" in rest
