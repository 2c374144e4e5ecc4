"""What callers make the server hold is counted and bounded, and given back; a refused call leaves nothing behind."""

from __future__ import annotations

import gc
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_server import server as server_module
from elman_server.engine import budget as budget_module
from elman_server.engine.budget import Budget, default_bytes
from elman_server.errors import OutOfMemory
from elman_server.follow.checkpoints import OVERHEAD_BYTES
from elman_server.rpc import call as call_module
from elman_server.rpc.call import CALL_BYTES

if TYPE_CHECKING:
    from tests.server.conftest import Client, Connect, Start

    from elman_models.law.artifact import Model
    from elman_server.server import Server

MIB = 1 << 20
REFUSED = pb.CompleteRequest(prefix="a" * MIB, limits=pb.Limits(max_characters=1 << 30))

SHORTAGE = """
import asyncio, resource, sys
from pathlib import Path
from types import SimpleNamespace
from elman.v1 import completion_service_pb2 as pb
from elman_server.engine.budget import Budget
from elman_server.rpc.call import Calls
from elman_server.rpc.wire import decode
from elman_server.telemetry.metrics import Metrics

async def main():
    data = pb.CompleteRequest(already_received="a" * (4 << 20)).SerializeToString()
    used = 4096 * int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (used, used))
    calls = Calls(Metrics(), Budget())
    async with calls.answering("Complete", SimpleNamespace(peer=str)) as call:
        decode(pb.CompleteRequest, data, call) if sys.argv[1] == "decode" else bytes(1 << 30)
    print(call.outcome)

asyncio.run(main())
"""
"""A call in a process that gets no more memory."""


def resident_bytes() -> int:
    """What this process holds (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_more_than_the_budget_is_refused_and_what_ends_gives_back() -> None:
    budget = Budget(100)
    one, other = budget.open(), budget.open()
    one.hold(60)
    with pytest.raises(OutOfMemory, match="memory: 50 bytes more, where calls hold 60 of 100 bytes; retry after"):
        other.hold(50)
    assert (budget.held, other.size) == (60, 0)
    one.hold(20)
    other.hold(50)
    one.close()
    assert budget.held == 50


@pytest.mark.parametrize(
    ("said", "expected"), [("1073741824", 1 << 29), ("max", 1 << 28), (str(1 << 63), 1 << 28), (None, 1 << 28)]
)
def test_the_default_is_half_of_the_container_s_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, expected: int
) -> None:
    monkeypatch.setattr(budget_module, "LIMITS", (tmp_path / "absent", tmp_path / "memory.max"))
    if said:
        (tmp_path / "memory.max").write_text(f"{said}\n")
    assert default_bytes() == expected


async def test_a_request_beyond_the_budget_is_refused_and_a_small_one_is_answered(start: Start, connect: Connect) -> None:
    server = await start(memory_bytes=4 * MIB)
    client = connect(server)
    refusal = await client.refusal(pb.CompleteRequest(prefix="a" * MIB))
    assert refusal.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "memory: " in (refusal.details() or "")
    assert 250 <= int(dict(refusal.trailing_metadata())["grpc-retry-pushback-ms"]) <= 750
    assert await client.complete(pb.CompleteRequest(prefix="a", limits=pb.Limits(max_characters=3)))
    follow = client.stub.Follow()
    await follow.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="a" * MIB)))
    assert await follow.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    await client.until(lambda: server.statistics().callers == 0)


async def test_where_small_calls_have_used_up_the_budget_the_next_is_refused(start: Start, connect: Connect) -> None:
    server = await start(memory_bytes=MIB)
    client = connect(server)
    follows = [client.stub.Follow() for _ in range(MIB // CALL_BYTES)]
    opening = pb.FollowRequest(revision=1, open=pb.Open(prefix="a"))
    codes: set[grpc.StatusCode] = set()
    for follow in follows:
        await follow.write(opening)
        try:
            await follow.read()
        except grpc.aio.AioRpcError as error:
            codes.add(error.code())
    refusal = await client.refusal(pb.CompleteRequest(prefix="a"))
    assert codes | {refusal.code()} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    for follow in follows:
        follow.cancel()
    await client.until(lambda: server.held_bytes == 0)
    assert await client.complete(pb.CompleteRequest(prefix="a", limits=pb.Limits(max_characters=3)))


async def test_a_document_at_which_nobody_types_counts_the_states_that_it_keeps(
    model: Model, start: Start, connect: Connect
) -> None:
    """Those of a suggestion that may still be accepted: they come after its request was counted."""
    server = await start()
    client = connect(server)
    follow = client.stub.Follow()
    suggested = 80
    await follow.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="a", limits=pb.Limits(max_characters=suggested))))
    states = (suggested - 8) * (len(model.initial_state) + OVERHEAD_BYTES)
    await client.until(lambda: server.held_bytes >= CALL_BYTES + states)
    follow.cancel()
    await client.until(lambda: server.held_bytes == 0)


class Grown(NamedTuple):
    """A document with more than 24 states, each of so many bytes."""

    server: Server
    client: Client
    follow: Any
    state: int


async def grown(model: Model, start: Start, connect: Connect) -> Grown:
    """A document with all states that a suggestion and some keys bring."""
    server, state = await start(), len(model.initial_state) + OVERHEAD_BYTES
    client = connect(server)
    follow: Any = client.stub.Follow()
    await follow.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="a", suggest=False)))
    for place, character in enumerate("bad cab, ace, dad", 1):
        edit = pb.Edit(keep=place, insert=character, suggest=place == 17)
        await follow.write(pb.FollowRequest(revision=1 + place, edit=edit))
    while not (await follow.read()).HasField("finished"):
        pass
    await client.until(lambda: server.held_bytes > CALL_BYTES + 24 * state)
    return Grown(server, client, follow, state)


@pytest.mark.parametrize("why", ["nobody types", "there is little left"])
async def test_a_document_at_which_nobody_types_makes_do_with_few_states(
    why: str, model: Model, start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.05)
    server, client, follow, state = await grown(model, start, connect)
    monkeypatch.setattr(call_module, *(("IDLE_SECONDS", 0.0) if why == "nobody types" else ("LITTLE_LEFT", 1.0)))
    await client.until(lambda: CALL_BYTES < server.held_bytes <= CALL_BYTES + 8 * state)
    follow.cancel()


async def test_a_document_keeps_its_states_where_somebody_has_just_typed_and_there_is_room(
    model: Model, start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.01)
    server, client, follow, state = await grown(model, start, connect)
    looks: list[None] = []
    monkeypatch.setattr(server_module, "trim", lambda: looks.append(None))  # what comes last of each look
    await client.until(lambda: len(looks) > 3)
    assert server.held_bytes > CALL_BYTES + 24 * state
    follow.cancel()


def test_those_for_whom_there_is_no_memory_do_not_all_come_back_together() -> None:
    delays = {OutOfMemory(1, 1, 1).retry_seconds for _ in range(20)}
    assert len(delays) > 10


@pytest.mark.parametrize("what", ["decode", "check"])
def test_a_shortage_of_memory_is_not_blamed_on_the_request(what: str) -> None:
    done = subprocess.run([sys.executable, "-c", SHORTAGE, what], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "RESOURCE_EXHAUSTED\n"


async def test_who_never_sends_its_requests_delays_no_other_connection(start: Start, connect: Connect) -> None:
    server = await start()
    slow: Any = connect(server).channel.stream_stream
    calls = [slow("/elman.v1.CompletionService/Complete")() for _ in range(99)]
    answered = await connect(server).complete(pb.CompleteRequest(prefix="a", limits=pb.Limits(max_characters=3)))
    assert answered[-1].HasField("finished")
    for call in calls:
        call.cancel()


async def test_refused_calls_leave_nothing_behind_that_has_to_be_collected(start: Start, connect: Connect) -> None:
    client = connect(await start())
    await client.refusal(REFUSED)
    gc.collect()
    gc.disable()
    try:
        before = resident_bytes()
        for _ in range(20):
            assert (await client.refusal(REFUSED)).code() is grpc.StatusCode.INVALID_ARGUMENT
        assert resident_bytes() - before < 10 * MIB  # held, they would be 20 MiB and more
    finally:
        gc.enable()


async def test_who_stops_reading_is_told_so_after_a_while(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_module, "CALLER_SECONDS", 0.3)
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.05)
    server = await start()
    client = connect(server, ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4096))
    request = pb.CompleteRequest(prefix="abc", limits=pb.Limits(max_characters=MIB), include_log_probabilities=True)
    async with client.streaming(request) as call:
        await call.read()
        await client.until(lambda: server.statistics().row_steps > 1024 and not server.statistics().callers)
        await client.until(lambda: not server.statistics().busy_rows)
        await client.until(lambda: server.held_bytes == CALL_BYTES)  # nothing but the call itself
        with suppress(grpc.aio.AioRpcError):
            while isinstance(await call.read(), pb.CompleteResponse):
                pass
        assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "nothing was read" in await call.details()


async def test_who_never_sends_its_request_is_told_so_after_a_while(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_module, "CALLER_SECONDS", 0.3)
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.05)
    client = connect(await start())
    streaming: Any = client.channel.stream_stream
    call = streaming("/elman.v1.CompletionService/Complete")()
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "no request came" in await call.details()
