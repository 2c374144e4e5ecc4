"""What an operator sees: logs without text, metrics that match what was done, health, reflection."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import ArtifactError
from elman_server import server as server_module
from elman_server.telemetry.log import log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.server.conftest import Client, Connect, Logged, Start, Stream

    from elman_models.law.artifact import Model
    from elman_server.server import Server

SERVICE = "elman.v1.CompletionService"
LABELS = {
    "elman_requests_total": {"method", "model", "outcome"},
    "elman_time_to_first_character_seconds_bucket": {"le"},
    "elman_inter_character_seconds_bucket": {"le"},
    "elman_request_seconds_bucket": {"method", "le"},
    "elman_queue_seconds_bucket": {"le"},
    "elman_queue_abandoned_seconds_bucket": {"reason", "le"},
    "elman_tick_seconds_bucket": {"le"},
    "elman_loop_lag_seconds_bucket": {"le"},
    "elman_refusals_total": {"reason"},
    "elman_rows": {"model", "state"},
    "elman_queue_length": {"model"},
    "elman_queue_oldest_seconds": {"model"},
    "elman_paused_texts": set[str](),
    "elman_callers": set[str](),
    "elman_calls": {"method"},
    "elman_connections": set[str](),
    "elman_unread_calls": set[str](),
    "elman_memory_bytes": {"state"},
    "elman_draining": set[str](),
    "elman_log_lines_dropped_total": set[str](),
    "elman_suggestions_total": {"outcome"},
    "elman_model_info": {"model", "digest", "execution"},
    "elman_model_kept": {"model"},
    "elman_models_replaced": set[str](),
    "elman_steps_total": set[str](),
    "elman_row_steps_total": set[str](),
    "elman_prefix_characters_total": {"source"},
    "elman_generated_characters_total": set[str](),
    "elman_build_info": {"version"},
    "elman_workers": set[str](),
    "elman_workers_replaced_total": set[str](),
    "process_open_fds": set[str](),
    "process_resident_memory_bytes": set[str](),
}


async def scrape(server: Server) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """(name, labels) -> value, as Prometheus reads it."""
    url = f"http://127.0.0.1:{server.metrics_port}/metrics"
    text = await asyncio.to_thread(lambda: urlopen(url, timeout=10).read().decode())
    families: Any = text_string_to_metric_families(text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"elman_{name}", frozenset(labels.items())


async def settled(client: Client, logged: Logged, calls: int) -> None:
    """Wait until as many calls are in the log: a caller knows of its end a moment before."""
    await client.until(lambda: sum(line["event"] == "call" for line in logged()) == calls)


async def test_metrics_match_what_was_done(client: Client, server: Server, logged: Logged) -> None:
    limits = pb.Limits(max_characters=40)
    first = await client.complete(pb.CompleteRequest(prefix="abcZ", limits=limits))
    state = first[-1].finished.state
    await client.complete(pb.CompleteRequest(state=state, prefix="d", limits=limits, alternatives=3))
    await client.stub.Score(pb.ScoreRequest(text="abcdef"))
    await client.refusal(pb.CompleteRequest(limits=pb.Limits(max_characters=0)))
    await client.refusal(pb.CompleteRequest(model=pb.Model(name="somebody's own words")))
    await settled(client, logged, 5)
    found = await scrape(server)
    expected = {
        key("requests_total", method="Complete", model="one", outcome="OK"): 2,
        key("requests_total", method="Complete", model="", outcome="INVALID_ARGUMENT"): 1,
        key("requests_total", method="Complete", model="", outcome="NOT_FOUND"): 1,
        key("requests_total", method="Score", model="one", outcome="OK"): 1,
        key("generated_characters_total"): 160,
        key("prefix_characters_total", source="sent"): 4 + 1 + 6,
        key("prefix_characters_total", source="spared"): 44,
        key("time_to_first_character_seconds_count"): 2,
        key("request_seconds_count", method="Complete"): 4,
        key("queue_seconds_count"): 5,
        key("rows", model="one", state="busy"): 0,
        key("rows", model="one", state="free"): 4,
        key("queue_length", model="one"): 0,
        key("row_steps_total"): 4 + 40 + 1 + 3 * 40 + 6,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert 0 < found[key("steps_total")] <= found[key("row_steps_total")]
    assert all("somebody" not in value for _, labels in found for _, value in labels)


async def test_metrics_have_the_names_labels_and_buckets_of_the_design(client: Client, server: Server, logged: Logged) -> None:
    await client.complete(pb.CompleteRequest(prefix="abc"))
    await settled(client, logged, 1)
    found = await scrape(server)
    for name, labels in LABELS.items():
        assert {frozenset(label for label, _ in given) for one, given in found if one == name} == {frozenset(labels)}, name
    bounds = sorted(float(dict(labels)["le"]) for name, labels in found if name == "elman_queue_seconds_bucket")
    assert bounds[:-1] == [float(f"{digit}e{power}") for power in range(-5, 2) for digit in (1, 2, 5)][1:-1]
    (version,) = [dict(labels)["version"] for name, labels in found if name == "elman_build_info"]
    assert version


async def read(call: Stream) -> None:
    """All that is sent."""
    async for _ in call:
        pass


async def test_rows_and_the_queue_are_seen_while_they_are_in_use(start: Start, connect: Connect) -> None:
    server = await start(rows=1)
    client = connect(server)
    long = pb.CompleteRequest(limits=pb.Limits(max_characters=1 << 20))
    async with client.streaming(long) as first, client.streaming(long) as second:
        readers = asyncio.gather(read(first), read(second), return_exceptions=True)  # who does not read leaves its row
        await client.until(lambda: (server.statistics().busy_rows, server.statistics().waiting) == (1, 1))
        found = await scrape(server)
    await readers
    assert found[key("rows", model="one", state="busy")] == 1
    assert found[key("rows", model="one", state="free")] == 0
    assert found[key("queue_length", model="one")] == 1


async def test_a_log_line_is_enough_to_replay_a_call_and_holds_no_text(client: Client, model: Model, logged: Logged) -> None:
    sampling = pb.Sampling(seed=99, temperature=0.5, top_k=7, top_p=0.5, min_p=0.25)
    limits = pb.Limits(max_characters=30, stop=["Überraschung", "QQQ"], min_confidence=2.0**-20)
    events = await client.complete(pb.CompleteRequest(prefix="geheim Wort", sampling=sampling, limits=limits))
    await settled(client, logged, 1)
    (line,) = [line for line in logged() if line["event"] == "call"]
    sent = sum(len(event.piece.text) for event in events)
    expected = {
        "method": "Complete",
        "model": "one",
        "outcome": "OK",
        "digest": model.digest,
        "seed": 99,
        "temperature": 0.5,
        "top_k": 7,
        "top_p": 0.5,
        "min_p": 0.25,
        "max_characters": 30,
        "stop_strings": 2,
        "start_position": 11,
        "prefix_characters": 11,
        "unknown_characters": 7,
        "received_characters": 0,
        "first_alternative": 0,
        "alternatives": 1,
        "generated_characters": sent,
    }
    assert {name: line.get(name) for name in expected} == expected
    assert len(line["identifier"]) == 16
    assert min(line[f"{part}seconds"] for part in ("", "queue_", "prime_", "decode_")) >= 0
    text = "".join(event.piece.text for event in events)
    for secret in ("geheim", "Wort", "QQQ", "berraschung", *([text] if len(text) > 3 else [])):
        assert secret not in json.dumps(logged(), ensure_ascii=False)


async def test_refused_calls_are_logged_without_what_was_refused(client: Client, logged: Logged) -> None:
    secret = "geheim"
    await client.refusal(pb.CompleteRequest(prefix=secret, model=pb.Model(name=secret)))
    await client.refusal(pb.CompleteRequest(prefix=secret, limits=pb.Limits(stop=[secret * 20])))
    seed, digest = pb.Sampling(seed=1), pb.Model(digest=(await client.complete(pb.CompleteRequest()))[0].started.model.digest)
    await client.refusal(pb.CompleteRequest(model=digest, sampling=seed, already_received=secret))
    channel: Any = client.channel
    raw = channel.unary_unary(f"/{SERVICE}/Score")
    with pytest.raises(grpc.aio.AioRpcError, match=r"request: 10 bytes"):
        await raw(b"\x1a\x08" + secret.encode() + b"\xff\xff")
    await settled(client, logged, 5)
    lines = [line for line in logged() if line["event"] == "call"]
    refused = ["NOT_FOUND", "INVALID_ARGUMENT", "INVALID_ARGUMENT", "INVALID_ARGUMENT"]
    assert sorted(line["outcome"] for line in lines) == sorted([*refused, "OK"])
    assert [line["method"] for line in lines if line["method"] == "Score"] == ["Score"]
    assert secret not in json.dumps(lines)


async def test_what_a_state_remembers_is_told_nobody(client: Client, server: Server, logged: Logged) -> None:
    """A state holds the caller's text: neither logs nor metrics nor refusals repeat any of it, in whatever spelling."""
    (*_, last) = await client.complete(
        pb.CompleteRequest(prefix="a bad cab fed a dad " * 2, limits=pb.Limits(max_characters=1))
    )
    state = last.finished.state
    broken = [state[:-20] + state[-8:], state[:-8] + bytes(8), state + b"a bad cab", state[1:], b"a bad cab fed a dad"]
    details = [(await client.refusal(pb.CompleteRequest(state=each))).details() or "" for each in broken]
    await client.complete(pb.CompleteRequest(state=state))
    await settled(client, logged, len(broken) + 2)
    metrics = await asyncio.to_thread(
        lambda: urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics", timeout=10).read().decode()
    )
    said = json.dumps(logged(), ensure_ascii=False) + metrics + "".join(details)
    remembered = state[-30:-8]
    for spelling in ("a bad", "bad cab", remembered.hex()[:16], b64encode(remembered[:12]).decode(), repr(remembered)[2:18]):
        assert spelling not in said


async def test_a_defect_is_told_by_an_identifier_that_is_in_the_log(
    client: Client, server: Server, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "geheim"

    def break_down(_: object) -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr("elman_server.rpc.service.list_models", break_down)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.stub.ListModels(pb.ListModelsRequest())
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    await settled(client, logged, 1)
    (defect,) = [line for line in logged() if line["event"] == "defect"]
    assert (defect["level"], defect["exception"]) == ("error", "RuntimeError")
    assert "break_down" in defect["trace"]
    assert defect["identifier"] in (caught.value.details() or "")
    assert secret not in json.dumps(logged()) + (caught.value.details() or "")
    assert "break_down" not in (caught.value.details() or "")
    found = await scrape(server)
    assert found[key("requests_total", method="ListModels", model="", outcome="INTERNAL")] == 1


@pytest.mark.parametrize("name", ["", SERVICE])
async def test_the_health_of_the_server_and_of_its_service_is_told(client: Client, name: str) -> None:
    stub: Any = health_pb2_grpc
    answer = await stub.HealthStub(client.channel).Check(health_pb2.HealthCheckRequest(service=name))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_lists_and_describes_the_service(client: Client) -> None:
    stub: Any = reflection_pb2_grpc
    requests: Any = reflection_pb2.ServerReflectionRequest
    call = stub.ServerReflectionStub(client.channel).ServerReflectionInfo()
    try:
        await call.write(requests(list_services=""))
        listed = [one.name for one in (await call.read()).list_services_response.service]
        assert set(listed) == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
        await call.write(requests(file_containing_symbol=SERVICE))
        assert b"CompleteRequest" in (await call.read()).file_descriptor_response.file_descriptor_proto[0]
    finally:
        call.cancel()


def test_a_line_of_the_log_holds_whatever_a_file_is_named(logged: Logged) -> None:
    log("serving", path="\udcff.safetensors", seed=(1 << 64) - 1)
    (line,) = logged()
    assert (line["path"], line["seed"]) == ("\udcff.safetensors", (1 << 64) - 1)


async def test_a_method_that_there_is_not_is_counted_under_no_name_of_its_own(client: Client, server: Server) -> None:
    unary: Any = client.channel.unary_unary
    method = unary("/elman.v1.CompletionService/SomebodysOwnWords")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await method(b"")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    found = await scrape(server)
    assert found[key("requests_total", method="unknown", model="", outcome="UNIMPLEMENTED")] == 1
    assert "Somebody" not in str(found)


async def test_calls_that_end_before_their_requests_came_are_counted_and_share_a_line_of_the_log(
    start: Start, connect: Connect, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.05)
    server = await start()
    client = connect(server)
    for method in ("Complete", "Score"):
        streaming: Any = client.channel.stream_stream
        call = streaming(f"/elman.v1.CompletionService/{method}")()
        await call.write(b"a" * (5 << 20))
        assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    follow = client.stub.Follow()
    await follow.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="a" * (5 << 20))))
    assert await follow.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    leaving = streaming("/elman.v1.CompletionService/Complete")()
    async with asyncio.timeout(20):
        while not (await scrape(server))[key("calls", method="Complete")]:
            pass
    leaving.cancel()
    shared = "calls ended before their requests came"
    await client.until(lambda: sum(line["calls"] for line in logged() if line["event"] == shared) == 4)
    assert not [line for line in logged() if line["event"] == "call"]
    found = await scrape(server)
    for method, calls in (("Complete", 2), ("Score", 1), ("Follow", 1)):
        assert found[key("requests_total", method=method, model="", outcome="CANCELLED")] == calls


async def test_reflection_and_metrics_can_be_left_out_and_metrics_have_an_address_of_their_own(
    start: Start, connect: Connect
) -> None:
    silent = await start(reflection=False, metrics=False)
    assert silent.metrics_port is None
    stub: Any = reflection_pb2_grpc
    call = stub.ServerReflectionStub(connect(silent).channel).ServerReflectionInfo()
    assert await call.code() is grpc.StatusCode.UNIMPLEMENTED
    elsewhere = await start(metrics_host="127.0.0.2")
    url = f"http://127.0.0.2:{elsewhere.metrics_port}/metrics"
    assert "elman_rows" in await asyncio.to_thread(lambda: urlopen(url, timeout=10).read().decode())
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", elsewhere.metrics_port)


async def test_a_model_that_is_pinned_is_loaded_only_with_its_digest(
    start: Start, artifacts: dict[str, Path], model: Model
) -> None:
    await start(models=(f"one={artifacts['one']}@{model.digest}", "python"))
    with pytest.raises(ArtifactError, match=f"two.safetensors has the digest [0-9a-f]{{64}}; allowed: {model.digest}$"):
        await start(models=(f"one={artifacts['two']}@{model.digest}",))
    for pin in model.digest[:-1], model.digest.upper(), "":
        with pytest.raises(ArtifactError, match=r"^model: no file at .* after @ has 64 lower-case hexadecimal digits"):
            await start(models=(f"one={artifacts['one']}@{pin}",))


async def test_metadata_that_is_too_large_ends_its_call_alone(client: Client, text: Callable[..., str]) -> None:
    """The core refuses it, before there is a call that could be counted."""
    request = pb.CompleteRequest(prefix="abc", sampling=pb.Sampling(seed=1), limits=pb.Limits(max_characters=20))
    whole = text(await client.complete(request))
    beside = client.stub.Complete(request)
    refused = client.stub.Complete(request, metadata=(("x-long", "a" * (1 << 16)),))
    assert await refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert text([event async for event in beside]) == whole
