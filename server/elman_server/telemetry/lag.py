"""How late the event loop is: what it has to do at a moment, it does that much later. Knows no metric."""

import asyncio
from collections.abc import Callable
from typing import Final

LOOK_SECONDS: Final = 0.25


class LagWatch:
    """Tells, a few times a second, how late it was woken."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch this loop from now on."""
        self._loop = loop
        self._wait()

    def stop(self) -> None:
        """Watch no more."""
        self._timer.cancel()

    def _wait(self) -> None:
        self._due = self._loop.time() + LOOK_SECONDS
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._observe(max(0.0, self._loop.time() - self._due))
        self._wait()
