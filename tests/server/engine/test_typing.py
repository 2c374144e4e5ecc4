"""What somebody types has rows of its own: its first character waits neither for a row nor for the tick of other texts."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.server.conftest import text_of

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Start
from elman_models.law.state import State
from elman_server.engine import pace as pace_module
from elman_server.engine import ticker as ticker_module
from elman_server.engine.asker import Asker
from elman_server.engine.ending import Ending
from elman_server.engine.engine import Engine
from elman_server.engine.job import URGENT_CHARACTERS, Job, Progress
from elman_server.engine.pace import NEAR
from elman_server.engine.ticker import Ticker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.server.conftest import Connect
    from tests.server.conftest import Start as StartServer

    from elman_models.execution.protocol import Advance, Execution, Outcome
    from elman_models.law.artifact import Model

TYPING_ROWS = 4
SOMEBODY, TYPIST = Asker("somebody"), Asker("typist", is_document=True)


class Held:
    """An execution whose ticks end only while they may."""

    name = "held"

    def __init__(self, model: Model, rows: int) -> None:
        self._sound = open_execution(model, rows, "cpu")
        self.load = self._sound.load
        self.began, self.may_end = threading.Event(), threading.Event()

    def run(self, advances: Sequence[Advance]) -> Outcome:
        self.began.set()
        self.may_end.wait()
        return self._sound.run(advances)


class World:
    """An engine in the event loop, with one row for others and a few for what somebody types."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.others, self.typing = Held(model, 1), Held(model, TYPING_ROWS)
        self.typing.may_end.set()
        self.engine = Engine({}, 1, 99, typing_rows=TYPING_ROWS)
        self.engine.add(model.digest, self.others, self.typing)
        self.failures: list[Exception] = []
        self.ticker = Ticker(self.engine, self.failures.append)
        self.ticker.start(asyncio.get_running_loop())
        self._change = asyncio.Event()

    def ask(self, asker: Asker, characters: int, consumed: int = 1) -> list[str]:
        """Ask for a text; what is told of it."""
        told: list[str] = []

        def tell(progress: Progress) -> None:
            told.append(progress.text)
            self._change.set()

        start, skipped = Start(State.initial(self._model), seed=1), np.ones(consumed, np.int32)
        self.engine.submit([Job(self._model, start, tell, skipped=skipped, ending=Ending(characters, (), None))], asker)
        return told

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so, which may change with what is told."""
        async with asyncio.timeout(20):
            while not condition():
                self._change.clear()
                await self._change.wait()

    async def hold_others(self) -> list[str]:
        """Have a long text of somebody else in a tick that does not end."""
        told = self.ask(SOMEBODY, 500, consumed=NEAR + 1)
        await asyncio.to_thread(self.others.began.wait, 20)
        return told


@pytest.fixture
async def world(model: Model, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A world, in which ticks of others run beside the event loop."""
    monkeypatch.setattr(ticker_module, "SHORT_SECONDS", 0.0)
    monkeypatch.setattr(pace_module, "QUICK_SECONDS", 60.0)  # however slow the machine is
    world = World(model)
    yield world
    world.others.may_end.set()
    world.typing.may_end.set()
    await world.ticker.stop()
    assert not world.failures


async def test_a_first_character_does_not_wait_for_the_tick_of_others(world: World) -> None:
    others = await world.hold_others()
    for _ in range(3):
        typed = world.ask(TYPIST, 20)
        await world.until(typed.__len__)
        assert len(typed[0]) == 1
    assert others == []
    world.others.may_end.set()
    await world.until(lambda: len("".join(others)) == 500)


async def test_a_first_character_that_had_to_wait_for_a_tick_of_its_own_rows_does_not_wait_for_the_next(world: World) -> None:
    world.typing.may_end.clear()
    world.ask(TYPIST, 20)
    await asyncio.to_thread(world.typing.began.wait, 20)
    others, typed = world.ask(SOMEBODY, 500, consumed=NEAR + 1), world.ask(TYPIST, 20)
    world.typing.may_end.set()
    await world.until(typed.__len__)
    assert others == []


async def test_what_is_told_is_the_same_wherever_its_row_is(world: World) -> None:
    world.others.may_end.set()
    typed, others = world.ask(TYPIST, 60), world.ask(SOMEBODY, 60)
    await world.until(lambda: len("".join(typed)) == len("".join(others)) == 60)
    assert "".join(typed) == "".join(others)


async def test_where_all_rows_for_typing_are_taken_another_one_will_do(world: World) -> None:
    texts = [world.ask(TYPIST, 200) for _ in range(TYPING_ROWS + 1)]
    world.others.may_end.set()
    await world.until(lambda: all(len("".join(told)) == 200 for told in texts))
    assert world.others.began.is_set()


async def test_long_suggestions_and_long_prefixes_of_documents_wait_for_their_turn(world: World) -> None:
    await world.hold_others()
    told = [world.ask(TYPIST, URGENT_CHARACTERS + 1), world.ask(TYPIST, 1, consumed=NEAR + 1)]
    typed = world.ask(TYPIST, 1)
    await world.until(typed.__len__)
    assert told == [[], []]


def test_first_characters_that_would_take_long_wait_for_their_turn_and_then_come_alone(
    model: Model, make_text: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine({}, 1, 99, typing_rows=TYPING_ROWS)
    engine.add(model.digest, *(open_execution(model, rows, "cpu") for rows in (1, TYPING_ROWS)))
    engine.submit([make_text("somebody")], SOMEBODY)
    tick = engine.begin()
    assert tick
    engine.submit([make_text("typist", 20)], TYPIST)
    monkeypatch.setattr(pace_module, "QUICK_SECONDS", 0.0)
    assert engine.begin_first(tick.pool) is None
    engine.finish(tick, tick.run())
    first = engine.begin()
    assert first
    assert [advance.sampled for advance in first.advances] == [1]


async def test_they_are_on_the_processor_even_where_a_gpu_runs_the_others(start: StartServer, connect: Connect) -> None:
    made: list[tuple[int, str]] = []

    def make(model: Model, rows: int, device: str, *_: object) -> Execution:
        made.append((rows, device))
        return open_execution(model, rows, "cpu")  # the law: they say the same

    server = await start(make_execution=make, device="cuda", rows=16)
    assert made == [(14, "cuda"), (2, "cpu")]
    assert len(text_of(await connect(server).complete(pb.CompleteRequest(limits=pb.Limits(max_characters=9))))) == 9
