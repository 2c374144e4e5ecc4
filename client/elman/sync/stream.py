"""One stream about a document over gRPC: requests go out as they come, responses wait to be taken. Knows no document.

A request that is sent makes what waits to be taken old: only what holds whatever the revision is kept. So nothing piles up.
"""

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import grpc

from elman.channel import meaning
from elman.errors import ElmanError, GoElsewhere
from elman.v1 import completion_service_pb2 as pb

if TYPE_CHECKING:
    from elman.v1.completion_service_pb2_grpc import CompletionServiceAsyncStub, CompletionServiceStub

LASTING: Final = ("started", "goodbye")

STATE_SECONDS: Final = 30.0
"""How long the answer to a request for a state may take."""

Answer: TypeAlias = tuple[pb.ScoreRequest, bytes]
"""What a state was asked for, and the state; no bytes if none came."""

Heard: TypeAlias = pb.FollowResponse | Answer


class Following(Protocol):
    """One stream. Any thread may send, take, wake and close; one at a time waits."""

    @property
    def failure(self) -> ElmanError | None:
        """What ended the stream; what can still be taken came before."""
        ...

    def send(self, request: pb.FollowRequest) -> None:
        """Tell of an event, without waiting."""
        ...

    def ask(self, request: pb.ScoreRequest) -> None:
        """Ask for the state after a text, without waiting; the answer is to be taken like a response."""
        ...

    def take(self) -> Heard | None:
        """The next response, if it is here."""
        ...

    def wait(self, seconds: float | None) -> None:
        """Until there is something to take, the stream has ended, `wake` was called, or the seconds have passed."""
        ...

    def wake(self) -> None:
        """Let whoever waits, or is about to, look again."""
        ...

    def close(self) -> None:
        """Cancel the call."""
        ...


class AsyncFollowing(Protocol):
    """The same in an event loop."""

    @property
    def failure(self) -> ElmanError | None:
        """What ended the stream; what can still be taken came before."""
        ...

    def send(self, request: pb.FollowRequest) -> None:
        """Tell of an event, without waiting."""
        ...

    def ask(self, request: pb.ScoreRequest) -> None:
        """Ask for the state after a text, without waiting; the answer is to be taken like a response."""
        ...

    def take(self) -> Heard | None:
        """The next response, if it is here."""
        ...

    async def wait(self, seconds: float | None) -> None:
        """Until there is something to take, the stream has ended, `wake` was called, or the seconds have passed."""
        ...

    def wake(self) -> None:
        """Let whoever waits, or is about to, look again."""
        ...

    async def close(self) -> None:
        """Cancel the call."""
        ...


class FollowCall(Protocol):
    """What is used of a call of gRPC's."""

    def __iter__(self) -> Iterator[pb.FollowResponse]:
        """The responses."""
        ...

    def cancel(self) -> object:
        """End it."""
        ...


class Inbox:
    """What a thread has read of a stream and another has not taken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._responses: deque[Heard] = deque()
        self._is_woken = False
        self.failure: ElmanError | None = None

    def put(self, response: Heard) -> None:
        """Add the newest response."""
        with self._changed:
            self._responses.append(response)
            self._changed.notify_all()

    def end(self, failure: ElmanError) -> None:
        """Nothing more will come."""
        with self._changed:
            self.failure = failure
            self._changed.notify_all()

    def wake(self) -> None:
        """End the present wait, or the next."""
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def forget(self) -> None:
        """Keep only what holds whatever the revision."""
        with self._changed:
            self._responses = lasting(self._responses)

    def take(self) -> Heard | None:
        """The oldest response."""
        with self._changed:
            return self._responses.popleft() if self._responses else None

    def wait(self, seconds: float | None) -> None:
        """Until there is something to look at."""
        with self._changed:
            self._changed.wait_for(lambda: self._responses or self.failure or self._is_woken, seconds)
            self._is_woken = False


class GrpcFollowing:
    """A call that gRPC's threads write and a thread of its own reads; dropping it cancels the call."""

    def __init__(self, stub: "CompletionServiceStub", address: str) -> None:
        self._stub, self._inbox = stub, Inbox()
        requests: SimpleQueue[pb.FollowRequest | None] = SimpleQueue()
        call = stub.Follow(iter(requests.get, None))
        self._requests = requests
        self._end = weakref.finalize(self, end, call, requests)
        threading.Thread(target=read_all, args=(call, self._inbox, address), name="elman-follow", daemon=True).start()

    @property
    def failure(self) -> ElmanError | None:
        """What ended the stream."""
        return self._inbox.failure

    def send(self, request: pb.FollowRequest) -> None:
        """Tell of an event."""
        self._inbox.forget()
        self._requests.put(request)

    def take(self) -> Heard | None:
        """The next response, if it is here."""
        return self._inbox.take()

    def ask(self, request: pb.ScoreRequest) -> None:
        """Ask for the state after a text."""
        call = self._stub.Score.future(request, timeout=STATE_SECONDS)
        call.add_done_callback(lambda call: self._inbox.put((request, b"" if call.exception() else call.result().state)))

    def wait(self, seconds: float | None) -> None:
        """Until there is something to look at."""
        self._inbox.wait(seconds)

    def wake(self) -> None:
        """End the present wait, or the next."""
        self._inbox.wake()

    def close(self) -> None:
        """Cancel the call."""
        self._end()


def end(call: FollowCall, requests: "SimpleQueue[pb.FollowRequest | None]") -> None:
    """Cancel a call and release the thread that waits for its requests."""
    call.cancel()
    requests.put(None)


def read_all(call: FollowCall, inbox: Inbox, address: str) -> None:
    """Pass on what is said, to the end."""
    try:
        for response in call:
            inbox.put(response)
        inbox.end(GoElsewhere(f"{address} ended the stream"))
    except grpc.RpcError as error:
        inbox.end(meaning(error, address))


class AsyncGrpcFollowing:
    """A call that tasks of its own write and read, until it is closed."""

    def __init__(self, stub: "CompletionServiceAsyncStub", address: str) -> None:
        self._stub, self._address = stub, address
        self._requests: asyncio.Queue[pb.FollowRequest] = asyncio.Queue()
        self._responses: deque[Heard] = deque()
        self._is_changed = asyncio.Event()
        self.failure: ElmanError | None = None
        self._call = stub.Follow()
        self._tasks = {asyncio.create_task(work) for work in (self._write_all(), self._read_all())}

    async def _write_all(self) -> None:
        """Write what is sent. Why the stream ended is told to whoever reads."""
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while True:
                await self._call.write(await self._requests.get())

    async def _read_all(self) -> None:
        try:
            async for response in self._call:
                self._responses.append(response)
                self._is_changed.set()
            self.failure = GoElsewhere(f"{self._address} ended the stream")
        except grpc.aio.AioRpcError as error:
            self.failure = meaning(error, self._address)
        finally:
            self._call.cancel()
            self._is_changed.set()

    def send(self, request: pb.FollowRequest) -> None:
        """Tell of an event."""
        self._responses = lasting(self._responses)
        self._requests.put_nowait(request)

    def ask(self, request: pb.ScoreRequest) -> None:
        """Ask for the state after a text."""
        self._tasks.add(asyncio.create_task(self._ask(request)))

    async def _ask(self, request: pb.ScoreRequest) -> None:
        state = b""
        with suppress(grpc.aio.AioRpcError):
            state = (await self._stub.Score(request, timeout=STATE_SECONDS)).state
        self._responses.append((request, state))

    def take(self) -> Heard | None:
        """The next response, if it is here."""
        return self._responses.popleft() if self._responses else None

    async def wait(self, seconds: float | None) -> None:
        """Until there is something to look at."""
        try:
            async with asyncio.timeout(seconds):
                await self._is_changed.wait()
            self._is_changed.clear()
        except TimeoutError:
            pass

    def wake(self) -> None:
        """End the present wait, or the next."""
        self._is_changed.set()

    async def close(self) -> None:
        """Cancel the call."""
        self._call.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def lasting(responses: deque[Heard]) -> deque[Heard]:
    """Those that hold whatever the revision."""
    return deque(each for each in responses if isinstance(each, tuple) or each.WhichOneof("event") in LASTING)
