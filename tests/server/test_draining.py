"""A server leaves in good order: seen by watchers first, then closed to new calls, running ones finished or told to go."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.server.frames import ACKNOWLEDGEMENT, DATA, HEAD_BYTES, PING_FRAME, PREFACE, SETTINGS, Head, call, read_frame

from elman.channel import SERVICE_CONFIG
from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_models.execution.reference import Reference
from elman_server.rpc import call as call_module

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from tests.server.conftest import Client, Connect, Logged, Start, Stream

    from elman_models.execution.protocol import Advance, Outcome
    from elman_models.execution.protocol import Start as RowStart
    from elman_models.law.artifact import Model

SERVE = """
import json, sys
from elman_server.config import ServerConfig
from elman_server.server import serve
serve(ServerConfig(**json.loads(sys.argv[1])))
"""
STUCK = f"""
import time
from elman_server import server as server_module
server_module.STALLED_SECONDS = 0.2
server_module.Server.leave = lambda _: time.sleep(1000)
{SERVE}"""
"""One whose event loop stands still from the signal on."""
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
LONG = 1 << 20
WHAT_IT_SAYS = "what the caller wrote"


class Process:
    """A server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    async def next_event(self) -> str:
        """What the next line of its log tells."""
        assert self.process.stderr is not None
        return json.loads(await self.process.stderr.readline())["event"]


def wanted(characters: int) -> pb.CompleteRequest:
    return pb.CompleteRequest(prefix="abc", sampling=pb.Sampling(seed=3), limits=pb.Limits(max_characters=characters))


@asynccontextmanager
async def serving(config: dict[str, Any], program: str = SERVE) -> AsyncGenerator[Process, None]:
    """A server process that has said that it serves."""
    arguments = ("-c", program, json.dumps(config))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.PIPE)
    try:
        assert process.stderr is not None
        first = json.loads(await process.stderr.readline())
        assert first["event"] == "serving"
        yield Process(process, first["port"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def watch(channel: grpc.aio.Channel, service: str = "") -> Any:
    """Watches the health of a server; the package ships without types."""
    stub: Any = health_pb2_grpc
    return stub.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service))


async def test_a_terminated_server_leaves_in_good_order(
    artifacts: dict[str, Path], connect: Connect, text: Callable[..., str]
) -> None:
    config = {"models": [f"one={artifacts['one']}"], "port": 0, "metrics_port": 0}
    async with serving({**config, "drain_notice_seconds": 1.5, "grace_seconds": 3}) as process, asyncio.timeout(60):
        client: Client = connect(process)
        whole = text(await client.complete(wanted(1500)))
        watching = watch(client.channel)
        try:
            assert (await watching.read()).status == SERVING
            endless = wanted(LONG)
            endless.alternatives = 16  # a small model draws one such text in seconds
            async with client.streaming(wanted(1500)) as finishing, client.streaming(endless) as outlasting:
                assert await read(finishing)
                assert await read(outlasting)
                process.process.send_signal(signal.SIGTERM)
                assert (await watching.read()).status == NOT_SERVING
                late = await connect(process).complete(wanted(5))  # who has not looked yet is served through the notice
                assert whole.startswith(text(late))
                finished, broken = await asyncio.gather(rest(finishing), rest(outlasting))
                assert (text(finished), await finishing.code()) == (whole, grpc.StatusCode.OK)
                assert len(text(broken)) > 0
                assert await outlasting.code() is grpc.StatusCode.UNAVAILABLE
            assert await process.process.wait() == 0
        finally:
            watching.cancel()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_second_signal_waits_for_nobody(number: signal.Signals, artifacts: dict[str, Path], connect: Connect) -> None:
    config = {"models": [f"one={artifacts['one']}"], "port": 0, "metrics_port": 0}
    async with serving({**config, "drain_notice_seconds": 60, "grace_seconds": 60}) as process, asyncio.timeout(30):
        endless = wanted(LONG)
        endless.alternatives = 16
        async with connect(process).streaming(endless) as running:
            assert await read(running)
            process.process.send_signal(number)
            assert await process.next_event() == "draining"
            process.process.send_signal(number)
            await rest(running)
            assert await running.code() is grpc.StatusCode.UNAVAILABLE
        assert await process.process.wait() == 0


async def test_a_server_that_is_stuck_while_it_drains_is_ended_after_the_grace(artifacts: dict[str, Path]) -> None:
    config = {"models": [f"one={artifacts['one']}"], "port": 0, "metrics_port": 0}
    async with serving({**config, "drain_notice_seconds": 0, "grace_seconds": 0}, STUCK) as process, asyncio.timeout(30):
        process.process.send_signal(signal.SIGTERM)
        assert await process.process.wait() == 1


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_file_system_that_does_not_answer_does_not_hold_up_the_end(
    workers: int, artifacts: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "one.safetensors"
    shutil.copy(artifacts["one"], path)
    config = {"models": [f"one={path}"], "port": 0, "metrics_port": 0, "workers": workers}
    program = SERVE if workers == 1 else SERVE.replace("elman_server.server", "elman_server.workers.parent")
    async with serving({**config, "drain_notice_seconds": 0}, program) as process, asyncio.timeout(60):
        path.unlink()
        os.mkfifo(path)
        process.process.send_signal(signal.SIGHUP)
        while True:
            with suppress(OSError):
                writing = os.open(path, os.O_WRONLY | os.O_NONBLOCK)  # possible once it is being read
                break
            await asyncio.sleep(0.01)
        process.process.send_signal(signal.SIGTERM)
        assert await process.process.wait() == 0
        os.close(writing)


async def test_who_only_watches_the_health_does_not_hold_up_the_end(start: Start, connect: Connect) -> None:
    server = await start(grace_seconds=60)
    client = connect(server)
    watching = watch(client.channel)
    try:
        assert (await watching.read()).status == SERVING
        server.leave()
        async with asyncio.timeout(10):
            assert await server.until_stopped() == 0
    finally:
        watching.cancel()


async def test_a_client_of_grpc_that_is_configured_as_advised_has_left_before_the_port_closes(
    start: Start, connect: Connect
) -> None:
    page = (Path(__file__).parents[2] / "deploy/README.md").read_text()
    (advice,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    given = json.loads(advice)
    (retried,) = given.pop("methodConfig")  # what the library does by itself
    assert retried["name"] == [{"service": call_module.SERVICE.full_name}]
    assert given == SERVICE_CONFIG
    leaving, staying = await start(drain_notice_seconds=600), await start()
    client: Client = connect((leaving, staying), ("grpc.service_config", advice))

    async def calls() -> list[int]:
        """How many of some steps each server takes for calls that come one after the other."""
        before = [server.statistics().row_steps for server in (leaving, staying)]
        for _ in range(8):
            await client.complete(wanted(3))
        return [server.statistics().row_steps - steps for server, steps in zip((leaving, staying), before, strict=True)]

    stopping = asyncio.create_task(leaving.until_stopped())
    try:
        async with asyncio.timeout(30):
            while not all(await calls()):
                pass
            leaving.leave()
            while (await calls())[0]:
                pass
        assert not stopping.done()
    finally:
        leaving.hurry()
    assert await stopping == 0


async def test_calls_that_had_come_when_a_server_leaves_are_served_though_its_loop_had_no_time_for_them(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_module, "QUIET_SECONDS", 0.2)
    streams = range(1, 11, 2)
    server = await start(grace_seconds=20)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as peer, peer.makefile("rb") as said:
        peer.sendall(PREFACE)
        assert read_frame(said).kind == SETTINGS
        peer.sendall(ACKNOWLEDGEMENT + b"".join(call(stream, wanted(3).SerializeToString()) for stream in streams) + PING_FRAME)
        while read_frame(said).payload != bytes(8):  # gRPC has them all; the loop, which waits here, has none
            pass
        server.leave()
        stopping = asyncio.create_task(server.until_stopped())
        answered = await asyncio.to_thread(streams_with_data, said)
        assert await stopping == 0
    assert answered == set(streams)


def streams_with_data(said: IO[bytes]) -> set[int]:
    """The calls that got messages, once the server has closed the connection."""
    streams = set[int]()
    while head := said.read(HEAD_BYTES):
        size, kind, _, stream = Head.of(head)
        said.read(size)
        streams |= {stream} if kind == DATA else set()
    return streams


async def test_a_reader_who_is_behind_at_the_end_is_told_where_to_go(start: Start, connect: Connect) -> None:
    server = await start(rows=1)
    client = connect(server, ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4096))
    request = wanted(LONG)
    request.include_log_probabilities = True
    async with client.streaming(request) as call:
        await call.read()
        await client.until(lambda: server.statistics().row_steps > 1024 and not server.statistics().busy_rows)
        server.leave()
        assert await server.until_stopped() == 0
        await rest(call)
        assert await call.code() is grpc.StatusCode.UNAVAILABLE


async def read(call: Stream) -> pb.CompleteResponse | None:
    """The next event; None at the end, whatever it is."""
    try:
        event = await call.read()
    except grpc.aio.AioRpcError:
        return None
    return event if isinstance(event, pb.CompleteResponse) else None


async def rest(call: Stream) -> list[pb.CompleteResponse]:
    """The events that are left."""
    events: list[pb.CompleteResponse] = []
    while event := await read(call):
        events.append(event)
    return events


class Breaking:
    """An execution that is the reference for some ticks and then raises."""

    name = "breaking"

    def __init__(self, model: Model, rows: int, *_: object) -> None:
        self._sound = Reference(model, rows)
        self._left = 20

    def load(self, row: int, start: RowStart) -> None:
        self._sound.load(row, start)

    def run(self, advances: Sequence[Advance]) -> Outcome:
        self._left -= 1
        if not self._left:
            raise RuntimeError(WHAT_IT_SAYS)
        return self._sound.run(advances)


async def test_a_failing_engine_ends_the_process_and_never_tells_a_wrong_character(
    start: Start, connect: Connect, text: Callable[..., str], logged: Logged
) -> None:
    whole = text(await connect(await start()).complete(wanted(2000)))
    server = await start(make_execution=Breaking, drain_notice_seconds=60, grace_seconds=60)
    client = connect(server)
    watching = watch(client.channel)
    try:
        assert (await watching.read()).status == SERVING
        scoring = client.stub.Score(pb.ScoreRequest(text="abc" * 10_000))
        stopping = asyncio.create_task(server.until_stopped())
        async with client.streaming(wanted(LONG)) as call:
            events = await rest(call)
            details = await call.details()
            assert await call.code() is await scoring.code() is grpc.StatusCode.INTERNAL
        assert whole.startswith(text(events))
        assert (await watching.read()).status == NOT_SERVING
        assert await stopping == 1
    finally:
        watching.cancel()
    (failed,) = [line for line in logged() if line["event"] == "engine failed"]
    assert failed["identifier"] in details
    assert WHAT_IT_SAYS not in json.dumps(logged()) + details


async def test_a_port_in_use_is_refused_by_name(start: Start) -> None:
    server = await start()
    for name, port in (("port", server.port), ("metrics_port", server.metrics_port)):
        with pytest.raises(InvalidField, match=f"^{name}: {port} .* in use"):
            await start(**{name: port})
    with pytest.raises(InvalidField, match=r"^port: 0 .* 203\.0\.113\.1"):
        await start(host="203.0.113.1", insecure=True)


@pytest.mark.parametrize("names", [("same", "same"), ("one", "two", "one")])
async def test_two_models_of_one_name_are_refused(start: Start, artifacts: dict[str, Path], names: tuple[str, ...]) -> None:
    with pytest.raises(InvalidField, match=r"^model: .* a different name for each"):
        await start(models=tuple(f"{name}={artifacts['one']}" for name in names))
