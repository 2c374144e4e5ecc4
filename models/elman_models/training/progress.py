"""What a person sees of a training run, on standard error: a bar on a terminal, otherwise a plain line now and then.

Knows no network.
"""

import sys
import time
from types import TracebackType
from typing import Protocol, Self

LINE_SECONDS = 30.0
SMOOTHING = 0.98


class Report(Protocol):
    """Where a run reports: what it says, what it is doing, and each step that is done."""

    def say(self, line: str) -> None:
        """Show a line that stays."""
        ...

    def doing(self, what: str) -> None:
        """Something without steps has begun, which may take a while."""
        ...

    def advance(self, step: int, steps: int, loss: float, characters_per_second: float) -> None:
        """A step is done; `loss` is in nats a character."""
        ...


class Terminal:
    """A bar with characters a second, loss and time left. Needs `rich`, which comes with elman[train]."""

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), TextColumn("{task.fields[figures]}"), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("train", start=False, figures="")
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """Print the line above the bar."""
        self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def doing(self, what: str) -> None:
        """Let the bar swing, which it does by itself."""
        self._progress.reset(self._task, start=False, figures=what)

    def advance(self, step: int, steps: int, loss: float, characters_per_second: float) -> None:
        """Move the bar."""
        self._progress.start_task(self._task)
        figures = f"{step / steps:.1%} {figures_of(loss, characters_per_second)}"
        self._progress.update(self._task, completed=step, total=steps, figures=figures)


class Plain:
    """Lines alone, the first after `LINE_SECONDS`."""

    def __enter__(self) -> Self:
        self._last = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def say(self, line: str) -> None:
        """Print the line at once."""
        print(line, file=sys.stderr, flush=True)

    def doing(self, what: str) -> None:
        """Print what it is."""
        self.say(what)

    def advance(self, step: int, steps: int, loss: float, characters_per_second: float) -> None:
        """Print a line if the last one is old enough."""
        if time.monotonic() - self._last >= LINE_SECONDS:
            self._last = time.monotonic()
            self.say(f"step {step} of {steps}: {figures_of(loss, characters_per_second)}")


class Silent:
    """A report that shows nothing: for the processes beside the first."""

    def say(self, line: str) -> None:
        """Drop the line."""

    def doing(self, what: str) -> None:
        """Drop what it is."""

    def advance(self, step: int, steps: int, loss: float, characters_per_second: float) -> None:
        """Drop the step."""


def report_for_standard_error() -> Terminal | Plain:
    """A bar on a terminal, otherwise plain lines."""
    return Terminal() if sys.stderr.isatty() else Plain()


def figures_of(loss: float, characters_per_second: float) -> str:
    """Loss and speed, in the same words for a bar and for a line."""
    return f"{loss:.3f} nats a character, {characters_per_second:,.0f} characters a second"


class Speed:
    """Characters a second and loss, smoothed over the last steps."""

    def __init__(self) -> None:
        self.loss = 0.0
        self.characters_per_second = 0.0
        self._weight = 0.0
        self._seconds = 0.0
        self._characters = 0.0
        self._last = time.monotonic()

    def add(self, characters: int, loss: float) -> None:
        """Take a step that is done into both averages."""
        now = time.monotonic()
        self._seconds = SMOOTHING * self._seconds + now - self._last
        self._characters = SMOOTHING * self._characters + characters
        self._weight = SMOOTHING * self._weight + 1
        self._last = now
        self.characters_per_second = self._characters / max(self._seconds, 1e-9)
        self.loss += (loss - self.loss) / self._weight
