"""A stream about a document in an event loop: what is asked beside it wakes whoever waits, and nothing of it piles up."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from elman.aio.stream import AsyncGrpcDocumentStream
from elman.v1 import completion_service_pb2 as pb


class FollowCall:
    """A call of Follow that ends when it is told to."""

    def __init__(self) -> None:
        self.is_over = asyncio.Event()
        self.error: BaseException | None = None

    async def write(self, request: pb.FollowRequest) -> None:
        """Take a request."""

    async def __aiter__(self) -> AsyncIterator[pb.FollowResponse]:
        await self.is_over.wait()
        if self.error:
            raise self.error
        return
        yield pb.FollowResponse()

    def cancel(self) -> None:
        """End it."""
        self.is_over.set()


class Stub:
    """Answers Score, and follows without a word."""

    def __init__(self) -> None:
        self.call = FollowCall()

    def Follow(self, metadata: object) -> FollowCall:
        return self.call

    async def Score(self, request: pb.ScoreRequest, timeout: float, metadata: object) -> pb.ScoreResponse:  # noqa: ASYNC109 (gRPC's own name)
        await asyncio.sleep(0)
        return pb.ScoreResponse(state=request.text.encode())


@pytest.fixture
async def stub() -> Stub:
    """A server that is asked."""
    return Stub()


@pytest.fixture
async def stream(stub: Any) -> AsyncIterator[AsyncGrpcDocumentStream]:
    """A stream to it."""
    stream = AsyncGrpcDocumentStream(stub, "nowhere")
    yield stream
    await stream.close()


@pytest.mark.timeout(10)
async def test_a_state_that_was_asked_for_wakes_whoever_waits(stream: AsyncGrpcDocumentStream) -> None:
    request = pb.ScoreRequest(text="a")
    stream.ask(request)
    await stream.wait(None)
    assert stream.take() == (request, b"a")


async def test_what_was_answered_is_kept_no_longer(stream: AsyncGrpcDocumentStream) -> None:
    before = asyncio.all_tasks()
    for number in range(50):
        stream.ask(pb.ScoreRequest(text=str(number)))
        await stream.wait(None)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert tasks_held_by(stream) == 2  # one that writes, one that reads


def tasks_held_by(stream: AsyncGrpcDocumentStream) -> int:
    """How many tasks hang on a stream."""
    return len(stream._tasks)  # pyright: ignore[reportPrivateUsage] (a finished task is seen nowhere else)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("error", [None, asyncio.CancelledError(), KeyError("x")])
async def test_whatever_ends_the_call_whoever_waits_is_told(
    error: BaseException | None, stub: Stub, stream: AsyncGrpcDocumentStream
) -> None:
    stub.call.error = error
    stub.call.is_over.set()
    await stream.wait(None)
    assert "nowhere ended the stream" in str(stream.failure)
