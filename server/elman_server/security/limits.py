"""What one token may ask for in a second, and how long to wait where it has asked for more. Knows no token and no gRPC."""

import time
from dataclasses import dataclass
from typing import Final

from elman.allowed import Above
from elman.settings import NUMBER, WHOLE, Range, check, setting
from elman_models.errors import InvalidField

SAVED_SECONDS: Final = 10.0
"""Who has asked for less may ask for more at once: what so many seconds allow."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one token; None: there is none."""

    calls_per_second: float | None = setting(None, NUMBER, "how many calls it may begin in a second", Above(0, 1e6, "above 0"))
    characters_per_second: float | None = setting(
        None, NUMBER, "how many characters it may send and get in a second", Above(0, 1e9, "above 0")
    )
    concurrent_calls: int | None = setting(None, WHOLE, "how many of its calls may run at a time", Range(1, 1_000_000))

    def __post_init__(self) -> None:
        check(self, InvalidField)


class Allowance:
    """So much a second, and what was saved. Who spends more than there is waits until that is made good."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._left = (rate or 0.0) * SAVED_SECONDS
        self._at = time.monotonic()

    def spend(self, amount: float) -> None:
        """Take it from what there is."""
        if self._rate is not None:
            self._save(self._rate)
            self._left -= amount

    @property
    def wait_seconds(self) -> float:
        """How long until there is something to spend; 0: now."""
        if self._rate is None:
            return 0.0
        self._save(self._rate)
        return max(0.0, -self._left / self._rate)

    def _save(self, rate: float) -> None:
        now = time.monotonic()
        self._left = min(rate * SAVED_SECONDS, self._left + rate * (now - self._at))
        self._at = now
