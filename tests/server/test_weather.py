"""More than a server carries: who could not end in time is refused at once, and who is served is served as on a calm day."""

from __future__ import annotations

import asyncio
import socket
import statistics
from contextlib import AsyncExitStack, contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from tests.server.frames import (
    ACKNOWLEDGEMENT,
    PING_FRAME,
    PREFACE,
    SETTINGS,
    beginning,
    beginning_at,
    call,
    message,
    read_frame,
)

from elman.v1 import completion_service_pb2 as pb
from elman_server import server as server_module
from elman_server.engine import pace as pace_module
from elman_server.rpc import taking
from elman_server.rpc.call import CallRecord
from elman_server.rpc.wire import READING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.server.conftest import Client, Connect, Start

    from elman_server.rpc.call import Context
    from elman_server.server import Server

CROWD = 40
LONG = 100_000


@pytest.fixture
async def server(start: Start) -> Server:
    """A server with a row for everybody."""
    return await start(rows=64)


def wanted(characters: int, seed: int = 1) -> pb.CompleteRequest:
    return pb.CompleteRequest(prefix="abc", sampling=pb.Sampling(seed=seed), limits=pb.Limits(max_characters=characters))


async def test_who_could_not_end_in_time_is_refused_at_once_and_told_when_to_come_back(
    server: Server, client: Client, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "BUSY_TICK_SECONDS", 0.0)  # the least rows pay
    async with AsyncExitStack() as crowd:
        others = [connect(server) for _ in range(CROWD)]
        for seed, other in enumerate(others):  # more than pay, each of a caller of its own that reads all the time
            call = await crowd.enter_async_context(other.streaming(wanted(1 << 20, seed)))
            crowd.push_async_callback(cancelled, asyncio.create_task(read_on(call)))
        await client.until(lambda: server.statistics().busy_rows == CROWD)
        async with client.streaming(wanted(LONG), seconds=1.0) as late:
            with pytest.raises(grpc.aio.AioRpcError, match=r"deadline: .* others come first .* retry after") as refused:
                await late.read()
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert int(dict(refused.value.trailing_metadata() or ())["grpc-retry-pushback-ms"]) > 0
        asking: Any = others[0].channel.stream_stream
        unread = asking("/elman.v1.CompletionService/Complete")(timeout=1.0)  # no request could end, and none need come
        assert await unread.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        async with client.streaming(wanted(3), seconds=20.0) as short:  # one that can is served beside them
            assert [event async for event in short][-1].HasField("finished")


async def test_where_nobody_comes_first_no_deadline_is_too_short(client: Client) -> None:
    async with client.streaming(wanted(1 << 20), seconds=0.5) as call:
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            _ = [event async for event in call]
    assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_connection_that_opens_and_resets_calls_harms_nobody(
    server: Server, client: Client, connect: Connect, text: Callable[..., str]
) -> None:
    alone = [text(await client.complete(wanted(60, seed))) for seed in range(20)]

    async def reset_many() -> None:
        fickle = connect(server)
        for _ in range(1000):
            call = fickle.stub.Complete(wanted(1 << 20))
            await asyncio.sleep(0)
            call.cancel()

    resetting = asyncio.create_task(reset_many())
    assert [text(await client.complete(wanted(60, seed))) for seed in range(20)] == alone
    await resetting
    await client.until(lambda: (server.statistics().busy_rows, server.statistics().callers) == (0, 0))


async def test_a_flood_of_one_method_holds_up_no_other(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, follows = list[str](), asyncio.Event()

    def begin(self: CallRecord, context: Context) -> None:
        taken.append(self.method)
        if self.method == "Follow":
            follows.set()
        begin_call(self, context)

    begin_call = CallRecord.begin
    monkeypatch.setattr(CallRecord, "begin", begin)
    server = await start()
    with flood(server, "Complete", 100), flood(server, "Follow", 1):  # all of them are there before the loop turns
        async with asyncio.timeout(20):
            await follows.wait()
        assert taken.index("Follow") < 10


async def test_calls_that_come_together_are_taken_soon_after_each_other(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, are_all, turn = list[int](), asyncio.Event(), 0

    def begin(self: CallRecord, context: Context) -> None:
        begun.append(turn)
        if len(begun) == 20:
            are_all.set()
        begin_call(self, context)

    def count() -> None:
        nonlocal turn
        turn += 1
        asyncio.get_running_loop().call_soon(count)

    begin_call = CallRecord.begin
    monkeypatch.setattr(CallRecord, "begin", begin)
    server = await start()
    asyncio.get_running_loop().call_soon(count)
    with flood(server, "Complete", 20):
        async with asyncio.timeout(20):
            await are_all.wait()
    turns = [after - before for before, after in pairwise(begun)]
    assert statistics.median(turns) <= 2  # grpc.aio alone takes one every four or five turns of the loop


async def test_where_grpc_is_not_as_it_is_known_it_takes_its_calls_alone(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch, text: Callable[..., str]
) -> None:
    answer = text(await connect(await start()).complete(wanted(20)))
    monkeypatch.setitem(taking.KNOWN, "_handle_rpc", ["handlers", "state"])
    assert not taking.is_possible()
    assert text(await connect(await start()).complete(wanted(20))) == answer


async def test_a_path_that_is_no_text_ends_its_own_call_and_no_other(server: Server, client: Client) -> None:
    ask_with_no_text(server)
    for _ in range(3):
        assert len(await client.complete(wanted(3))) > 1
    channel: Any = client.channel
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await channel.unary_unary("/a.b/C")(b"")
    assert ended.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_server_whose_grpc_has_ended_ends_with_a_failure(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """As grpc.aio alone does at such a path."""
    monkeypatch.setitem(taking.KNOWN, "_handle_rpc", ["handlers", "state"])
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.01)
    server = await start()
    ask_with_no_text(server)
    async with asyncio.timeout(20):
        assert await server.until_stopped() == 1


def ask_with_no_text(server: Server) -> None:
    """A call whose path is not UTF-8."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as peer, peer.makefile("rb") as said:
        peer.sendall(PREFACE + beginning_at(1, b"/\xff") + message(1, b"") + PING_FRAME)
        while read_frame(said).payload != bytes(8):
            pass


async def test_who_sends_no_request_keeps_no_other_of_the_connection_waiting(server: Server, client: Client) -> None:
    with flood(server, "Complete", READING) as peer:
        peer.sendall(call(2 * READING + 1, wanted(3).SerializeToString()))
        await client.until(lambda: finished(server) > 0)


def finished(server: Server) -> float:
    """How many completions have ended well."""
    return server.registry.get_sample_value("elman_generated_characters_total") or 0.0


@contextmanager
def flood(server: Server, method: str, calls: int) -> Generator[socket.socket]:
    """A connection with calls that wait for their requests; gRPC has them all."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as peer, peer.makefile("rb") as said:
        peer.sendall(PREFACE)
        assert read_frame(said).kind == SETTINGS
        peer.sendall(ACKNOWLEDGEMENT + b"".join(beginning(2 * number + 1, method) for number in range(calls)) + PING_FRAME)
        while read_frame(said).payload != bytes(8):
            pass
        yield peer


async def read_on(call: grpc.aio.UnaryStreamCall[pb.CompleteRequest, pb.CompleteResponse]) -> None:
    """Read whatever comes."""
    async for _ in call:
        pass


async def cancelled(task: asyncio.Task[None]) -> None:
    """Have a reader stop."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
