"""The way to a server, one address each: requests in, events or ElmanError out. Tries once; knows no retry and no resume.

`seconds` is how long an answer may take; None is for ever.
"""

from collections.abc import AsyncGenerator, Generator, Sequence
from typing import TYPE_CHECKING, Final, Protocol, cast

import grpc

from elman.errors import ElmanError, GoElsewhere, NeverRetry, from_status
from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

if TYPE_CHECKING:
    from elman.v1.completion_service_pb2_grpc import CompletionServiceAsyncStub

LARGEST_MESSAGE_BYTES: Final = 4 << 20
PUSHBACK: Final = "grpc-retry-pushback-ms"
CHANNEL_OPTIONS: Final = (
    ("grpc.lb_policy_name", "round_robin"),  # dns:/// names every replica: calls are spread over them
    ("grpc.max_send_message_length", LARGEST_MESSAGE_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 100),  # a server that comes back is found within the retries of one call
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),  # a failure of one client's connection does not delay another client
)


class Transport(Protocol):
    """Answers one request, once. A generator that is closed early cancels its call."""

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> Generator[pb.CompleteResponse]:
        """The events of one stream."""
        ...

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> pb.ScoreResponse:
        """The score of a text."""
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

    async def score(self, request: pb.ScoreRequest, seconds: float | None) -> pb.ScoreResponse:
        """The score of a text."""
        ...

    async def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """The models."""
        ...

    async def close(self) -> None:
        """Give back what is held."""
        ...


class GrpcTransport:
    """A channel to one gRPC target."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._stub = CompletionServiceStub(self._channel)

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> Generator[pb.CompleteResponse]:
        """The events of one stream."""
        call = self._stub.Complete(request, timeout=seconds)
        try:
            yield from call
        except grpc.RpcError as error:
            raise meaning(error, self._address) from error
        finally:
            call.cancel()

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> pb.ScoreResponse:
        """The score of a text."""
        try:
            return self._stub.Score(request, timeout=seconds)
        except grpc.RpcError as error:
            raise meaning(error, self._address) from error

    def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """The models."""
        try:
            return self._stub.ListModels(request, timeout=seconds)
        except grpc.RpcError as error:
            raise meaning(error, self._address) from error

    def close(self) -> None:
        """Close the channel; calls on it end."""
        self._channel.close()


class AsyncGrpcTransport:
    """A channel to one gRPC target, opened by the first call so that it belongs to that call's event loop."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._channel: grpc.aio.Channel | None = None

    @property
    def _stub(self) -> "CompletionServiceAsyncStub":
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self._address, options=CHANNEL_OPTIONS)
        return CompletionServiceStub(self._channel)

    async def complete(self, request: pb.CompleteRequest, seconds: float | None) -> AsyncGenerator[pb.CompleteResponse]:
        """The events of one stream."""
        call = self._stub.Complete(request, timeout=seconds)
        try:
            async for event in call:
                yield event
        except grpc.aio.AioRpcError as error:
            raise meaning(error, self._address) from error
        finally:
            call.cancel()

    async def score(self, request: pb.ScoreRequest, seconds: float | None) -> pb.ScoreResponse:
        """The score of a text."""
        call = self._stub.Score(request, timeout=seconds)
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise meaning(error, self._address) from error
        finally:
            call.cancel()

    async def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """The models."""
        call = self._stub.ListModels(request, timeout=seconds)
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise meaning(error, self._address) from error
        finally:
            call.cancel()

    async def close(self) -> None:
        """Close the channel; calls on it end."""
        if self._channel is not None:
            await self._channel.close()


def meaning(error: grpc.RpcError, address: str) -> ElmanError:
    """What a failed call means for the caller."""
    call = cast("grpc.Call", error)  # both faces raise an error that is a call, which its type does not say
    status, details = call.code().name, call.details() or "no details"
    meant = from_status(status, details, pushback_seconds(call))
    if isinstance(meant, GoElsewhere):
        return GoElsewhere(f"no completion service at {address}: {details}")
    if status == "UNIMPLEMENTED":
        return NeverRetry(f"{address} serves no elman.v1, or an older one: {details}")
    return meant


def pushback_seconds(call: grpc.Call) -> float | None:
    """After how long the server asks to come back, if it does."""
    for key, value in call.trailing_metadata() or ():
        if key == PUSHBACK and str(value).isdecimal():
            return int(value) / 1000
    return None


def targets(addresses: str | Sequence[str]) -> list[str]:
    """The targets of one address or several; anything that gRPC resolves is passed on as it is."""
    several = [addresses] if isinstance(addresses, str) else list(addresses)
    if not several or not all(several):
        raise NeverRetry(f"addresses: {addresses!r} is empty; allowed: HOST:PORT, or several")
    return several
