"""The engine turns in the event loop: short ticks there, long ones beside it, whichever execution runs them."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Start
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_server.engine import ticker as ticker_module
from elman_server.engine.ending import Ending
from elman_server.engine.engine import Engine
from elman_server.engine.job import Job, Progress
from elman_server.engine.ticker import Ticker

if TYPE_CHECKING:
    from tests.conftest import MakeModel


async def texts(model: Model, instructions: str, seeds: Sequence[int]) -> list[str]:
    """What each seed says, all at once."""
    engine = Engine({model.digest: open_execution(model, 4, "cpu", instructions)}, 4, 1000)
    failures: list[Exception] = []
    ticker = Ticker(engine, failures.append)
    ticker.start(asyncio.get_running_loop())
    told, ended = dict.fromkeys(seeds, ""), asyncio.Event()
    left = set(seeds)

    def tell(progress: Progress) -> None:
        told[progress.job.start.seed] += progress.text
        if progress.is_last:
            left.discard(progress.job.start.seed)
            if not left:
                ended.set()

    for seed in seeds:
        start = Start(State.initial(model), seed=seed)
        engine.submit([Job(model, start, tell, skipped=np.ones(seed % 50, np.int32), ending=Ending(200, (), None))])
        if seed % 3 == 0:
            await asyncio.sleep(0)
    await asyncio.wait_for(ended.wait(), 30)
    await ticker.stop()
    assert not failures
    return list(told.values())


@pytest.mark.parametrize("instructions", ["auto", "reference"])
@pytest.mark.parametrize("short_seconds", [0.0, 60.0], ids=["all beside the loop", "all in the loop"])
async def test_where_a_tick_runs_changes_nothing(
    model: Model, monkeypatch: pytest.MonkeyPatch, instructions: str, short_seconds: float
) -> None:
    expected = await texts(model, "auto", range(1, 14))
    monkeypatch.setattr(ticker_module, "SHORT_SECONDS", short_seconds)
    assert await texts(model, instructions, range(1, 14)) == expected


async def test_models_share_the_engine_in_turns(model: Model, make_model: "MakeModel") -> None:
    other = make_model(seed=9)
    engine = Engine({one.digest: open_execution(one, 1, "cpu") for one in (model, other)}, 1, 1000)
    order: list[str] = []
    for one in (model, other):
        start = Start(State.initial(one))
        engine.submit(
            [Job(one, start, lambda progress: order.append(progress.job.model.digest), ending=Ending(5000, (), None))]
        )
    for _ in range(20):
        engine.tick()
    assert order == [model.digest, other.digest] * 10


async def test_what_a_tick_raises_beside_the_loop_is_told(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker_module, "SHORT_SECONDS", 0.0)
    engine, failed = Engine({model.digest: open_execution(model, 1, "cpu")}, 1, 1000), asyncio.Event()
    ticker = Ticker(engine, lambda _: failed.set())
    ticker.start(asyncio.get_running_loop())
    unfit = np.array([len(model.vocabulary) + 1], np.int32)  # beyond the vocabulary
    engine.submit([Job(model, Start(State.initial(model)), lambda _: None, skipped=unfit)])
    await asyncio.wait_for(failed.wait(), 30)
    await ticker.stop()


async def test_stopping_before_the_start_does_nothing(model: Model) -> None:
    engine, told = Engine({model.digest: open_execution(model, 1, "cpu")}, 1, 1000), asyncio.Event()
    failures: list[Exception] = []
    ticker = Ticker(engine, failures.append)
    await ticker.stop()
    ticker.start(asyncio.get_running_loop())
    start = Start(State.initial(model))
    engine.submit([Job(model, start, lambda _: told.set(), ending=Ending(1, (), None))])
    await asyncio.wait_for(told.wait(), 30)
    await ticker.stop()
    await ticker.stop()
    assert not failures
