"""The way to a server, one address each: requests in, events or ElmanError out. Tries once; knows no retry and no resume.

`seconds` is how long an answer may take; None is for ever. Its asynchronous twin is `elman.aio.transport`.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

import grpc

from elman.channel import CHANNEL_OPTIONS, error_of
from elman.errors import GoElsewhere
from elman.sync.hedge import Events
from elman.sync.stream import DocumentStream, GrpcDocumentStream
from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

Event = TypeVar("Event", covariant=True)


class Transport(Protocol):
    """Answers one request, once. A generator that is closed early cancels its call."""

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> Events[pb.CompleteResponse]:
        """The events of one stream."""
        ...

    def follow(self) -> DocumentStream:
        """A stream about a document; to be closed."""
        ...

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> Events[pb.ScoreResponse]:
        """The score of a text, as the only event."""
        ...

    def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """The models."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class GrpcCall(Protocol[Event]):
    """What is used of a call of gRPC's."""

    def __next__(self) -> Event:
        """The next event."""
        ...

    def cancel(self) -> object:
        """End it."""
        ...


class GrpcEvents(Generic[Event]):
    """The events of a call; dropping it cancels the call, too."""

    def __init__(self, call: GrpcCall[Event], address: str) -> None:
        self._call, self._address = call, address

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise error_of(error, self._address) from error
        except grpc.FutureCancelledError as error:
            raise GoElsewhere("the call was cancelled") from error

    def close(self) -> None:
        """Cancel the call; from any thread."""
        self._call.cancel()


class GrpcFuture(Protocol[Event]):
    """What is used of a future of gRPC's."""

    def result(self) -> Event:
        """The answer."""
        ...

    def cancel(self) -> object:
        """End it."""
        ...


class SingleAnswerCall(Generic[Event]):
    """A call with one answer, as one with a stream."""

    def __init__(self, answer: GrpcFuture[Event]) -> None:
        self._answer = answer
        self._is_read = False

    def __next__(self) -> Event:
        if self._is_read:
            raise StopIteration
        self._is_read = True
        return self._answer.result()

    def cancel(self) -> object:
        """End it."""
        return self._answer.cancel()


class GrpcTransport:
    """A channel to one gRPC target."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._stub = CompletionServiceStub(self._channel)

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> Events[pb.CompleteResponse]:
        """The events of one stream."""
        return GrpcEvents(self._stub.Complete(request, timeout=seconds), self.address)

    def follow(self) -> DocumentStream:
        """A stream about a document; to be closed."""
        return GrpcDocumentStream(self._stub, self.address)

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> Events[pb.ScoreResponse]:
        """The score of a text, as the only event."""
        return GrpcEvents(SingleAnswerCall(self._stub.Score.future(request, timeout=seconds)), self.address)

    def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """The models."""
        try:
            return self._stub.ListModels(request, timeout=seconds)
        except grpc.RpcError as error:
            raise error_of(error, self.address) from error

    def close(self) -> None:
        """Close the channel; calls on it end."""
        self._channel.close()
