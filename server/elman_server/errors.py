"""What the server refuses beside what the models refuse (elman_models.errors).

Refused
├── UnknownModel   NOT_FOUND            lists the models there are
├── Busy           RESOURCE_EXHAUSTED   with the delay after which to come back
│   ├── QueueFull    no more may wait
│   ├── TooLate      what waits would not leave the time to end before the call's deadline
│   ├── OutOfMemory  more bytes are held for calls than may be
│   ├── Shortage     the machine gives no more memory
│   ├── TooSlow      the caller has neither sent its request nor read its responses for too long
│   └── OverLimit    a token's limit is reached
├── Unavailable    UNAVAILABLE          draining: go to another replica and resume
│   └── Revoked      the token of a stream is no longer taken: a new stream needs another
└── Defect         INTERNAL             an identifier to find the log line, no internals
"""

from collections.abc import Iterable
from random import Random
from typing import Final

from elman.settings import shown
from elman_models.errors import Refused

LEAST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.25, 0.75
"""After which to come back where nothing says how long it will take."""
RANDOM: Final = Random()  # noqa: S311 (spreads those who come back, and decides no character)


def soon() -> float:
    """A delay, so that not all come back together."""
    return RANDOM.uniform(LEAST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)


class UnknownModel(Refused):
    """No model of that name is served."""

    status = "NOT_FOUND"

    def __init__(self, name: str, served: Iterable[str]) -> None:
        super().__init__(f"model.name: {shown(name)} is not served; there are: {', '.join(served)}")


class Busy(Refused):
    """There is too much to do; `retry_seconds` later there may be less."""

    status = "RESOURCE_EXHAUSTED"

    def __init__(self, reason: str, retry_seconds: float) -> None:
        self.retry_seconds = round(retry_seconds, 3)
        super().__init__(f"{reason}; retry after {self.retry_seconds:g} s")


class QueueFull(Busy):
    """Too many texts are waiting for a row."""

    def __init__(self, waiting: int, retry_seconds: float) -> None:
        super().__init__(f"the queue is full: {waiting} texts are waiting", retry_seconds)


class TooLate(Busy):
    """The call would hardly end before its deadline."""

    def __init__(self, left: float, wait: float, retry_seconds: float) -> None:
        reason = f"deadline: {max(left, 0):.3g} s are left, and others come first for about {wait:.2g} s"
        super().__init__(reason, retry_seconds)


class OutOfMemory(Busy):
    """There is no room for what a call would hold."""

    def __init__(self, wanted: int, held: int, most: int) -> None:
        reason = f"memory: {wanted} bytes more, where calls hold {held} of {most} bytes"
        super().__init__(reason, soon())


class Shortage(Busy):
    """The machine gives no more memory, though the budget would."""

    def __init__(self) -> None:
        super().__init__("memory: the machine has none left", soon())


class TooSlow(Busy):
    """A caller holds what others could use."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"for {seconds:.0f} s nothing was read of what was written, or no request came", soon())


class OverLimit(Busy):
    """The bearer of a token has asked for more than it grants."""

    def __init__(self, limit: str, retry_seconds: float | None = None) -> None:
        super().__init__(limit, soon() if retry_seconds is None else max(retry_seconds, 0.001))


class Unavailable(Refused):
    """The server is going away."""

    status = "UNAVAILABLE"

    def __init__(self, reason: str = "the server is draining; resume on another replica") -> None:
        super().__init__(reason)


class Revoked(Unavailable):
    """The token that a stream began with was taken out of the file; its caller may have another."""

    def __init__(self) -> None:
        super().__init__("the token of this stream is no longer taken")


class Defect(Refused):
    """Something broke that should not have."""

    status = "INTERNAL"

    def __init__(self, identifier: str) -> None:
        super().__init__(f"a defect of the server; please report it with the identifier {identifier}")
