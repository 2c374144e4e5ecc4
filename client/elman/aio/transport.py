"""The way to a server, one address each: requests in, events or ElmanError out. Tries once; knows no retry and no resume.

`seconds` is how long an answer may take; None is for ever. Its synchronous twin is `elman.sync.transport`.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Protocol

import grpc

from elman.aio.stream import AsyncDocumentStream, AsyncGrpcDocumentStream
from elman.channel import KEPT_CHANNELS, Tls, error_of, options_for
from elman.credentials import NONE, Credentials
from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

if TYPE_CHECKING:
    from elman.v1.completion_service_pb2_grpc import CompletionServiceAsyncStub


class AsyncTransport(Protocol):
    """Answers one request, once. A generator that is closed early cancels its call."""

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> AsyncGenerator[pb.CompleteResponse]:
        """Open a stream of Complete; returns its events."""
        ...

    def follow(self) -> AsyncDocumentStream:
        """Open a stream of Follow; whoever opens it closes it."""
        ...

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> AsyncGenerator[pb.ScoreResponse]:
        """Ask Score; its response is the only event."""
        ...

    async def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """Ask ListModels."""
        ...

    async def close(self) -> None:
        """Close the connection; calls on it end."""
        ...


class AsyncGrpcTransport:
    """A channel to one gRPC target, opened by the first call so that it belongs to that call's event loop.

    There is another once its certificates were renewed.
    """

    def __init__(self, address: str, credentials: Credentials = NONE) -> None:
        """Raises MendRequest."""
        self.address = address
        self._credentials, self._tls = credentials, Tls(address, credentials)
        self._channels: list[grpc.aio.Channel] = []
        self._closing: asyncio.Future[None] | None = None

    @property
    def _stub(self) -> "CompletionServiceAsyncStub":
        if self._tls.is_renewed() or not self._channels:
            self._open()
        return CompletionServiceStub(self._channels[-1])

    def _open(self) -> None:
        """Calls to come go over a new channel."""
        options = options_for(self.address)
        if self._tls.newest is None:
            self._channels.append(grpc.aio.insecure_channel(self.address, options=options))
        else:
            self._channels.append(grpc.aio.secure_channel(self.address, self._tls.newest, options=options))
        if len(self._channels) > KEPT_CHANNELS:
            self._closing = asyncio.ensure_future(self._channels.pop(0).close())

    async def complete(self, request: pb.CompleteRequest, seconds: float | None) -> AsyncGenerator[pb.CompleteResponse]:
        call = self._stub.Complete(request, timeout=seconds, metadata=self._credentials.metadata())
        try:
            async for event in call:
                yield event
        except grpc.aio.AioRpcError as error:
            raise error_of(error, self.address) from error
        finally:
            call.cancel()

    def follow(self) -> AsyncDocumentStream:
        return AsyncGrpcDocumentStream(self._stub, self.address, self._credentials.metadata())

    async def score(self, request: pb.ScoreRequest, seconds: float | None) -> AsyncGenerator[pb.ScoreResponse]:
        call = self._stub.Score(request, timeout=seconds, metadata=self._credentials.metadata())
        try:
            yield await call
        except grpc.aio.AioRpcError as error:
            raise error_of(error, self.address) from error
        finally:
            call.cancel()

    async def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        call = self._stub.ListModels(request, timeout=seconds, metadata=self._credentials.metadata())
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise error_of(error, self.address) from error
        finally:
            call.cancel()

    async def close(self) -> None:
        """Close the channels; calls on them end."""
        for channel in self._channels:
            await channel.close()
        if self._closing:
            await self._closing
