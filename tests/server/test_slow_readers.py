"""A text whose reader falls behind leaves its row, and goes on once the reader has taken what there was: on every way to it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.choice import open_execution
from elman_models.law.artifact import Model
from elman_server.embedded import ROWS, Embedded
from elman_server.engine import engine as engine_module
from elman_server.engine.engine import Engine
from elman_server.engine.job import Job
from elman_server.requests.catalogue import Catalogue, Served

SAMPLING, LIMITS = pb.Sampling(seed=7), pb.Limits(max_characters=300)
REQUEST = pb.CompleteRequest(prefix="abc", sampling=SAMPLING, limits=LIMITS)
OPENING = pb.FollowRequest(revision=1, open=pb.Open(prefix="abc", sampling=SAMPLING, limits=LIMITS))


@pytest.fixture
def resumed(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that an engine resumed."""
    jobs: list[Job] = []
    resume = Engine.resume

    def noting(engine: Engine, job: Job) -> None:
        jobs.append(job)
        resume(engine, job)

    monkeypatch.setattr(Engine, "resume", noting)
    return jobs


@pytest.fixture
def embedded(model: Model) -> Embedded:
    return Embedded(Catalogue([Served("one", model)]), {model.digest: open_execution(model, ROWS, "cpu")})


async def served(client: Any, _: Embedded) -> str:
    return "".join(event.piece.text for event in await client.complete(REQUEST))


async def followed(client: Any, _: Embedded) -> str:
    call = client.stub.Follow()
    await call.write(OPENING)
    await call.done_writing()
    return "".join([response.suggestion.text async for response in call])


async def completed_here(_: Any, embedded: Embedded) -> str:
    return "".join(event.piece.text for event in embedded.complete(REQUEST))


async def followed_here(_: Any, embedded: Embedded) -> str:
    follow = embedded.follow()
    follow.send(OPENING)
    return "".join(response.suggestion.text for response in follow)


@pytest.mark.parametrize("way", [served, followed, completed_here, followed_here])
async def test_a_paused_text_goes_on_and_says_the_same(
    client: Any,
    embedded: Embedded,
    resumed: Sequence[Job],
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[[Any, Embedded], Awaitable[str]],
) -> None:
    expected = await way(client, embedded)
    assert (len(expected), len(resumed)) == (300, 0)  # nobody was too slow, for what was told was taken
    monkeypatch.setattr(engine_module, "UNTAKEN_CHARACTERS", 0)
    assert await way(client, embedded) == expected
    assert len(resumed) > 1


async def test_what_was_taken_does_not_count_as_untaken(
    embedded: Embedded, resumed: Sequence[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "UNTAKEN_CHARACTERS", 64)  # two ticks' worth at the most
    assert len(await completed_here(None, embedded)) == 300
    assert not resumed
