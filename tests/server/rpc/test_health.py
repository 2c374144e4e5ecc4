"""Whoever watches the health waits for nobody else, and there are no more than may be."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.server.frames import PING_FRAME, UNREAD_PREFACE, beginning_at, message, read_frame

from elman_server.rpc import health as health_module
from elman_server.rpc.call import SERVICE
from elman_server.rpc.health import MOST_SILENT, WATCH_BYTES

if TYPE_CHECKING:
    from tests.server.conftest import Connect, Start

    from elman_server.server import Server

STATUSES = health_pb2.HealthCheckResponse
REQUEST = health_pb2.HealthCheckRequest(service=SERVICE.full_name)
MOST = 8


@pytest.fixture
async def server(start: Start) -> Server:
    return await start(connections=MOST, drain_notice_seconds=0.5)


def watching(server: Server, connect: Connect, request: Any = REQUEST) -> Any:
    """A new watch, at a connection of its own."""
    stub: Any = health_pb2_grpc
    return stub.HealthStub(connect(server).channel).Watch(request)


async def test_one_who_does_not_read_keeps_the_news_from_nobody(server: Server, connect: Connect) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as peer, peer.makefile("rb") as said:
        watch = beginning_at(1, b"/grpc.health.v1.Health/Watch") + message(1, REQUEST.SerializeToString())
        peer.sendall(UNREAD_PREFACE + watch + PING_FRAME)
        while read_frame(said).payload != bytes(8):
            pass
        call = watching(server, connect)
        async with asyncio.timeout(20):
            assert (await call.read()).status == STATUSES.SERVING
            server.leave()
            stopping = asyncio.create_task(server.until_stopped())
            assert (await call.read()).status == STATUSES.NOT_SERVING
            assert await stopping == 0


async def test_watches_are_counted_and_one_connection_has_half_of_them_at_most(server: Server, connect: Connect) -> None:
    stub: Any = health_pb2_grpc
    greedy = stub.HealthStub(connect(server).channel)
    calls = [greedy.Watch(REQUEST) for _ in range(MOST)]
    answers = await asyncio.gather(*(call.read() for call in calls), return_exceptions=True)
    assert sum(isinstance(each, STATUSES) for each in answers) == MOST // 2
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert {each.code() for each in refused} == {grpc.StatusCode.UNIMPLEMENTED}  # clients go on without
    assert server.held_bytes == MOST // 2 * WATCH_BYTES
    other = watching(server, connect)
    assert (await other.read()).status == STATUSES.SERVING
    for call in (*calls, other):
        call.cancel()
    async with asyncio.timeout(20):
        while server.held_bytes:  # noqa: ASYNC110 # calls tell nobody that they ended
            await asyncio.sleep(0.01)
    assert (await watching(server, connect).read()).status == STATUSES.SERVING


async def test_names_that_there_are_not(server: Server, connect: Connect) -> None:
    for name in ("none", "x" * 1_000_000):
        request = health_pb2.HealthCheckRequest(service=name)
        assert (await watching(server, connect, request).read()).status == STATUSES.SERVICE_UNKNOWN
    stub: Any = health_pb2_grpc
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await stub.HealthStub(connect(server).channel).Check(request)
    assert ended.value.code() is grpc.StatusCode.NOT_FOUND


async def test_who_sends_no_request_gives_way_to_who_does(server: Server, connect: Connect) -> None:
    channel: Any = connect(server).channel
    silent = [channel.stream_stream("/grpc.health.v1.Health/Check")() for _ in range(MOST_SILENT + 1)]
    async with asyncio.timeout(20):
        await asyncio.wait([asyncio.ensure_future(call.code()) for call in silent], return_when=asyncio.FIRST_COMPLETED)
    assert [call.done() for call in silent].count(True) == 1
    assert (await watching(server, connect).read()).status == STATUSES.SERVING
    for call in silent:
        call.cancel()


async def test_who_sends_no_request_is_ended(server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "SILENT_SECONDS", 0.05)
    channel: Any = connect(server).channel
    async with asyncio.timeout(20):
        code = await channel.stream_stream("/grpc.health.v1.Health/Watch")().code()
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert server.held_bytes == 0
