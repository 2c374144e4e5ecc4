"""A caller who cancels, runs out of time or goes away frees its rows at once and disturbs nobody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from elman.v1 import completion_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Client, Connect, Logged, Start

    from elman_server.server import Server

LONG = pb.Limits(max_characters=1 << 20)


@pytest.fixture
async def server(start: Start) -> Server:
    """One that is slow enough that no text fills its caller's buffer and leaves its row before it is looked for."""
    return await start(instructions="reference")


def endless(**given: Any) -> pb.CompleteRequest:
    """A completion that outlasts the test."""
    request = pb.CompleteRequest(prefix="abc", sampling=pb.Sampling(seed=1), limits=LONG)
    request.MergeFrom(pb.CompleteRequest(**given))
    return request


def neighbour(seed: int) -> pb.CompleteRequest:
    return pb.CompleteRequest(prefix="bad cab", sampling=pb.Sampling(seed=seed), limits=pb.Limits(max_characters=60))


def is_idle(server: Server) -> bool:
    statistics = server.statistics()
    return (statistics.busy_rows, statistics.waiting) == (0, 0)


@pytest.mark.parametrize(
    ("request_", "rows"),
    [
        (endless(), 1),
        (endless(alternatives=4), 4),
        (endless(prefix="", alternatives=3), 3),
        (endless(prefix="a" * (1 << 20)), 1),
        (endless(prefix="a" * (1 << 20), alternatives=4), 1),
    ],
    ids=["decoding", "alternatives", "alternatives of nothing", "priming", "priming for alternatives"],
)
async def test_a_cancelled_call_frees_its_rows(client: Client, server: Server, request_: pb.CompleteRequest, rows: int) -> None:
    async with client.streaming(request_) as call:
        await call.read()
        await client.until(lambda: server.statistics().busy_rows == rows)
    await client.until(lambda: is_idle(server))


async def test_a_cancelled_call_leaves_the_queue(client: Client, server: Server) -> None:
    async with client.streaming(endless(alternatives=4)) as running:
        await running.read()
        await client.until(lambda: server.statistics().busy_rows == 4)
        async with client.streaming(endless(alternatives=2)) as waiting:
            await waiting.read()
            await client.until(lambda: server.statistics().waiting == 1)  # one that consumes the prefix for both
        await client.until(lambda: server.statistics().waiting == 0)
        assert server.statistics().busy_rows == 4
    await client.until(lambda: is_idle(server))


async def test_a_cancelled_score_frees_its_row(client: Client, server: Server) -> None:
    call = client.stub.Score(pb.ScoreRequest(text="a" * 200_000))
    try:
        await client.until(lambda: server.statistics().busy_rows == 1)
    finally:
        call.cancel()
    await client.until(lambda: is_idle(server))


async def test_a_call_out_of_time_frees_its_row(client: Client, server: Server, logged: Logged) -> None:
    async with client.streaming(endless(), seconds=0.3) as call:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            _ = [event async for event in call]
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await client.until(lambda: is_idle(server) and bool(outcomes(logged, "Complete")))
    assert outcomes(logged, "Complete") == ["DEADLINE_EXCEEDED"]


async def test_a_waiting_call_out_of_time_leaves_the_queue_and_is_counted_so(
    client: Client, server: Server, logged: Logged
) -> None:
    async with client.streaming(endless(alternatives=4)) as running:
        await running.read()
        await client.until(lambda: server.statistics().busy_rows == 4)
        async with client.streaming(endless(), seconds=0.2) as waiting:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                _ = [event async for event in waiting]
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await client.until(lambda: server.statistics().waiting == 0 and bool(outcomes(logged, "Complete")))
        assert server.statistics().busy_rows == 4
        assert outcomes(logged, "Complete") == ["DEADLINE_EXCEEDED"]


async def test_documents_scores_and_requests_that_never_come_are_counted_so_when_out_of_time(
    client: Client, server: Server, logged: Logged
) -> None:
    follow = client.stub.Follow(timeout=0.3)
    await follow.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="abc")))
    scoring = client.stub.Score(pb.ScoreRequest(text="a" * 200_000), timeout=0.3)
    streaming: Any = client.channel.stream_stream
    unsent = streaming("/elman.v1.CompletionService/Complete")(timeout=0.3)
    for call in (follow, scoring, unsent):
        assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await client.until(lambda: is_idle(server) and sum(line["event"] == "call" for line in logged()) == 3)
    for method in ("Follow", "Score", "Complete"):
        assert outcomes(logged, method) == ["DEADLINE_EXCEEDED"]


async def test_a_caller_whose_connection_breaks_frees_its_row(server: Server, connect: Connect) -> None:
    gone, stays = connect(server), connect(server)
    async with gone.streaming(endless()) as call:
        await call.read()
        await gone.channel.close()
        await stays.until(lambda: is_idle(server))


async def test_those_who_leave_do_not_disturb_those_who_stay(
    start: Start, connect: Connect, text: Callable[..., str], logged: Logged
) -> None:
    server = await start(rows=6)
    client = connect(server)
    alone = [text(await client.complete(neighbour(seed))) for seed in range(24)]

    async def leave(after: int) -> None:
        async with client.streaming(endless(sampling=pb.Sampling(seed=after), alternatives=1 + after % 3)) as call:
            for _ in range(after % 7):
                await call.read()

    async def stay(seed: int) -> str:
        return text(await client.complete(neighbour(seed)))

    async with asyncio.TaskGroup() as group:
        staying = [group.create_task(stay(seed)) for seed in range(24)]
        leaving = [group.create_task(leave(after)) for after in range(40)]
    assert [task.result() for task in staying] == alone
    assert len(leaving) == 40
    await client.until(lambda: is_idle(server))
    assert set(outcomes(logged, "Complete")) == {"OK", "CANCELLED"}
    assert not [line for line in logged() if line["event"] == "defect"]


def outcomes(logged: Logged, method: str) -> list[str]:
    """How the calls of a method ended, in order."""
    return [line["outcome"] for line in logged() if line.get("method") == method]
