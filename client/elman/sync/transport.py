"""The way to a server, one address each: requests in, events or ElmanError out. Tries once; knows no retry and no resume.

`seconds` is how long an answer may take; None is for ever. Its asynchronous twin is `elman.aio.transport`.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

import grpc

from elman.channel import KEPT_CHANNELS, Tls, error_of, options_for
from elman.credentials import NONE, Credentials
from elman.errors import GoElsewhere
from elman.sync.hedge import Events
from elman.sync.stream import DocumentStream, GrpcDocumentStream
from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

Event = TypeVar("Event", covariant=True)


class Transport(Protocol):
    """Answers one request, once. A generator that is closed early cancels its call."""

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> Events[pb.CompleteResponse]:
        """Open a stream of Complete; returns its events."""
        ...

    def follow(self) -> DocumentStream:
        """Open a stream of Follow; whoever opens it closes it."""
        ...

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> Events[pb.ScoreResponse]:
        """Ask Score; its response is the only event."""
        ...

    def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """Ask ListModels."""
        ...

    def close(self) -> None:
        """Close the connection; calls on it end."""
        ...


class GrpcCall(Protocol[Event]):
    """The part of gRPC's call object that is used here."""

    def __next__(self) -> Event: ...

    def cancel(self) -> object: ...


class GrpcEvents(Generic[Event]):
    """The events of a call; dropping the object cancels the call."""

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
        """Cancel the call. Any thread may."""
        self._call.cancel()


class GrpcFuture(Protocol[Event]):
    """The part of gRPC's future that is used here."""

    def result(self) -> Event:
        """The answer, once it has come. Raises grpc.RpcError."""
        ...

    def cancel(self) -> object: ...


class SingleAnswerCall(Generic[Event]):
    """Makes a call with one answer look like a call with a stream."""

    def __init__(self, answer: GrpcFuture[Event]) -> None:
        self._answer = answer
        self._is_read = False

    def __next__(self) -> Event:
        if self._is_read:
            raise StopIteration
        self._is_read = True
        return self._answer.result()

    def cancel(self) -> object:
        return self._answer.cancel()


class GrpcTransport:
    """A channel to one gRPC target, and another once its certificates were renewed."""

    def __init__(self, address: str, credentials: Credentials = NONE, heeds_health: bool = True) -> None:
        """Raises MendRequest."""
        self.address = address
        self._options = options_for(address, heeds_health)
        self._credentials, self._tls = credentials, Tls(address, credentials)
        self._channels: list[grpc.Channel] = []
        self._newest = self._open()

    @property
    def _stub(self) -> CompletionServiceStub:
        if self._tls.is_renewed():
            self._newest = self._open()
        return self._newest

    def _open(self) -> CompletionServiceStub:
        """Calls to come go over a new channel."""
        if self._tls.newest is None:
            channel = grpc.insecure_channel(self.address, options=self._options)
        else:
            channel = grpc.secure_channel(self.address, self._tls.newest, options=self._options)
        self._channels.append(channel)
        if len(self._channels) > KEPT_CHANNELS:
            self._channels.pop(0).close()
        return CompletionServiceStub(channel)

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> Events[pb.CompleteResponse]:
        return GrpcEvents(self._stub.Complete(request, timeout=seconds, metadata=self._credentials.metadata()), self.address)

    def follow(self) -> DocumentStream:
        return GrpcDocumentStream(self._stub, self.address, self._credentials.metadata())

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> Events[pb.ScoreResponse]:
        return GrpcEvents(
            SingleAnswerCall(self._stub.Score.future(request, timeout=seconds, metadata=self._credentials.metadata())),
            self.address,
        )

    def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        try:
            return self._stub.ListModels(request, timeout=seconds, metadata=self._credentials.metadata())
        except grpc.RpcError as error:
            raise error_of(error, self.address) from error

    def close(self) -> None:
        """Close the channels; calls on them end."""
        for channel in self._channels:
            channel.close()
