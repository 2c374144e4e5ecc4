"""Two calls, one answer: who is asked, who is cancelled, and what is told if one of them fails. With streams held by hand."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence

import pytest

from elman.aio.hedge import race as race_async
from elman.errors import ElmanError, GoElsewhere, MendRequest
from elman.sync.hedge import race

AT_ONCE, SOON, NEVER = 0.0, 0.01, 60.0
PATIENCE_SECONDS = 10


def is_answer(event: str) -> bool:
    return event != "begun"


class Held:
    """Says what it has once it may, unless it is closed before."""

    def __init__(self, events: Sequence[str | ElmanError], *, may_speak: bool = True) -> None:
        self._events = events
        self._go = threading.Event()
        self.is_closed = threading.Event()
        self.is_heard = threading.Event()  # all was said
        if may_speak:
            self.speak()

    def speak(self) -> None:
        self._go.set()

    def __iter__(self) -> Iterator[str]:
        assert self._go.wait(PATIENCE_SECONDS)
        for event in self._events:
            if isinstance(event, ElmanError):
                self.is_heard.set()
                raise event
            yield event
        self.is_heard.set()

    def close(self) -> None:
        self.is_closed.set()
        self.speak()


def never() -> Held:
    raise AssertionError("nobody should be asked")


def test_whoever_answers_in_time_is_asked_alone_and_heard_to_the_end() -> None:
    quick = Held(["begun", "a", "b"])
    assert list(race(lambda: quick, never, NEVER, is_answer)) == ["begun", "a", "b"]
    assert quick.is_closed.is_set()


def test_a_beginning_is_not_an_answer() -> None:
    class Beginner(Held):
        def __iter__(self) -> Iterator[str]:
            yield "begun"
            yield from super().__iter__()

    slow, quick = Beginner(["late"], may_speak=False), Held(["begun", "a", "b"])
    events = race(lambda: slow, lambda: quick, SOON, is_answer)
    assert next(events) == "begun"
    assert slow.is_closed.is_set()  # before the answer is heard to its end
    assert not quick.is_closed.is_set()
    assert list(events) == ["a", "b"]
    assert quick.is_closed.is_set()


def test_nothing_is_read_beyond_the_answer_before_it_is_wanted() -> None:
    quick = Held(["a", "b"])
    events = race(lambda: quick, never, NEVER, is_answer)
    assert next(events) == "a"
    assert not quick.is_heard.is_set()
    assert list(events) == ["b"]


def test_whoever_stops_listening_cancels_the_call() -> None:
    quick = Held(["a", "b"])
    events = race(lambda: quick, never, NEVER, is_answer)
    assert next(events) == "a"
    events.close()
    assert quick.is_closed.is_set()


def test_a_call_is_read_by_a_thread_that_keeps_no_process_alive() -> None:
    class Reader(Held):
        def __iter__(self) -> Iterator[str]:
            thread = threading.current_thread()
            yield f"{thread.name} {thread.daemon}"

    assert list(race(lambda: Reader([]), never, NEVER, is_answer)) == ["elman-hedge True"]


def test_an_end_without_an_answer_is_an_answer() -> None:
    assert list(race(lambda: Held(["begun"]), never, NEVER, is_answer)) == ["begun"]


def test_a_failure_in_time_is_told_at_once() -> None:
    failing = Held([MendRequest("no")])
    with pytest.raises(MendRequest, match=r"^no$"):
        list(race(lambda: failing, never, NEVER, is_answer))
    assert failing.is_closed.is_set()


def test_the_second_call_s_failure_leaves_the_first_its_chance() -> None:
    slow, failing = Held(["a"], may_speak=False), Held([GoElsewhere("second")])

    def begin_hedge() -> Held:
        threading.Thread(target=lambda: failing.is_heard.wait(PATIENCE_SECONDS) and slow.speak()).start()
        return failing

    assert list(race(lambda: slow, begin_hedge, SOON, is_answer)) == ["a"]


def test_the_last_failure_is_told_once_both_have_failed() -> None:
    slow, failing = Held([GoElsewhere("first")], may_speak=False), Held([GoElsewhere("second")])

    def begin_hedge() -> Held:
        threading.Thread(target=lambda: failing.is_heard.wait(PATIENCE_SECONDS) and slow.speak()).start()
        return failing

    with pytest.raises(GoElsewhere):
        list(race(lambda: slow, begin_hedge, SOON, is_answer))
    assert slow.is_closed.is_set()
    assert failing.is_closed.is_set()


class HeldAsync:
    """The same in an event loop."""

    def __init__(self, events: Sequence[str | ElmanError], *, may_speak: bool = True, begins: bool = False) -> None:
        self._events, self._begins = events, begins
        self.go = asyncio.Event()
        self.is_closed = False
        self.heard: list[str] = []
        if may_speak:
            self.go.set()

    async def events(self) -> AsyncGenerator[str]:
        try:
            if self._begins:
                yield "begun"
            await self.go.wait()
            for event in self._events:
                if isinstance(event, ElmanError):
                    raise event
                self.heard.append(event)
                yield event
        finally:
            self.is_closed = True


async def heard(events: AsyncGenerator[str]) -> list[str]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [event async for event in events]


def never_async() -> AsyncGenerator[str]:
    raise AssertionError("nobody should be asked")


async def test_in_a_loop_whoever_answers_in_time_is_asked_alone_and_heard_to_the_end() -> None:
    quick = HeldAsync(["a", "b"], begins=True)
    assert await heard(race_async(quick.events, never_async, NEVER, is_answer)) == ["begun", "a", "b"]
    assert quick.is_closed


async def test_in_a_loop_a_beginning_is_not_an_answer_and_whoever_is_overtaken_is_closed_at_once() -> None:
    slow, quick = HeldAsync(["late"], may_speak=False, begins=True), HeldAsync(["a", "b"], begins=True)
    events = race_async(slow.events, quick.events, SOON, is_answer)
    assert await anext(events) == "begun"
    assert (slow.is_closed, quick.is_closed) == (True, False)
    assert await heard(events) == ["a", "b"]
    assert quick.is_closed


async def test_in_a_loop_of_two_that_answer_at_the_same_time_one_is_closed_at_once() -> None:
    first, second = HeldAsync(["a", "b"], may_speak=False), HeldAsync(["a", "b"])

    def begin_hedge() -> AsyncGenerator[str]:
        first.go.set()
        return second.events()

    events = race_async(first.events, begin_hedge, AT_ONCE, is_answer)
    assert await anext(events) == "a"
    assert (first.heard, second.heard) == (["a"], ["a"])
    assert (first.is_closed, second.is_closed) == (False, True)
    assert await heard(events) == ["b"]


async def test_in_a_loop_nothing_is_read_beyond_the_answer_before_it_is_wanted() -> None:
    quick = HeldAsync(["a", "b"])
    events = race_async(quick.events, never_async, NEVER, is_answer)
    assert await anext(events) == "a"
    assert quick.heard == ["a"]
    await events.aclose()
    assert quick.is_closed


async def test_in_a_loop_whoever_stops_waiting_cancels_both() -> None:
    slow, slower = HeldAsync(["a"], may_speak=False), HeldAsync(["b"], may_speak=False)
    waiting = asyncio.create_task(heard(race_async(slow.events, slower.events, AT_ONCE, is_answer)))
    await asyncio.sleep(SOON)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (slow.is_closed, slower.is_closed) == (True, True)


async def test_in_a_loop_the_second_call_s_failure_leaves_the_first_its_chance() -> None:
    slow, failing = HeldAsync(["a"], may_speak=False), HeldAsync([GoElsewhere("second")])

    def begin_hedge() -> AsyncGenerator[str]:
        asyncio.get_running_loop().call_later(SOON, slow.go.set)
        return failing.events()

    assert await heard(race_async(slow.events, begin_hedge, AT_ONCE, is_answer)) == ["a"]


async def test_in_a_loop_a_failure_is_told_once_none_can_answer() -> None:
    with pytest.raises(MendRequest, match=r"^no$"):
        await heard(race_async(HeldAsync([MendRequest("no")]).events, never_async, NEVER, is_answer))
    first, second = HeldAsync([GoElsewhere("first")], may_speak=False), HeldAsync([GoElsewhere("second")])

    def begin_hedge() -> AsyncGenerator[str]:
        asyncio.get_running_loop().call_later(SOON, first.go.set)
        return second.events()

    with pytest.raises(GoElsewhere):
        await heard(race_async(first.events, begin_hedge, AT_ONCE, is_answer))
    assert (first.is_closed, second.is_closed) == (True, True)
