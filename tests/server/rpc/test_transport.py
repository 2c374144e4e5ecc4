"""Connections have a limit, beyond which they are closed at once, and who holds one without using it loses its place."""

from __future__ import annotations

import asyncio
import resource
from typing import TYPE_CHECKING

import grpc
import pytest
from tests.server.frames import (
    ACKNOWLEDGED,
    ACKNOWLEDGEMENT,
    GOAWAY,
    HEAD_BYTES,
    PING,
    PING_FRAME,
    PREFACE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    Frame,
    Head,
    beginning,
)

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_server.rpc import transport as transport_module
from elman_server.rpc.transport import most_connections

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Client, Connect, Logged, Start


PING_SECONDS, PINGS = 0.05, 8
SHORT = pb.CompleteRequest(prefix="abc", sampling=pb.Sampling(seed=1), limits=pb.Limits(max_characters=20))
ENDLESS = pb.CompleteRequest(prefix="abc", limits=pb.Limits(max_characters=1 << 20))
QUICK = ("grpc.max_reconnect_backoff_ms", 100)


async def is_refused(client: Client) -> bool:
    """Whether the server has no place for a connection."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await client.complete(SHORT)
    return refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def answer(client: Client) -> list[pb.CompleteResponse]:
    """What is answered once there is a place."""
    async with asyncio.timeout(20):
        await client.channel.channel_ready()
    return await client.complete(SHORT)


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait until the server has closed a connection."""
    async with asyncio.timeout(20):
        while await reader.read(1 << 16):
            pass


async def test_beyond_the_most_connections_are_refused_and_others_are_not_harmed(
    start: Start, connect: Connect, text: Callable[..., str]
) -> None:
    server = await start(connections=2)
    first, second, beyond = (connect(server, QUICK) for _ in range(3))
    alone = text(await answer(first))
    async with second.streaming(ENDLESS) as running:
        assert await running.read()
        assert await is_refused(beyond)
        assert text(await first.complete(SHORT)) == alone
        assert await running.read()
    await first.channel.close()
    assert text(await answer(beyond)) == alone


async def test_who_does_not_speak_http2_loses_its_place(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "HANDSHAKE_SECONDS", 0.3)
    server = await start(connections=2)
    silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
    silent[1][1].write(PREFACE[:20])
    for reader, writer in silent:
        await ended(reader)
        writer.close()
    assert await answer(connect(server, QUICK))


async def test_who_has_no_call_for_long_loses_its_place_and_who_has_one_does_not(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "IDLE_SECONDS", 0.3)
    server = await start(connections=2)
    busy, other = connect(server), connect(server, QUICK)
    follow = busy.stub.Follow()
    await follow.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="abc")))
    assert await anext(aiter(follow))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(PREFACE)
    await ended(reader)
    writer.close()
    assert await answer(other)
    await follow.write(pb.FollowRequest(revision=2, edit=pb.Edit(keep=3, insert="d")))
    async with asyncio.timeout(20):
        async for response in follow:
            if response.revision == 2:
                break
    follow.cancel()


async def test_who_pings_without_a_call_as_clients_do_stays(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "PING_SECONDS", PING_SECONDS)
    server = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(PREFACE)
    for _ in range(PINGS):
        writer.write(PING_FRAME)
        assert await answer_to_ping(reader) == PING
        await asyncio.sleep(1.5 * PING_SECONDS)  # from when the last was answered, so that no two come sooner
    writer.close()


async def test_who_opens_more_streams_than_a_connection_may_have_has_them_refused(start: Start) -> None:
    most, beyond = 100, 20
    server = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(PREFACE)
    assert (await frame(reader)).kind == SETTINGS
    writer.write(ACKNOWLEDGEMENT + b"".join(beginning(2 * number + 1) for number in range(most + beyond)))
    refused: list[int] = []
    while len(refused) < beyond:
        answer = await frame(reader)
        if answer.kind == RST_STREAM and int.from_bytes(answer.payload, "big") == REFUSED_STREAM:
            refused.append(answer.stream)
    writer.close()
    assert refused == [2 * number + 1 for number in range(most, most + beyond)]


async def answer_to_ping(reader: asyncio.StreamReader) -> int:
    """The kind of the frame that answers: a ping, acknowledged, or that the server goes away."""
    while True:
        answer = await frame(reader)
        if answer.kind == GOAWAY or (answer.kind == PING and answer.flags & ACKNOWLEDGED):
            return answer.kind


async def frame(reader: asyncio.StreamReader) -> Frame:
    """The next one."""
    async with asyncio.timeout(20):
        head = Head.of(await reader.readexactly(HEAD_BYTES))
        return Frame(head.kind, head.flags, head.stream, await reader.readexactly(head.size))


def test_by_default_there_are_as_many_as_memory_and_files_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    files = 1 << 20

    def limits(_: int) -> tuple[int, int]:
        return files, files

    monkeypatch.setattr(resource, "getrlimit", limits)
    assert [most_connections(None, size) for size in (1 << 20, 1 << 28, 1 << 30)] == [64, 1024, 4096]
    files = 1024
    assert [most_connections(None, size) for size in (1 << 20, 1 << 28, 1 << 30)] == [64, 512, 512]
    assert most_connections(1023, 1 << 20) == 1023
    files = resource.RLIM_INFINITY
    assert most_connections(None, 1 << 28) == 1024


async def test_the_limits_in_force_are_told_at_the_start(start: Start, logged: Logged) -> None:
    await start(memory_bytes=1 << 26, connections=None)
    (line,) = [line for line in logged() if line["event"] == "serving"]
    assert (line["memory_bytes"], line["connections"]) == (1 << 26, most_connections(None, 1 << 26))


async def test_more_than_there_may_be_open_files_are_refused_by_name(start: Start) -> None:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pytest.raises(InvalidField, match=f"^connections: {files} .* fewer than the {files} files"):
        await start(connections=files)
