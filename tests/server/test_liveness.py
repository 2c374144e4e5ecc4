"""A server that stands still looks like one: to whoever asks for its health, and for as long as it does."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.server.test_operation import key, scrape

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.choice import open_execution
from elman_server import server as server_module
from elman_server.engine import ticker as ticker_module
from elman_server.telemetry import lag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.server.conftest import Connect, Logged, Start

    from elman_models.execution.protocol import Advance, Outcome
    from elman_models.law.artifact import Model
    from elman_server.server import Server

PATIENCE_SECONDS = 20.0
STALLED_SECONDS = 0.5
"""How long whoever asks waits for a server of which it is known that it does not answer."""
REQUEST = pb.CompleteRequest(prefix="abc", sampling=pb.Sampling(seed=1), limits=pb.Limits(max_characters=20))


def is_serving(server: Server, seconds: float = PATIENCE_SECONDS) -> bool:
    """What a probe of gRPC makes of the server, in a thread."""
    stub: Any = health_pb2_grpc
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
        try:
            answer = stub.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=seconds)
        except grpc.RpcError:
            return False
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def is_answered(server: Server, path: str, seconds: float = PATIENCE_SECONDS) -> bool:
    """What a probe of HTTP makes of it, in a thread."""
    try:
        with urlopen(f"http://127.0.0.1:{server.metrics_port}{path}", timeout=seconds) as answer:
            return answer.status == 200
    except (HTTPError, TimeoutError):
        return False


def probes(server: Server, seconds: float = PATIENCE_SECONDS) -> list[bool]:
    """What all of them make of it."""
    return [is_serving(server, seconds), is_answered(server, "/healthz", seconds), is_answered(server, "/metrics", seconds)]


async def test_an_event_loop_that_stands_still_answers_no_probe_and_is_well_once_it_turns(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "LOOK_SECONDS", 0.01)
    server = await start()
    assert await asyncio.to_thread(probes, server) == [True, True, True]
    found: list[bool] = []
    probing = threading.Thread(target=lambda: found.extend(probes(server, STALLED_SECONDS)))
    probing.start()
    probing.join()  # meanwhile the loop, which is this thread, does nothing
    assert found == [False, False, False]
    assert await asyncio.to_thread(probes, server) == [True, True, True]
    assert (await scrape(server))[key("loop_lag_seconds_sum")] > 2 * STALLED_SECONDS


class Held:
    """An execution whose ticks end only while they may."""

    name = "held"
    may_end = threading.Event()

    def __init__(self, model: Model, rows: int, *_: object) -> None:
        self._sound = open_execution(model, rows, "cpu")
        self.load = self._sound.load

    def run(self, advances: Sequence[Advance]) -> Outcome:
        self.may_end.wait()
        return self._sound.run(advances)


@pytest.fixture
def may_end() -> Iterator[threading.Event]:
    """Whether ticks end; at last they do."""
    yield Held.may_end
    Held.may_end.set()


async def test_an_engine_whose_tick_does_not_end_is_not_healthy_until_it_does(
    start: Start, connect: Connect, logged: Logged, may_end: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker_module, "SHORT_SECONDS", 0.0)
    monkeypatch.setattr(ticker_module, "STUCK_SECONDS", 1.0)
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.05)
    server = await start(make_execution=Held)
    assert await asyncio.to_thread(probes, server) == [True, True, True]

    async def until(expected: list[bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await asyncio.to_thread(probes, server) != expected:
                pass

    async with connect(server).streaming(REQUEST) as call:
        await until([False, False, True])
        may_end.set()
        await until([True, True, True])
        assert [event async for event in call][-1].HasField("finished")
    said = [line["event"] for line in logged() if line["level"] == "warning"]
    assert said[:2] == ["the engine does not turn", "the engine turns again"]
