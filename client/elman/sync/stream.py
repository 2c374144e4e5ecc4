"""One stream about a document over gRPC: requests are sent as they come, responses wait to be taken. Knows no document.

Sending a request drops the waiting responses that are about an older text, so that nothing piles up.
Its asynchronous twin is `elman.aio.stream`.
"""

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

import grpc

from elman.channel import STATE_SECONDS, error_of
from elman.credentials import Metadata
from elman.errors import ElmanError, GoElsewhere
from elman.protocol.heard import Heard, lasting
from elman.v1 import completion_service_pb2 as pb

if TYPE_CHECKING:
    from elman.v1.completion_service_pb2_grpc import CompletionServiceStub


class DocumentStream(Protocol):
    """One stream. Any thread may send, take, wake and close; only one waits at a time."""

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

    @property
    def is_embedded(self) -> bool:
        """Whether the engine is in this process, so that its idle time is the caller's own."""
        ...

    def read(self, request: pb.ScoreRequest, is_idle: Callable[[], bool]) -> bytes:
        """Find the state after a text in this thread, while nothing else is to be done; no bytes if something is."""
        ...

    def take(self) -> Heard | None:
        """The next response, if one has arrived."""
        ...

    def wait(self, seconds: float | None) -> None:
        """Wait until there is something to take, the stream has ended, `wake` was called, or the seconds have passed."""
        ...

    def wake(self) -> None:
        """End the present wait, or the next one."""
        ...

    def close(self) -> None:
        """Cancel the call."""
        ...


class FollowResponses(Protocol):
    """The part of gRPC's call object for Follow that is used here."""

    def __iter__(self) -> Iterator[pb.FollowResponse]: ...

    def cancel(self) -> object:
        """Tell the server that nobody listens any more; iteration ends with CANCELLED."""
        ...


class Inbox:
    """The responses that one thread has read and another has not taken yet."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._responses: deque[Heard] = deque()
        self._is_woken = False
        self.failure: ElmanError | None = None

    def put(self, response: Heard) -> None:
        with self._changed:
            self._responses.append(response)
            self._changed.notify_all()

    def end(self, failure: ElmanError) -> None:
        """Say that nothing more will come, and why."""
        with self._changed:
            self.failure = failure
            self._changed.notify_all()

    def wake(self) -> None:
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def forget(self) -> None:
        """Drop what is about an older text."""
        with self._changed:
            self._responses = lasting(self._responses)

    def take(self) -> Heard | None:
        """The oldest response, if there is one."""
        with self._changed:
            return self._responses.popleft() if self._responses else None

    def wait(self, seconds: float | None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._responses or self.failure or self._is_woken, seconds)
            self._is_woken = False


class GrpcDocumentStream:
    """A call that gRPC's threads write to and a thread of its own reads from; dropping the object cancels the call."""

    is_embedded = False

    def __init__(self, stub: "CompletionServiceStub", address: str, metadata: Metadata = ()) -> None:
        self._stub, self._inbox, self._metadata = stub, Inbox(), metadata
        requests: SimpleQueue[pb.FollowRequest | None] = SimpleQueue()
        call = stub.Follow(iter(requests.get, None), metadata=metadata)
        self._requests = requests
        self._end = weakref.finalize(self, hang_up, call, requests)
        threading.Thread(target=read_all, args=(call, self._inbox, address), name="elman-follow", daemon=True).start()

    @property
    def failure(self) -> ElmanError | None:
        return self._inbox.failure

    def send(self, request: pb.FollowRequest) -> None:
        self._inbox.forget()
        self._requests.put(request)

    def take(self) -> Heard | None:
        return self._inbox.take()

    def ask(self, request: pb.ScoreRequest) -> None:
        call = self._stub.Score.future(request, timeout=STATE_SECONDS, metadata=self._metadata)
        call.add_done_callback(lambda call: self._inbox.put((request, state_of(call))))

    def read(self, request: pb.ScoreRequest, is_idle: Callable[[], bool]) -> bytes:
        """Nothing: the server's time is not the caller's own."""
        return b""

    def wait(self, seconds: float | None) -> None:
        self._inbox.wait(seconds)

    def wake(self) -> None:
        self._inbox.wake()

    def close(self) -> None:
        self._end()


class ScoreFuture(Protocol):
    """The part of gRPC's future for Score that is used here."""

    def result(self) -> pb.ScoreResponse:
        """The response. Raises grpc.RpcError or grpc.FutureCancelledError."""
        ...


def state_of(call: ScoreFuture) -> bytes:
    """The state of an answer that has come; no bytes if it failed or was cancelled."""
    try:
        return call.result().state
    except (grpc.RpcError, grpc.FutureCancelledError):
        return b""


def hang_up(call: FollowResponses, requests: "SimpleQueue[pb.FollowRequest | None]") -> None:
    """Cancel a call and release the thread that waits for its requests."""
    call.cancel()
    requests.put(None)


def read_all(call: FollowResponses, inbox: Inbox, address: str) -> None:
    """Pass responses on until the call ends; however it ends, the inbox learns of it."""
    failure: ElmanError = GoElsewhere(f"{address} ended the stream")
    try:
        for response in call:
            inbox.put(response)
    except grpc.RpcError as error:
        failure = error_of(error, address)
    finally:
        inbox.end(failure)
