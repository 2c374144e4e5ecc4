"""The way to a server, one address each: requests in, events or ElmanError out. Tries once; knows no retry and no resume.

`seconds` is how long an answer may take; None is for ever.
"""

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import grpc

from elman.channel import meaning
from elman.errors import GoElsewhere, NeverRetry
from elman.sync.hedge import Stream
from elman.sync.stream import AsyncFollowing, AsyncGrpcFollowing, Following, GrpcFollowing
from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

if TYPE_CHECKING:
    from elman.v1.completion_service_pb2_grpc import CompletionServiceAsyncStub

Event = TypeVar("Event", covariant=True)

LARGEST_MESSAGE_BYTES: Final = 4 << 20
KEEPALIVE: Final = (("grpc.keepalive_time_ms", 20_000), ("grpc.keepalive_timeout_ms", 5_000))
"""A machine that vanishes without a word is left after 25 seconds at most; elman's servers allow a ping every 10 seconds."""
SERVICE_CONFIG: Final[dict[str, object]] = {
    "loadBalancingConfig": [{"round_robin": {}}],  # dns:/// names every replica: calls are spread over them
    "healthCheckConfig": {"serviceName": "elman.v1.CompletionService"},  # one that drains is left before it refuses
}
CHANNEL_OPTIONS: Final = (
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    ("grpc.max_send_message_length", LARGEST_MESSAGE_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 100),  # a server that comes back is found within the retries of one call
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),  # a failure of one client's connection does not delay another client
    *KEEPALIVE,
)


class Transport(Protocol):
    """Answers one request, once. A generator that is closed early cancels its call."""

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> Stream[pb.CompleteResponse]:
        """The events of one stream."""
        ...

    def follow(self) -> Following:
        """A stream about a document; to be closed."""
        ...

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> Stream[pb.ScoreResponse]:
        """The score of a text, as the only event."""
        ...

    def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """The models."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class AsyncTransport(Protocol):
    """The same, awaited."""

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> AsyncGenerator[pb.CompleteResponse]:
        """The events of one stream."""
        ...

    def follow(self) -> AsyncFollowing:
        """A stream about a document; to be closed."""
        ...

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> AsyncGenerator[pb.ScoreResponse]:
        """The score of a text, as the only event."""
        ...

    async def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """The models."""
        ...

    async def close(self) -> None:
        """Give back what is held."""
        ...


class Call(Protocol[Event]):
    """What is used of a call of gRPC's."""

    def __next__(self) -> Event:
        """The next event."""
        ...

    def cancel(self) -> object:
        """End it."""
        ...


class GrpcStream(Generic[Event]):
    """The events of a call; dropping it cancels the call, too."""

    def __init__(self, call: Call[Event], address: str) -> None:
        self._call, self._address = call, address

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise meaning(error, self._address) from error
        except grpc.FutureCancelledError as error:
            raise GoElsewhere("the call was cancelled") from error

    def close(self) -> None:
        """Cancel the call; from any thread."""
        self._call.cancel()


class Future(Protocol[Event]):
    """What is used of a future of gRPC's."""

    def result(self) -> Event:
        """The answer."""
        ...

    def cancel(self) -> object:
        """End it."""
        ...


class Once(Generic[Event]):
    """A call with one answer, as one with a stream."""

    def __init__(self, answer: Future[Event]) -> None:
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

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> Stream[pb.CompleteResponse]:
        """The events of one stream."""
        return GrpcStream(self._stub.Complete(request, timeout=seconds), self.address)

    def follow(self) -> Following:
        """A stream about a document; to be closed."""
        return GrpcFollowing(self._stub, self.address)

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> Stream[pb.ScoreResponse]:
        """The score of a text, as the only event."""
        return GrpcStream(Once(self._stub.Score.future(request, timeout=seconds)), self.address)

    def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """The models."""
        try:
            return self._stub.ListModels(request, timeout=seconds)
        except grpc.RpcError as error:
            raise meaning(error, self.address) from error

    def close(self) -> None:
        """Close the channel; calls on it end."""
        self._channel.close()


class AsyncGrpcTransport:
    """A channel to one gRPC target, opened by the first call so that it belongs to that call's event loop."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._channel: grpc.aio.Channel | None = None

    @property
    def _stub(self) -> "CompletionServiceAsyncStub":
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self.address, options=CHANNEL_OPTIONS)
        return CompletionServiceStub(self._channel)

    async def complete(self, request: pb.CompleteRequest, seconds: float | None) -> AsyncGenerator[pb.CompleteResponse]:
        """The events of one stream."""
        call = self._stub.Complete(request, timeout=seconds)
        try:
            async for event in call:
                yield event
        except grpc.aio.AioRpcError as error:
            raise meaning(error, self.address) from error
        finally:
            call.cancel()

    def follow(self) -> AsyncFollowing:
        """A stream about a document; to be closed."""
        return AsyncGrpcFollowing(self._stub, self.address)

    async def score(self, request: pb.ScoreRequest, seconds: float | None) -> AsyncGenerator[pb.ScoreResponse]:
        """The score of a text, as the only event."""
        call = self._stub.Score(request, timeout=seconds)
        try:
            yield await call
        except grpc.aio.AioRpcError as error:
            raise meaning(error, self.address) from error
        finally:
            call.cancel()

    async def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """The models."""
        call = self._stub.ListModels(request, timeout=seconds)
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise meaning(error, self.address) from error
        finally:
            call.cancel()

    async def close(self) -> None:
        """Close the channel; calls on it end."""
        if self._channel is not None:
            await self._channel.close()


def targets(addresses: str | Sequence[str]) -> list[str]:
    """The targets of one address or several; anything that gRPC resolves is passed on as it is."""
    several = [addresses] if isinstance(addresses, str) else list(addresses)
    if not several or not all(several):
        raise NeverRetry(f"addresses: {addresses!r} is empty; allowed: HOST:PORT, or several")
    return several
