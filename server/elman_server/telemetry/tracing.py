"""A span for each call, by OpenTelemetry, whose own variables (OTEL_EXPORTER_OTLP_ENDPOINT and so on) say where they go.

It is off unless it is asked for, and imports nothing of OpenTelemetry before. A span holds what a line of the log holds, and as
little text.
"""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from elman_models.errors import InvalidField

LAST_SPANS_SECONDS: Final = 1.0
"""How long the end waits for spans that are still to be sent."""


class Span(NamedTuple):
    """What is told of one call that has ended."""

    method: str
    outcome: str
    seconds: float
    metadata: Sequence[tuple[str, str]]  # where a caller's own trace goes on
    attributes: Mapping[str, str | int | float]


class Tracing(Protocol):
    """Where spans go."""

    def tell(self, span: Span) -> None:
        """Send a span, some time soon."""
        ...

    def close(self) -> None:
        """Send what is left. Blocks for at most LAST_SPANS_SECONDS."""
        ...


def open_tracing(service: str, version: str) -> Tracing:
    """Spans of the service, to where OpenTelemetry's variables say. Raises InvalidField if it is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError:
        raise InvalidField("traces", True, 'false, unless elman is installed with the extra "otel"') from None
    name = os.environ.get("OTEL_SERVICE_NAME", "elman")
    resource = Resource.create({SERVICE_NAME: name, SERVICE_VERSION: version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetry(provider, service)


class OpenTelemetry:
    """Makes spans of calls that have ended."""

    def __init__(self, provider: Any, service: str) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider, self._service = provider, service
        self._tracer = provider.get_tracer("elman")
        self._extract = TraceContextTextMapPropagator().extract
        self._kind = SpanKind.SERVER
        self._failed = Status(StatusCode.ERROR)

    def tell(self, span: Span) -> None:
        """Send a span, some time soon; what the queue has no room for is lost."""
        end = time.time_ns()
        attributes = {
            "rpc.system": "grpc",
            "rpc.service": self._service,
            "rpc.method": span.method,
            "rpc.grpc.status": span.outcome,
            **span.attributes,
        }
        made = self._tracer.start_span(
            f"{self._service}/{span.method}",
            self._extract(dict(span.metadata)),
            self._kind,
            attributes,
            start_time=end - int(span.seconds * 1e9),
        )
        if span.outcome == "INTERNAL":
            made.set_status(self._failed)
        made.end(end)

    def close(self) -> None:
        """Send what is left; who collects it may not be there, and the exporter goes on trying for longer than we wait."""
        sending = threading.Thread(target=self._provider.force_flush, daemon=True)
        sending.start()
        sending.join(LAST_SPANS_SECONDS)
