"""A stream about a document between threads: whatever ends a call, whoever waits is told of it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from elman.sync.stream import GrpcDocumentStream, Inbox, read_all
from elman.v1 import completion_service_pb2 as pb


class FollowCall:
    """A call of Follow that ends when it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self._is_over, self._error = threading.Event(), error

    def __iter__(self) -> Iterator[pb.FollowResponse]:
        if self._error:
            raise self._error
        self._is_over.wait()
        return iter(())

    def cancel(self) -> None:
        """End it."""
        self._is_over.set()


class Answer:
    """A future of Score that has come to its end."""

    def __init__(self, end: bytes | Exception) -> None:
        self._end = end

    def add_done_callback(self, callback: Callable[["Answer"], None]) -> None:
        """Call it now."""
        callback(self)

    def exception(self) -> Exception | None:
        """The failure; a cancelled call raises, as gRPC's do."""
        if isinstance(self._end, grpc.FutureCancelledError):
            raise self._end
        return self._end if isinstance(self._end, Exception) else None

    def result(self) -> pb.ScoreResponse:
        """The response."""
        if isinstance(self._end, Exception):
            raise self._end
        return pb.ScoreResponse(state=self._end)


class Stub:
    """Follows without a word, and answers every Score in one way."""

    def __init__(self, end: bytes | Exception) -> None:
        self._end = end
        self.Score = self

    def Follow(self, requests: Iterator[pb.FollowRequest], metadata: object) -> FollowCall:
        return FollowCall()

    def future(self, request: pb.ScoreRequest, timeout: float, metadata: object) -> Answer:
        """Answer at once."""
        return Answer(self._end)


@pytest.mark.parametrize(
    ("end", "state"), [(b"state", b"state"), (grpc.RpcError("broken"), b""), (grpc.FutureCancelledError(), b"")]
)
def test_a_state_that_was_asked_for_comes_or_is_known_not_to(end: bytes | Exception, state: bytes) -> None:
    stub: Any = Stub(end)
    stream = GrpcDocumentStream(stub, "nowhere")
    request = pb.ScoreRequest(text="a")
    stream.ask(request)
    stream.wait(None)
    assert stream.take() == (request, state)
    stream.close()


@pytest.mark.timeout(10)
def test_whatever_ends_the_call_whoever_waits_is_told() -> None:
    inbox = Inbox()
    with pytest.raises(KeyError):
        read_all(FollowCall(KeyError("x")), inbox, "nowhere")
    inbox.wait(None)
    assert "nowhere ended the stream" in str(inbox.failure)
