"""One stream about a document over gRPC: requests go out as they come, responses wait to be taken. Knows no document.

A request that is sent makes what waits to be taken old: only what holds whatever the revision is kept. So nothing piles up.
Its asynchronous twin is `elman.aio.stream`.
"""

import threading
import weakref
from collections import deque
from collections.abc import Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

import grpc

from elman.channel import STATE_SECONDS, error_of
from elman.errors import ElmanError, GoElsewhere
from elman.protocol.heard import Heard, lasting
from elman.v1 import completion_service_pb2 as pb

if TYPE_CHECKING:
    from elman.v1.completion_service_pb2_grpc import CompletionServiceStub


class DocumentStream(Protocol):
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


class FollowResponses(Protocol):
    """What is used of gRPC's call of Follow."""

    def __iter__(self) -> Iterator[pb.FollowResponse]:
        """The responses."""
        ...

    def cancel(self) -> object:
        """Tell the server that nobody listens any more; whoever iterates gets a CANCELLED."""
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


class GrpcDocumentStream:
    """A call that gRPC's threads write and a thread of its own reads; dropping it cancels the call."""

    def __init__(self, stub: "CompletionServiceStub", address: str) -> None:
        self._stub, self._inbox = stub, Inbox()
        requests: SimpleQueue[pb.FollowRequest | None] = SimpleQueue()
        call = stub.Follow(iter(requests.get, None))
        self._requests = requests
        self._end = weakref.finalize(self, hang_up, call, requests)
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


def hang_up(call: FollowResponses, requests: "SimpleQueue[pb.FollowRequest | None]") -> None:
    """Cancel a call and release the thread that waits for its requests."""
    call.cancel()
    requests.put(None)


def read_all(call: FollowResponses, inbox: Inbox, address: str) -> None:
    """Pass on what is said, to the end; whatever the end is, the inbox is told of it."""
    failure: ElmanError = GoElsewhere(f"{address} ended the stream")
    try:
        for response in call:
            inbox.put(response)
    except grpc.RpcError as error:
        failure = error_of(error, address)
    finally:
        inbox.end(failure)
