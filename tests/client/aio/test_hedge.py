"""The asynchronous face hedges too: the first answer wins, whatever befalls the other call."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from elman.aio.client import AsyncClient
from elman.aio.hedge import race
from elman.errors import GoElsewhere

SOON, LATE = 0.02, 60.0


@pytest.fixture
def slow(start_scripted: Any) -> Any:
    """A service that says nothing beyond the beginning until it is told to."""
    slow = start_scripted()
    slow.pause_after = 0
    return slow


async def test_a_slow_replica_is_overtaken_and_its_call_is_cancelled(slow: Any, scripted: Any) -> None:
    async with AsyncClient([slow.address, scripted.address], hedge_seconds=SOON) as client:
        hedged = client.complete("a bad ", seed=3, max_characters=20, alternatives=2)
        await anext(hedged)
        assert await asyncio.to_thread(slow.is_gone.wait, 10)
        await hedged.read()
        plain = client.complete("a bad ", seed=3, max_characters=20, alternatives=2)
        await plain.read()
        assert [each.state for each in hedged.alternatives] == [each.state for each in plain.alternatives]
        slow.proceed.clear()
        assert (await client.score("a bad ")).characters == 6
        slow.proceed.set()


class Broken(Exception):
    """No error of the library's own."""


async def failing(error: BaseException, begun: asyncio.Event | None = None) -> AsyncGenerator[int]:
    """A stream that raises, once another has begun."""
    if begun:
        await begun.wait()
    raise error
    yield 0


async def numbers(*all_of_them: int, begun: asyncio.Event) -> AsyncGenerator[int]:
    """A stream that lets the other break first."""
    begun.set()
    await asyncio.sleep(0)
    for number in all_of_them:
        yield number


@pytest.mark.timeout(10)
@pytest.mark.parametrize("error", [Broken("1"), GoElsewhere("1"), asyncio.CancelledError("1")])
async def test_whatever_a_call_raises_the_caller_is_told(error: BaseException) -> None:
    with pytest.raises(type(error)):
        _ = [number async for number in race(lambda: failing(error), lambda: failing(error), LATE, bool)]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("error", [Broken("1"), GoElsewhere("1"), asyncio.CancelledError("1")])
async def test_a_call_that_breaks_in_any_way_leaves_the_answer_to_the_other(error: BaseException) -> None:
    begun = asyncio.Event()
    found = race(lambda: failing(error, begun), lambda: numbers(3, 4, begun=begun), 0, bool)
    assert [number async for number in found] == [3, 4]
