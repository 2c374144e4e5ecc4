"""A request that is not answered in time goes to a second replica: the first answer wins, and the other call is cancelled."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from elman.aio.client import AsyncClient
from elman.errors import GoElsewhere, MendRequest
from elman.protocol.retry import Retry
from elman.sync.client import Client
from elman.sync.hedge import race

SOON, LATE = 0.02, 60.0
ONCE = Retry(attempts=1)


def addresses(*servers: Any) -> list[str]:
    return [server.address for server in servers]


@pytest.fixture
def slow(start_scripted: Any) -> Any:
    """A service that says nothing beyond the beginning until it is told to."""
    slow = start_scripted()
    slow.pause_after = 0
    return slow


def test_a_slow_replica_is_overtaken_and_its_call_is_cancelled(slow: Any, scripted: Any) -> None:
    with Client(addresses(slow, scripted), hedge_seconds=SOON) as client:
        hedged = client.complete("a bad ", seed=3, max_characters=20, alternatives=2)
        next(hedged)
        assert slow.is_gone.wait(10)
        hedged.read()
        plain = Client(scripted.address).complete("a bad ", seed=3, max_characters=20, alternatives=2)
        plain.read()
        assert [each.state for each in hedged.alternatives] == [each.state for each in plain.alternatives]
        assert slow.requests == scripted.requests[:1]


def test_a_quick_replica_is_not_hedged(scripted: Any, start_scripted: Any) -> None:
    other = start_scripted()
    with Client(addresses(scripted, other), hedge_seconds=LATE) as client:
        assert len(client.complete("a bad ", max_characters=20).read()) == 20
        assert client.score("a bad ").characters == 6
    assert other.requests == []


def test_a_stream_that_was_hedged_and_broke_is_resumed_by_one_replica(slow: Any, scripted: Any, break_at: Any) -> None:
    scripted.breaks = [break_at(5)]
    with Client(addresses(slow, scripted), hedge_seconds=SOON, retry=Retry(first_seconds=0)) as client:
        completion = client.complete("a bad ", seed=3, max_characters=20)
        completion.read()
        assert completion.text == Client(scripted.address).complete("a bad ", seed=3, max_characters=20).read()


def test_a_slow_score_is_overtaken(slow: Any, scripted: Any) -> None:
    with Client(addresses(slow, scripted), hedge_seconds=SOON) as client:
        assert client.score("a bad ") == Client(scripted.address).score("a bad ")
        slow.proceed.set()


def test_an_error_is_told_if_neither_answers(scripted: Any, start_scripted: Any, break_at: Any) -> None:
    other = start_scripted()
    scripted.breaks, other.breaks = [break_at(0)] * 2, [break_at(0)] * 2
    with Client(addresses(scripted, other), hedge_seconds=0, retry=ONCE) as client:
        with pytest.raises(GoElsewhere, match="the test breaks"):
            client.complete("a").read()
        with pytest.raises(GoElsewhere, match="the test breaks"):
            client.score("a")


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_hedge_before_the_request_is_refused(seconds: float) -> None:
    with pytest.raises(MendRequest, match="hedge_seconds"):
        Client(hedge_seconds=seconds)
    with pytest.raises(MendRequest, match="hedge_seconds"):
        AsyncClient(hedge_seconds=seconds)


class Broken(Exception):
    """No error of the library's own."""


class Call:
    """A stream that tells numbers, or raises."""

    def __init__(self, *numbers: int, error: BaseException | None = None) -> None:
        self._numbers, self._error = iter(numbers), error
        self.is_closed = False

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if self._error:
            raise self._error
        return next(self._numbers)

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.timeout(10)
@pytest.mark.parametrize("error", [Broken("1"), GoElsewhere("1"), SystemExit(1)])
def test_whatever_a_thread_raises_its_caller_is_told(error: BaseException) -> None:
    with pytest.raises(type(error), match="1"):
        list(race(lambda: Call(error=error), Call, LATE, bool))


@pytest.mark.timeout(10)
def test_a_call_that_cannot_even_be_read_is_told_too() -> None:
    class Unreadable(Call):
        def __iter__(self) -> Iterator[int]:
            raise Broken

    with pytest.raises(Broken):
        list(race(Unreadable, Call, LATE, bool))


@pytest.mark.timeout(10)
def test_a_call_that_breaks_in_any_way_leaves_the_answer_to_the_other() -> None:
    is_asked = threading.Event()

    class Slow(Call):
        def __next__(self) -> int:
            is_asked.wait(10)
            raise Broken

    first = Slow()

    def begin_hedge() -> Call:
        is_asked.set()
        return Call(3, 4)

    assert list(race(lambda: first, begin_hedge, 0, bool)) == [3, 4]
    assert first.is_closed
