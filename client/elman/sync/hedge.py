"""Sends a request to a second replica if the first is slow: the first answer wins, the other is cancelled. Knows no request.

replica 1:  ----------------------------x cancelled
replica 2:      hedge_seconds |--------answer...

Seed and digest are in the request, so it does not matter which of them answers.
"""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import chain
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

Answer = TypeVar("Answer")
Event = TypeVar("Event", covariant=True)


class Events(Protocol[Event]):
    """The events of one call. Closing it, from any thread, cancels the call."""

    def __iter__(self) -> Iterator[Event]: ...

    def close(self) -> None:
        """Cancel the call; whoever iterates gets an error."""
        ...


class Racers(Generic[Answer]):
    """One call or two, each read by a thread of its own up to its answer."""

    def __init__(self, is_answer: Callable[[Answer], bool]) -> None:
        self._is_answer = is_answer
        self._streams: list[Events[Answer]] = []
        self._arrivals: SimpleQueue[tuple[Events[Answer], Iterator[Answer]] | BaseException] = SimpleQueue()

    def begin(self, stream: Events[Answer]) -> None:
        """Start to read a call."""
        self._streams.append(stream)
        threading.Thread(target=self._run, args=(stream,), name="elman-hedge", daemon=True).start()

    def _run(self, stream: Events[Answer]) -> None:
        try:
            events, lead = iter(stream), list[Answer]()
            for event in events:
                lead.append(event)
                if self._is_answer(event):
                    break
            self._arrivals.put((stream, chain(lead, events)))
        except BaseException as error:  # whatever it is: the caller waits for an arrival
            self._arrivals.put(error)

    def winner(self, seconds: float | None) -> Iterator[Answer] | None:
        """The events of the first call that answers within the seconds; None if none does. Raises if all of them failed."""
        failures = 0
        while True:
            try:
                arrival = self._arrivals.get(timeout=seconds)
            except Empty:
                return None
            if not isinstance(arrival, BaseException):
                self._close_others(arrival[0])
                return arrival[1]
            failures += 1
            if failures == len(self._streams):
                raise arrival

    def _close_others(self, winner: Events[Answer]) -> None:
        for stream in self._streams:
            if stream is not winner:
                stream.close()

    def close(self) -> None:
        """Cancel both calls."""
        for stream in self._streams:
            stream.close()


def race(
    begin: Callable[[], Events[Answer]],
    begin_hedge: Callable[[], Events[Answer]],
    hedge_seconds: float,
    is_answer: Callable[[Answer], bool],
) -> Generator[Answer]:
    """The events of the call that answers first; the second begins after the seconds. If both fail, raises the last failure."""
    with closing(Racers(is_answer)) as running:
        running.begin(begin())
        events = running.winner(hedge_seconds)
        if events is None:
            running.begin(begin_hedge())
            events = running.winner(None)
        yield from events or ()
