"""The engine in this process for an event loop: it works in the loop itself, a step at a time, and lets others in between.

A step takes about a millisecond, which is less than handing work to a thread and back costs on a busy machine.
Its synchronous twin is `elman.sync.embedded`.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from elman.engine import (
    SESSION_BYTES,
    Deadline,
    EmbeddedEngine,
    EngineMail,
    FollowedDocument,
    refusals,
)
from elman.errors import ElmanError
from elman.v1 import completion_service_pb2 as pb


class AsyncEngineTransport:
    """A transport without a network."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine

    async def complete(self, request: pb.CompleteRequest, seconds: float | None) -> AsyncGenerator[pb.CompleteResponse]:
        check = Deadline(seconds).check
        with refusals():
            for event in self._engine.complete(request, check):
                yield event
                await asyncio.sleep(0)

    def follow(self) -> "AsyncEngineDocumentStream":
        return AsyncEngineDocumentStream(self._engine.follow(SESSION_BYTES))

    async def score(self, request: pb.ScoreRequest, seconds: float | None) -> AsyncGenerator[pb.ScoreResponse]:
        with refusals():
            yield self._engine.score(request, Deadline(seconds).check)

    async def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        with refusals():
            return self._engine.list_models(request)

    async def close(self) -> None:
        self._engine.close()


class AsyncEngineDocumentStream(EngineMail):
    """A stream without a network: the task that waits does the work, on the newest requests, a step at a time."""

    def __init__(self, follow: FollowedDocument) -> None:
        self._is_woken = asyncio.Event()
        super().__init__(follow, self._is_woken)

    async def wait(self, seconds: float | None) -> None:
        """Make the next responses; if only a request can bring one, wait for that. Whatever wakes it, ends it after a step."""
        self._is_woken.clear()
        try:
            with refusals():
                is_idle = not await self._work()
        except ElmanError as error:
            self.failure = error
            return
        if is_idle:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._is_woken.wait()

    async def _work(self) -> bool:
        """Whether it brought responses or was interrupted."""
        self._deliver()
        for responses in self._follow.steps():
            self.receive(responses)
            await asyncio.sleep(0)
            if responses or self._is_woken.is_set():
                return True
        return False

    async def close(self) -> None:
        self._follow.close()
