"""The machine's clock and chance, for `protocol.retry`, which knows neither."""

import random
import time


class SystemClock:
    """Time since some moment in the past, and random numbers that need not be repeated."""

    def now(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def jitter(self) -> float:
        """A random number from 0 to 1."""
        return random.random()  # noqa: S311 (spreads retries, guards no secret)
