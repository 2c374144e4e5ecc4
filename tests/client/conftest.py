"""A completion service that breaks where a test says so: the real engine behind a real port, one character a piece."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from elman.protocol.retry import Retry
from elman.sync.client import Client
from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceServicer, add_CompletionServiceServicer_to_server
from elman_models.errors import Refused
from elman_models.execution.choice import open_execution
from elman_models.law.artifact import Model
from elman_server.embedded import ROWS, Embedded
from elman_server.requests.catalogue import Catalogue, Served

SERVICE = "elman.v1.CompletionService"
AT_ONCE = Retry(first_seconds=0, largest_seconds=0)


@dataclass(frozen=True, slots=True)
class Break:
    """End a stream after a number of characters, all alternatives together."""

    after: int
    status: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    details: str = "the test breaks this stream"
    pushback: str = ""  # milliseconds


class Scripted(CompletionServiceServicer):
    """Answers with the engine, breaks as told, and remembers what it was asked."""

    def __init__(self, engine: Embedded) -> None:
        self._engine = engine
        self.address = ""
        self.breaks: list[Break | None] = []  # one for each stream to come
        self.requests: list[Any] = []
        self.pause_after: int | None = None  # characters after which a stream waits for `proceed`
        self.proceed = threading.Event()
        self.is_gone = threading.Event()  # a stream was cancelled
        self._rollouts: dict[int, Embedded] = {}

    def roll_out(self, model: Model, after: int = 0) -> None:
        """Serve another model, from some more requests on."""
        self._rollouts[len(self.requests) + after] = embedded(model)

    def _note(self, request: Any) -> None:
        self._engine = self._rollouts.get(len(self.requests), self._engine)
        self.requests.append(request)

    def Complete(self, request: pb.CompleteRequest, context: grpc.ServicerContext) -> Iterator[pb.CompleteResponse]:
        self._note(request)
        is_over = threading.Event()
        context.add_callback(lambda: self._note_end(is_over))
        planned = self.breaks.pop(0) if self.breaks else None
        try:
            yield from self._until_break(planned, request, context)
        finally:
            is_over.set()

    def _until_break(
        self, planned: Break | None, request: pb.CompleteRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.CompleteResponse]:
        sent = 0
        for event in self._events(request, context):
            self._break_or_wait(planned, sent, context)
            yield event
            sent += event.HasField("piece")
        self._break_or_wait(planned, sent, context)

    def Follow(
        self, request_iterator: Iterator[pb.FollowRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.FollowResponse]:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "no script follows a document")

    def Score(self, request: pb.ScoreRequest, context: grpc.ServicerContext) -> pb.ScoreResponse:
        self._note(request)
        self._break_or_wait(self.breaks.pop(0) if self.breaks else None, 0, context)
        try:
            return self._engine.score(request)
        except Refused as error:
            context.abort(grpc.StatusCode[error.status], str(error))

    def ListModels(self, request: pb.ListModelsRequest, context: grpc.ServicerContext) -> pb.ListModelsResponse:
        self._note(request)
        self._break_or_wait(self.breaks.pop(0) if self.breaks else None, 0, context)
        return self._engine.list_models(request)

    def _events(self, request: pb.CompleteRequest, context: grpc.ServicerContext) -> Iterator[pb.CompleteResponse]:
        """The engine's events, one character in each piece."""
        try:
            for event in self._engine.complete(request):
                yield from one_by_one(event.piece) if event.HasField("piece") else [event]
        except Refused as error:
            context.abort(grpc.StatusCode[error.status], str(error))

    def _break_or_wait(self, planned: Break | None, sent: int, context: grpc.ServicerContext) -> None:
        if planned is not None and sent == planned.after:
            if planned.pushback:
                context.set_trailing_metadata((("grpc-retry-pushback-ms", planned.pushback),))
            context.abort(planned.status, planned.details)
        if sent == self.pause_after:
            self.proceed.wait(20)

    def _note_end(self, is_over: threading.Event) -> None:
        if not is_over.is_set():
            self.is_gone.set()
            self.proceed.set()


def embedded(model: Model, *names: str) -> Embedded:
    """An engine of a model, under one name or several."""
    catalogue = Catalogue([Served(name, model) for name in names or ("tiny",)])
    return Embedded(catalogue, {model.digest: open_execution(model, ROWS, "cpu")})


def one_by_one(piece: pb.Piece) -> Iterator[pb.CompleteResponse]:
    """The same text in pieces of one character."""
    for index, character in enumerate(piece.text):
        log_probabilities = piece.log_probabilities[index : index + 1]
        one = pb.Piece(text=character, alternative=piece.alternative, position=piece.position + index)
        one.log_probabilities.extend(log_probabilities)
        yield pb.CompleteResponse(piece=one)


def add_health(server: grpc.Server) -> None:
    """Say that the service is serving, to those who check and those who watch."""
    servicer = cast("Any", health).HealthServicer()
    servicer.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    cast("Any", health_pb2_grpc).add_HealthServicer_to_server(servicer, server)


StartScripted: TypeAlias = Callable[..., Scripted]
Connect: TypeAlias = Callable[..., Client]


@pytest.fixture
def start_scripted(model: Model) -> Iterator[StartScripted]:
    """Starts a scripted service on a free port: (the names of its models)."""
    with ExitStack() as stack:

        def start(*names: str) -> Scripted:
            scripted = Scripted(embedded(model, *names))
            server = grpc.server(ThreadPoolExecutor(1))
            add_CompletionServiceServicer_to_server(scripted, server)
            add_health(server)
            scripted.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
            server.start()
            stack.callback(lambda: server.stop(None).wait())
            stack.callback(scripted.proceed.set)
            return scripted

        yield start


@pytest.fixture
def scripted(start_scripted: StartScripted) -> Scripted:
    """One scripted service."""
    return start_scripted()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes clients that retry at once: (addresses)."""
    with ExitStack() as stack:

        def connect_one(addresses: str | Sequence[str], retry: Retry = AT_ONCE) -> Client:
            return stack.enter_context(Client(addresses, retry=retry))

        yield connect_one


@pytest.fixture
def client(scripted: Scripted, connect: Connect) -> Client:
    """A client of the scripted service."""
    return connect(scripted.address)


@pytest.fixture(scope="session")
def break_at() -> type[Break]:
    """A planned break: (after, status, details, pushback)."""
    return Break


@pytest.fixture(scope="session")
def at_once() -> Retry:
    """Retries without a wait."""
    return AT_ONCE
