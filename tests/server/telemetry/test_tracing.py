"""Spans reach a real collector, go on where the caller's trace is, and hold no text; nobody waits for one that is not there."""

import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub
from elman_models.errors import InvalidField
from elman_models.law.artifact import Model, save
from elman_server.config import ServerConfig
from elman_server.telemetry.tracing import LAST_SPANS_SECONDS, open_tracing

collector = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc")
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(collector.TraceServiceServicer):
    """Keeps the spans that come."""

    def __init__(self) -> None:
        self.spans = queue.Queue[tuple[Any, Any]]()
        self.port = 0

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.put((span, resource.resource))
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

        return ExportTraceServiceResponse()


@pytest.fixture
def collecting() -> Iterator[Collector]:
    """A collector on a port of this machine."""
    server, servicer = grpc.server(ThreadPoolExecutor(2)), Collector()
    collector.add_TraceServiceServicer_to_server(servicer, server)
    servicer.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer
    server.stop(None).wait()


@contextmanager
def serving(model: Model, folder: Path, collector_port: int, *flags: str) -> Generator[tuple[subprocess.Popen[bytes], int]]:
    """A server that sends its spans to a port."""
    save(model, folder / "small.safetensors")
    command = [sys.executable, "-m", "elman", "serve", "--model", f"small={folder}/small.safetensors"]
    command += ["--port", "0", "--metrics-port", "0", "--drain-notice-seconds", "0", *flags]
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector_port}", "OTEL_SERVICE_NAME": "mine"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ | variables) as process:
        assert process.stderr is not None
        yield process, json.loads(process.stderr.readline())["port"]
        process.send_signal(signal.SIGTERM)
        process.stderr.read()


def attributes(item: Any) -> dict[str, Any]:
    """As plain values."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in item.attributes}


def test_a_call_is_a_span_of_its_caller_s_trace_without_its_text(collecting: Collector, model: Model, tmp_path: Path) -> None:
    request = pb.CompleteRequest(prefix="a bad cab", sampling=pb.Sampling(seed=1), limits=pb.Limits(max_characters=9))
    with (
        serving(model, tmp_path, collecting.port, "--traces") as (_, port),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        metadata = (("traceparent", f"00-{TRACE}-{PARENT}-01"), ("x-request-id", "mine-1"))
        pieces = list(CompletionServiceStub(channel).Complete(request, metadata=metadata))
    span, resource = collecting.spans.get(timeout=20)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.name == "elman.v1.CompletionService/Complete"
    assert span.kind == span.SPAN_KIND_SERVER
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 60e9
    told = attributes(span)
    assert {"elman.queue_seconds", "elman.identifier"} <= told.keys()
    expected = {
        "rpc.system": "grpc",
        "rpc.method": "Complete",
        "rpc.grpc.status": "OK",
        "elman.model": "small",
        "elman.request_id": "mine-1",
        "elman.generated_characters": 9,
    }
    assert expected.items() <= told.items()
    assert attributes(resource)["service.name"] == "mine"
    text = "".join(each.piece.text for each in pieces)
    sent = str(span) + str(resource)
    assert "bad cab" not in sent
    assert text not in sent


def test_a_refused_call_is_a_trace_of_its_own_and_nothing_is_sent_unasked(
    collecting: Collector, model: Model, tmp_path: Path
) -> None:
    refused = pb.CompleteRequest(model=pb.Model(name="geheim"))
    for flags in ((), ("--traces",)):
        with (
            serving(model, tmp_path, collecting.port, *flags) as (_, port),
            grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
            pytest.raises(grpc.RpcError),
        ):
            list(CompletionServiceStub(channel).Complete(refused))
    span, _ = collecting.spans.get(timeout=20)
    assert attributes(span)["rpc.grpc.status"] == "NOT_FOUND"
    assert not span.parent_span_id
    assert "geheim" not in str(span)
    assert collecting.spans.empty()


def test_a_server_ends_though_nobody_collects(model: Model, tmp_path: Path) -> None:
    with serving(model, tmp_path, 1, "--traces") as (process, port):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            CompletionServiceStub(channel).ListModels(pb.ListModelsRequest())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30 + LAST_SPANS_SECONDS) == 0


def test_without_the_extra_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(InvalidField, match=r'traces: True.*the extra "otel"'):
        open_tracing("service", "1")


def test_traces_are_off_and_opentelemetry_is_not_imported_unless_they_are_asked_for() -> None:
    assert not ServerConfig().traces
    script = "import sys, elman_server.server; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
