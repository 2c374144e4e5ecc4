"""Connections have a limit, beyond which they are closed at once, and who holds one without using it loses its place."""

from __future__ import annotations

import asyncio
import resource
from typing import TYPE_CHECKING

import grpc
import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_server.rpc import transport as transport_module
from elman_server.rpc.transport import most_connections

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Client, Connect, Logged, Start


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # with empty settings (RFC 9113, 3.4)
HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 1, 3, 4, 6, 7
END_HEADERS, REFUSED_STREAM = 4, 7
ACKNOWLEDGED = b"\0\0\0\4\1\0\0\0\0"
PING_FRAME = b"\0\0\x08\6\0\0\0\0\0" + bytes(8)
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
    fields = {":path": "/elman.v1.CompletionService/Complete", ":authority": "a", "te": "trailers"}
    fields |= {"content-type": "application/grpc"}
    literals = (
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(each)]) + each.encode() for name, each in fields.items()
    )
    block = b"\x83\x86" + b"".join(literals)  # POST over http (RFC 7541, appendix A: 3 and 6), and the rest as it is
    head = len(block).to_bytes(3, "big") + bytes([HEADERS, END_HEADERS])
    server = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(PREFACE)
    assert (await frame(reader))[0] == SETTINGS
    writer.write(ACKNOWLEDGED + b"".join(head + (2 * number + 1).to_bytes(4, "big") + block for number in range(most + beyond)))
    writer.write(PING_FRAME)
    refused = 0
    while (answer := await frame(reader))[:2] != (PING, 1):
        refused += answer == (RST_STREAM, 0, REFUSED_STREAM.to_bytes(4, "big"))
    writer.close()
    assert refused == beyond


async def answer_to_ping(reader: asyncio.StreamReader) -> int:
    """The kind of the frame that answers: a ping, acknowledged, or that the server goes away."""
    while True:
        kind, flags, _ = await frame(reader)
        if kind == GOAWAY or (kind == PING and flags):
            return kind


async def frame(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """The kind, the flags and the payload of the next frame (RFC 9113, 4.1)."""
    async with asyncio.timeout(20):
        *size, kind, flags = (await reader.readexactly(9))[:5]
        return kind, flags, await reader.readexactly(int.from_bytes(size, "big"))


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
