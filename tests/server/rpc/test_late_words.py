"""At the seam between the service and its transport: nothing is written of a revision once a newer one was taken."""

from __future__ import annotations

import asyncio
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.choice import open_execution
from elman_server.engine.budget import Budget
from elman_server.engine.engine import Engine
from elman_server.errors import Unavailable
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.rpc.call import CallRecord, Calls, Context
from elman_server.rpc.service import CompletionService
from elman_server.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from elman_models.law.artifact import Model

REVISIONS = 150


class Recorder:
    """A transport that gives requests and takes responses whenever chance will have it, and writes down both."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._length = 0
        self.taken = 0
        self.written: list[pb.FollowResponse] = []
        self.late: list[tuple[int, pb.FollowResponse]] = []
        self.status: Any = None

    def peer(self) -> str:
        """Who it is."""
        return "recorder"

    async def read(self) -> pb.FollowRequest | None:
        """The next request, soon or at once."""
        await self._wait()
        self.taken += 1
        if self.taken > REVISIONS:
            return None
        if self.taken == 1 or not self._random.randrange(20):
            self._length = 40
            prefix = "a bad cab " * 4
            limits = pb.Limits(max_characters=60)
            return pb.FollowRequest(
                revision=self.taken, open=pb.Open(prefix=prefix, sampling=pb.Sampling(seed=1), limits=limits)
            )
        keep = self._random.randint(max(0, self._length - 9), self._length)
        self._length = keep + 5
        return pb.FollowRequest(revision=self.taken, edit=pb.Edit(keep=keep, insert="dad\n "))

    async def write(self, response: pb.FollowResponse) -> None:
        """One response, at once; then the transport may be busy for a while."""
        self.written.append(response)
        if response.revision < self.taken <= REVISIONS:
            self.late.append((self.taken, response))
        await self._wait()

    async def _wait(self) -> None:
        for _ in range(self._random.choice([0, 0, 1, 2, 5, 30])):
            await asyncio.sleep(0)

    async def abort(self, code: Any, details: str, trailing: Any = ()) -> None:
        """How the call ended."""
        self.status = code

    def time_remaining(self) -> None:
        """No deadline."""


@pytest.fixture
async def service(model: Model) -> AsyncIterator[CompletionService]:
    """A service whose engine has a tick in each turn of the event loop."""
    engine = Engine({model.digest: open_execution(model, 4, "cpu")}, 4, 99)
    catalogue = Catalogue([Served("one", model)])

    async def work() -> None:
        while True:
            if engine.has_work:
                engine.tick()
            await asyncio.sleep(0)

    working = asyncio.create_task(work())
    yield CompletionService(catalogue, engine)
    working.cancel()


async def follow(service: CompletionService, transport: Recorder) -> None:
    """Follow a document until the end of its stream."""
    await answer("Follow", transport, partial(service.follow, transport.read))


async def answer(method: str, transport: Recorder, behave: Callable[[Context, CallRecord], Awaitable[None]]) -> None:
    """One call from beginning to end."""
    context: Any = transport  # all that is used of one
    calls = Calls(Metrics(), Budget())
    async with calls.answering(method, context) as call:
        await behave(context, call)
    await call.refuse_if_failed(context)


@pytest.mark.parametrize("seed", range(12))
async def test_nothing_is_written_of_a_revision_after_a_newer_one_was_taken(service: CompletionService, seed: int) -> None:
    transport = Recorder(Random(seed))
    await follow(service, transport)
    assert transport.late == []
    revisions = [response.revision for response in transport.written]
    assert revisions == sorted(revisions)
    assert transport.written[-1].HasField("finished")
    assert revisions[-1] == REVISIONS
    assert len(set(revisions)) > 20
    assert service.running == 0


@pytest.mark.parametrize("seed", range(4))
async def test_goodbye_is_the_last_word_and_of_the_newest_revision(service: CompletionService, seed: int) -> None:
    transport = Recorder(Random(seed))
    call = asyncio.create_task(follow(service, transport))
    while transport.taken < 50:  # noqa: ASYNC110 # turns of the event loop are the time here
        await asyncio.sleep(0)
    service.end_follow_calls(Unavailable())
    await call
    assert transport.late == []
    assert [response.HasField("goodbye") for response in transport.written].index(True) == len(transport.written) - 1
    assert transport.status.name == "UNAVAILABLE"


class Listener(Recorder):
    """A caller who asks for one completion."""

    async def write(self, response: Any) -> None:
        """One response."""
        self.written.append(response)


async def test_a_completion_that_was_on_the_way_when_documents_left_is_served_and_none_once_all_is_ended(
    service: CompletionService,
) -> None:
    service.end_follow_calls(Unavailable())
    late, served, refused = Recorder(Random(1)), Listener(Random(1)), Listener(Random(1))
    await follow(service, late)
    assert (late.status.name, late.written) == ("UNAVAILABLE", [])
    await complete(service, served)
    assert (served.status, served.written[-1].HasField("finished")) == (None, True)
    service.end_all(Unavailable())
    await complete(service, refused)
    assert (refused.status.name, refused.written) == ("UNAVAILABLE", [])


async def complete(service: CompletionService, transport: Recorder) -> None:
    """Ask for a short completion."""
    await answer("Complete", transport, partial(service.complete, pb.CompleteRequest(limits=pb.Limits(max_characters=3))))
