"""What an operator sees of a server under strain: lag, the queue's age, refusals, slow readers, its end, request ids."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.reference import Reference
from elman_server.telemetry.lag import LOOK_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from tests.server.conftest import Client, Connect, Logged, Start, Stream

    from elman_models.execution.protocol import Advance
    from elman_models.execution.reference import ReferenceOutcome
    from elman_models.law.artifact import Model
    from elman_server.server import Server

ID = "01J-a.b_c:d/e+f=g@h"
LONG = pb.CompleteRequest(limits=pb.Limits(max_characters=1 << 20))


async def scrape(server: Server) -> dict[str, float]:
    """The value of each series, whose name is as Prometheus writes it: `elman_rows{model="one",state="busy"}`."""
    url = f"http://127.0.0.1:{server.metrics_port}/metrics"
    text = await asyncio.to_thread(lambda: urlopen(url, timeout=10).read().decode())
    families: Any = text_string_to_metric_families(text)
    return {series(one.name, **one.labels): one.value for family in families for one in family.samples}


def series(name: str, **labels: str) -> str:
    given = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{given}}}" if given else name


async def test_every_series_is_there_before_the_first_call(server: Server, model: Model) -> None:
    found = await scrape(server)
    at_zero = [
        series("elman_requests_total", method="Complete", model="one", outcome="RESOURCE_EXHAUSTED"),
        series("elman_requests_total", method="ListModels", model="", outcome="INTERNAL"),
        *(series("elman_refusals_total", reason=reason) for reason in ("queue_full", "too_late", "out_of_memory")),
        *(series("elman_refusals_total", reason=reason) for reason in ("unavailable", "defect", "invalid_field")),
        series("elman_suggestions_total", outcome="accepted"),
        series("elman_request_seconds_count", method="Follow"),
        series("elman_queue_abandoned_seconds_count", reason="expired"),
        series("elman_queue_oldest_seconds", model="one"),
        series("elman_calls", method="Follow"),
        *("elman_paused_texts", "elman_unread_calls", "elman_connections", "elman_draining", "elman_tick_seconds_count"),
    ]
    assert {name: found.get(name) for name in at_zero} == dict.fromkeys(at_zero, 0)
    infos = [name for name in found if name.startswith("elman_model_info")]
    assert len(infos) == 1
    assert f'digest="{model.digest}"' in infos[0]
    assert 'model="one"' in infos[0]
    assert 'execution="' in infos[0]
    assert found["process_resident_memory_bytes"] > 0
    assert found[series("python_gc_collections_total", generation="0")] > 0


async def test_no_series_appears_with_what_calls_do(client: Client, server: Server) -> None:
    before = await scrape(server)
    await client.complete(pb.CompleteRequest(prefix="abc"))
    await client.refusal(pb.CompleteRequest(limits=pb.Limits(max_characters=0)))
    await client.refusal(pb.CompleteRequest(model=pb.Model(name="none")))
    await client.stub.Score(pb.ScoreRequest(text="abc"))
    await client.stub.ListModels(pb.ListModelsRequest())
    assert (await scrape(server)).keys() == before.keys()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened, it lets the engine of `held` go on."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
async def held(start: Start, gate: threading.Event) -> Server:
    """A server of one row, where one text may wait, whose first tick takes until the gate opens."""

    class Held(Reference):
        def run(self, advances: Sequence[Advance]) -> ReferenceOutcome:
            gate.wait(60)
            return super().run(advances)

    def make(model: Model, rows: int, *_: object) -> Reference:
        return Held(model, rows, "cpu")

    return await start(rows=1, waiting=1, make_execution=make)


@asynccontextmanager
async def reading(client: Client, seconds: float | None = None) -> AsyncGenerator[Stream]:
    """A long completion that is read."""
    async with client.streaming(LONG, seconds) as call:
        reader = asyncio.gather(read(call), return_exceptions=True)
        yield call
    await reader


async def read(call: Any) -> None:
    """All that is sent."""
    async for _ in call:
        pass


async def test_calls_in_flight_and_the_age_of_the_queue_are_seen(held: Server, gate: threading.Event, connect: Connect) -> None:
    one, other = connect(held), connect(held)
    async with reading(one):
        await one.until(lambda: held.statistics().busy_rows == 1)
        async with reading(other):
            await one.until(lambda: held.statistics().waiting == 1)
            early, late = await scrape(held), await scrape(held)
            gate.set()
    assert early[series("elman_calls", method="Complete")] == 2
    assert early["elman_connections"] == 2
    assert early["elman_callers"] == 2
    assert early["elman_tick_seconds_count"] == 0
    assert (
        0 < early[series("elman_queue_oldest_seconds", model="one")] < late[series("elman_queue_oldest_seconds", model="one")]
    )
    await one.until(lambda: held.statistics().callers == 0)
    found = await scrape(held)
    assert found["elman_tick_seconds_count"] > 0
    assert found["elman_connections"] == 0


@pytest.mark.parametrize("reason", ["expired", "cancelled"])
async def test_what_never_got_a_row_is_counted(held: Server, gate: threading.Event, connect: Connect, reason: str) -> None:
    client = connect(held)
    async with reading(client):
        await client.until(lambda: held.statistics().busy_rows == 1)
        async with reading(client, seconds=1 if reason == "expired" else 60) as second:
            await client.until(lambda: held.statistics().waiting == 1)
            if reason == "cancelled":
                second.cancel()
            await client.until(second.done)
        gate.set()
        await client.until(lambda: held.statistics().waiting == 0)
        found = await scrape(held)
    other = "cancelled" if reason == "expired" else "expired"
    assert found[series("elman_queue_abandoned_seconds_count", reason=reason)] == 1
    assert found[series("elman_queue_abandoned_seconds_count", reason=other)] == 0
    assert found[series("elman_queue_abandoned_seconds_sum", reason=reason)] > 0


async def test_refusals_are_counted_by_reason(held: Server, gate: threading.Event, connect: Connect) -> None:
    client = connect(held)
    async with reading(client):
        await client.until(lambda: held.statistics().busy_rows == 1)
        async with reading(client):
            await client.until(lambda: held.statistics().waiting == 1)
            refused = client.stub.Complete(LONG, metadata=(("x-request-id", ID),))
            assert await refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            gate.set()
    trailers = dict(await refused.trailing_metadata() or ())
    assert trailers["x-request-id"] == ID
    assert float(trailers["grpc-retry-pushback-ms"]) > 0
    await client.refusal(pb.CompleteRequest(limits=pb.Limits(max_characters=0)))
    await client.refusal(pb.CompleteRequest(model=pb.Model(name="none")))
    found = await scrape(held)
    for reason in ("queue_full", "invalid_field", "unknown_model"):
        assert found[series("elman_refusals_total", reason=reason)] == 1
    assert sum(value for name, value in found.items() if name.startswith("elman_refusals_total")) == 3


async def test_texts_of_readers_who_stop_are_seen_until_they_leave(server: Server, connect: Connect) -> None:
    client = connect(server, ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4096))
    wordy = pb.CompleteRequest(limits=LONG.limits, include_log_probabilities=True)
    async with client.streaming(wordy) as call:
        await call.read()
        found: dict[str, float] = {}
        while not (found.get("elman_paused_texts") == found.get("elman_unread_calls") == 1):
            found = await scrape(server)
    await client.until(lambda: server.statistics().paused == 0)


async def test_a_loop_that_stood_still_is_seen(client: Client, server: Server) -> None:
    time.sleep(4 * LOOK_SECONDS)  # noqa: ASYNC251 # the server's loop is this one, and stands still
    found = await scrape(server)
    within = found[series("elman_loop_lag_seconds_bucket", le="0.5")]
    assert found["elman_loop_lag_seconds_count"] > within


async def test_draining_is_told_while_it_lasts(start: Start, connect: Connect) -> None:
    server = await start(drain_notice_seconds=60)
    client = connect(server)
    assert not (await client.stub.ListModels(pb.ListModelsRequest(include_status=True))).server.is_draining
    ready = await asyncio.to_thread(urlopen, f"http://127.0.0.1:{server.metrics_port}/readyz", timeout=10)
    assert ready.status == 200
    stopping = asyncio.create_task(server.until_stopped())
    server.leave()
    await asyncio.sleep(0)
    found = await scrape(server)
    with pytest.raises(HTTPError, match="503"):
        await asyncio.to_thread(urlopen, f"http://127.0.0.1:{server.metrics_port}/readyz", timeout=10)
    status = (await client.stub.ListModels(pb.ListModelsRequest(include_status=True))).server
    server.hurry()
    await stopping
    assert status.is_draining
    assert found["elman_draining"] == 1


@pytest.mark.parametrize("method", ["Complete", "Score", "ListModels", "Follow"])
async def test_a_caller_s_own_identifier_is_logged_and_given_back(client: Client, logged: Logged, method: str) -> None:
    requests = {"Complete": pb.CompleteRequest(), "Score": pb.ScoreRequest(text="a"), "ListModels": pb.ListModelsRequest()}
    request = requests.get(method)
    stub: Any = getattr(client.stub, method)
    call = stub(request, metadata=(("x-request-id", ID),)) if request else stub(iter(()), metadata=(("x-request-id", ID),))
    await (read(call) if method in {"Complete", "Follow"} else call)
    assert ("x-request-id", ID) in list(await call.trailing_metadata())
    await client.until(lambda: [line.get("request_id") for line in logged() if line["event"] == "call"] == [ID])


async def test_a_call_without_an_identifier_gets_none(client: Client, logged: Logged) -> None:
    call = client.stub.ListModels(pb.ListModelsRequest())
    await call
    assert "x-request-id" not in dict(await call.trailing_metadata() or ())
    await client.until(lambda: len(logged()) == 1)
    assert "request_id" not in logged()[0]


@pytest.mark.parametrize(
    "given",
    [[""], ["a" * 129], ['a","event":"forged'], ["two words"], ["{}"], ["one", "two"]],
)
async def test_an_identifier_that_is_none_is_refused_and_not_logged(client: Client, logged: Logged, given: list[str]) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=r"x-request-id: .*") as refused:
        await client.stub.ListModels(pb.ListModelsRequest(), metadata=tuple(("x-request-id", value) for value in given))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "x-request-id" not in dict(refused.value.trailing_metadata() or ())
    await client.until(lambda: len(logged()) == 1)
    (line,) = logged()
    assert line["outcome"] == "INVALID_ARGUMENT"
    assert "request_id" not in line
    assert not any(str(value) == text for value in line.values() for text in given if text)


async def test_the_status_is_told_to_those_who_ask(client: Client, server: Server, model: Model) -> None:
    assert not (await client.stub.ListModels(pb.ListModelsRequest())).HasField("server")
    status = (await client.stub.ListModels(pb.ListModelsRequest(include_status=True))).server
    (one,) = status.models
    assert (one.model.name, one.model.digest, one.rows, one.busy_rows, one.waiting) == ("one", model.digest, 4, 0, 0)
    assert (status.calls, status.is_draining) == (1, False)
    assert 0 < status.held_bytes < status.most_bytes
