"""One stream about a document over gRPC: requests are sent as they come, responses wait to be taken. Knows no document.

Sending a request drops the waiting responses that are about an older text, so that nothing piles up.
Its synchronous twin is `elman.sync.stream`.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import grpc

from elman.channel import STATE_SECONDS, error_of
from elman.credentials import Metadata
from elman.errors import ElmanError, GoElsewhere
from elman.protocol.heard import Heard, lasting
from elman.v1 import completion_service_pb2 as pb

if TYPE_CHECKING:
    from elman.v1.completion_service_pb2_grpc import CompletionServiceAsyncStub


class AsyncDocumentStream(Protocol):
    """One stream. Only `wait` and `close` are awaited; only one task waits at a time."""

    @property
    def failure(self) -> ElmanError | None:
        """What ended the stream, if it has ended; responses that came before can still be taken."""
        ...

    def send(self, request: pb.FollowRequest) -> None:
        """Send a request without waiting."""
        ...

    def ask(self, request: pb.ScoreRequest) -> None:
        """Ask for the state after a text, without waiting; the answer is taken like a response."""
        ...

    def take(self) -> Heard | None:
        """The next response, if one has arrived."""
        ...

    async def wait(self, seconds: float | None) -> None:
        """Wait until there is something to take, the stream has ended, `wake` was called, or the seconds have passed."""
        ...

    def wake(self) -> None:
        """End the present wait, or the next one."""
        ...

    async def close(self) -> None:
        """Cancel the call."""
        ...


class AsyncGrpcDocumentStream:
    """A call that tasks of its own write to and read from, until it is closed."""

    def __init__(self, stub: "CompletionServiceAsyncStub", address: str, metadata: Metadata = ()) -> None:
        self._stub, self._address, self._metadata = stub, address, metadata
        self._requests: asyncio.Queue[pb.FollowRequest] = asyncio.Queue()
        self._responses: deque[Heard] = deque()
        self._is_changed = asyncio.Event()
        self.failure: ElmanError | None = None
        self._call = stub.Follow(metadata=metadata)
        self._tasks = {asyncio.create_task(work) for work in (self._write_all(), self._read_all())}

    async def _write_all(self) -> None:
        """Write what is sent. If that fails, `_read_all` learns why."""
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while True:
                await self._call.write(await self._requests.get())

    async def _read_all(self) -> None:
        """Keep responses until the call ends; however it ends, whoever waits learns of it."""
        try:
            async for response in self._call:
                self._responses.append(response)
                self._is_changed.set()
        except grpc.aio.AioRpcError as error:
            self.failure = error_of(error, self._address)
        finally:
            self.failure = self.failure or GoElsewhere(f"{self._address} ended the stream")
            self._call.cancel()
            self._is_changed.set()

    def send(self, request: pb.FollowRequest) -> None:
        self._responses = lasting(self._responses)
        self._requests.put_nowait(request)

    def ask(self, request: pb.ScoreRequest) -> None:
        task = asyncio.create_task(self._ask(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, request: pb.ScoreRequest) -> None:
        state = b""
        with suppress(grpc.aio.AioRpcError):
            state = (await self._stub.Score(request, timeout=STATE_SECONDS, metadata=self._metadata)).state
        self._responses.append((request, state))
        self._is_changed.set()

    def take(self) -> Heard | None:
        return self._responses.popleft() if self._responses else None

    async def wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._is_changed.wait()
            self._is_changed.clear()
        except TimeoutError:
            pass

    def wake(self) -> None:
        self._is_changed.set()

    async def close(self) -> None:
        self._call.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
