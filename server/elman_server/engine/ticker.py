"""Turns the engine in the event loop: short ticks in the loop itself, long ones beside it. Knows neither rows nor calls.

    loop     begin finish  begin ........ first ...... finish  begin ........      a keystroke's tick costs no hand-over;
    beside   (short: run here)   run ~~~~~~~~~~~~~~~~>         run ~~~~~~~~~       while a long one runs, the loop writes,
                                                                                   and draws first characters of a typist

Calls and engine are Python of one thread, so that neither waits for the interpreter's lock because of the other.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Protocol, TypeVar, cast, runtime_checkable

from elman_models.execution.protocol import Advance, Outcome
from elman_server.engine.engine import Engine, Tick, TickResult

Result = TypeVar("Result")

SHORT_SECONDS = 0.000075
"""Ticks that take no longer run in the loop: about what two hand-overs between threads cost under load."""

STUCK_SECONDS = 10.0
"""A tick is to take milliseconds; one that takes longer than this will hardly end."""


@runtime_checkable
class RunsBeside(Protocol):
    """An execution with a thread of its own that needs no interpreter: `start`, a byte in the pipe at the end, `finish`."""

    def start(self, advances: Sequence[Advance], pipe: int) -> None:
        """Begin to move the rows."""
        ...

    def finish(self) -> tuple[Outcome, float]:
        """What came of it, and the time that it took. Raises what the run raised."""
        ...


class Ticker:
    """Keeps an engine turning while it has work. `fail` is told what a tick raised, after which nothing turns."""

    def __init__(self, engine: Engine, fail: Callable[[Exception], None]) -> None:
        self._engine, self._fail = engine, fail
        self._is_started = self._is_turning = self._is_stopped = self._is_called_aside = False
        self._beside: Tick | None = None
        self._began_beside = 0.0

    @property
    def is_stuck(self) -> bool:
        """Whether a tick beside the loop does not end."""
        return self._beside is not None and time.monotonic() - self._began_beside > STUCK_SECONDS

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Turn in this loop from now on."""
        self._is_started, self._loop = True, loop
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._thread = ThreadPoolExecutor(1, "engine")
        loop.add_reader(self._reading, self._ended_beside)
        self._engine.on_work = self._wake

    def between_ticks(self, work: Callable[[], Result]) -> Result:
        """Do something in the thread of long ticks, where a GPU is used, and wait for it. For other threads than the loop's."""
        return self._thread.submit(work).result()

    async def stop(self) -> None:
        """Wait for the tick that runs beside the loop, and turn no more. Before `start`, or a second time, it does nothing."""
        if not self._is_started:
            return
        self._is_stopped = True
        if not self._loop.remove_reader(self._reading):
            return
        try:
            if self._beside:
                await asyncio.to_thread(self._result)
        except Exception as error:
            self._fail(error)
        finally:
            self._thread.shutdown()
            os.close(self._reading)
            os.close(self._writing)

    def _wake(self) -> None:
        """There is work: turn soon, unless turning already; first characters need not wait for the tick beside the loop."""
        if not self._is_turning:
            self._is_turning = True
            self._loop.call_soon(self._turn)
        elif self._beside:
            self._call_aside()

    def _call_aside(self) -> None:
        if not self._is_called_aside:
            self._is_called_aside = True
            self._loop.call_soon(self._turn_aside)

    def _turn(self) -> None:
        """One tick, or the beginning of one."""
        try:
            tick = None if self._is_stopped else self._engine.begin()
            if tick is None:
                self._is_turning = False
            elif tick.seconds <= SHORT_SECONDS:
                self._engine.finish(tick, tick.run())
                self._is_turning = self._engine.has_work
                if self._is_turning:
                    self._loop.call_soon(self._give_way)
            else:
                self._start_beside(tick)
        except Exception as error:
            self._break(error)

    def _turn_aside(self) -> None:
        """First characters in the loop, while rows of others move beside it."""
        self._is_called_aside = False
        try:
            if self._beside and not self._is_stopped and (tick := self._engine.begin_first(self._beside.pool)):
                self._engine.finish(tick, tick.run())
        except Exception as error:
            self._break(error)

    def _give_way(self) -> None:
        """Turn again after what the loop finds ready now: what was told is on its way before more is computed."""
        self._loop.call_soon(self._turn)

    def _start_beside(self, tick: Tick) -> None:
        execution = tick.pool.execution
        if runs_beside(type(execution)):
            execution = cast("RunsBeside", execution)
            execution.start(tick.advances, self._writing)
            self._result = execution.finish
        else:
            future = self._thread.submit(tick.run)
            self._result = future.result
            future.add_done_callback(self._signal)
        self._beside, self._began_beside = tick, time.monotonic()
        if self._engine.awaits_first(tick.pool):  # since the tick before, which moved rows of theirs
            self._call_aside()

    def _signal(self, _: "Future[TickResult]") -> None:
        os.write(self._writing, b".")

    def _ended_beside(self) -> None:
        """The tick beside the loop has ended: take it, and begin the next before anything is written."""
        os.read(self._reading, 1)
        tick, self._beside = self._beside, None
        try:
            if tick:
                self._engine.finish(tick, TickResult(*self._result()))
            self._turn()
        except Exception as error:
            self._break(error)

    def _break(self, error: Exception) -> None:
        self._is_stopped = True
        self._fail(error)


@cache
def runs_beside(kind: type) -> bool:
    """Whether executions of this class bring a thread of their own."""
    return issubclass(kind, RunsBeside)
