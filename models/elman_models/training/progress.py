"""What a person sees of a training run, on standard error: a line that changes on a terminal, otherwise one now and then.

Knows no network.
"""

import sys
import time
from types import TracebackType
from typing import Protocol, Self

from elman.progress import Progress, can_be_shown, in_time
from elman.text import escaped

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


class Terminal(Progress):
    """A line with the loss, characters a second and the time left."""

    def __init__(self) -> None:
        super().__init__("training")
        self._first: tuple[int, float] | None = None  # the first step of this run, and when it was done

    def say(self, line: str) -> None:
        """Show the line, which commands nothing, whatever a file is called."""
        super().say(escaped(line))

    def doing(self, what: str) -> None:
        """Show what is done that has no steps to count."""
        self.tell(None, work=what)

    def advance(self, step: int, steps: int, loss: float, characters_per_second: float) -> None:
        """Show how far it is."""
        now = time.monotonic()
        first, began = self._first = self._first or (step, now)
        left = f", {in_time((now - began) / (step - first) * (steps - step))} left" if step > first else ""
        self.tell(step / steps, f"{figures_of(loss, characters_per_second)}{left}", "training")


class Plain:
    """Lines alone, the first after `LINE_SECONDS`."""

    def __enter__(self) -> Self:
        self._last = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def say(self, line: str) -> None:
        """Print the line at once."""
        print(escaped(line), file=sys.stderr, flush=True)

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
    """A line that changes on a terminal, otherwise plain lines."""
    return Terminal() if can_be_shown() else Plain()


def figures_of(loss: float, characters_per_second: float) -> str:
    """Loss and speed, in the same words for both."""
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
