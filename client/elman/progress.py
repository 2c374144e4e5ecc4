"""A line on standard error that says how far long work has come: on a terminal alone, and only while it goes on.

It appears after two seconds, and nothing of it is left at the end. All three packages may use it: it imports nothing of them.
"""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Final, Self, TypeAlias, TypeVar

FIRST_SECONDS: Final = 2.0
NEXT_SECONDS: Final = 0.5
BEGINNING, REST_ERASED = "\r", "\x1b[K"

Item = TypeVar("Item")

Tell: TypeAlias = Callable[[float], None]
"""Takes the share of the work that is done, 0 to 1."""


def untold(share: float) -> None:
    """Tell nobody."""


def told(items: Iterable[Item], count: int, tell: Tell) -> Iterator[Item]:
    """The items, `count` of them; before each and at the end, the share that is done is told."""
    for done, item in enumerate(items):
        tell(done / count)
        yield item
    tell(1.0)


class Progress:
    """The line, from the beginning of some work to its end.

    with Progress("measuring") as progress:     # measuring: 40%, 12 s
        work(progress.tell)
    """

    def __init__(self, work: str) -> None:
        self._work, self._details = work, ""
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self._share: float | None = None

    def __enter__(self) -> Self:
        if can_be_shown():
            self._thread = threading.Thread(target=self._go_on, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def tell(self, share: float | None, details: str = "", work: str = "") -> None:
        """The share of the work that is done, if it is known, more to show beside it, and what the work is by now."""
        self._share, self._details, self._work = share, details, work or self._work

    def say(self, line: str) -> None:
        """Print a line that stays, above this one."""
        with self._lock:
            print(f"{BEGINNING}{REST_ERASED if self._thread else ''}{line}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """The work is done, or something else is about to be shown: the line goes."""
        self._is_over.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def _go_on(self) -> None:
        wait = FIRST_SECONDS
        while not self._is_over.wait(wait):
            self._show(self._line())
            wait = NEXT_SECONDS
        if wait != FIRST_SECONDS:
            self._show("")

    def _show(self, line: str) -> None:
        with self._lock:
            sys.stderr.write(f"{BEGINNING}{line[: shutil.get_terminal_size().columns - 1]}{REST_ERASED}")
            sys.stderr.flush()

    def _line(self) -> str:
        share = "" if self._share is None else f"{self._share:.0%}"
        return f"{self._work}: {', '.join(filter(None, (share, self._details or in_time(time.monotonic() - self._started))))}"


def can_be_shown() -> bool:
    """Whether standard error is a terminal whose cursor can be moved."""
    return bool(sys.stderr and sys.stderr.isatty() and os.environ.get("TERM") != "dumb")


def in_time(seconds: float) -> str:
    """Seconds, for people: 12 s, 3 min 20 s."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
