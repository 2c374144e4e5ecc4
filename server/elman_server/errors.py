"""What the server refuses beside what the models refuse (elman_models.errors).

Refused
├── UnknownModel   NOT_FOUND            lists the models there are
├── QueueFull      RESOURCE_EXHAUSTED   with the delay after which to come back
├── Unavailable    UNAVAILABLE          draining: go to another replica and resume
└── Defect         INTERNAL             an identifier to find the log line, no internals
"""

from collections.abc import Iterable

from elman.settings import shown
from elman_models.errors import Refused

RETRY_SECONDS = 0.5


class UnknownModel(Refused):
    """No model of that name is served."""

    status = "NOT_FOUND"

    def __init__(self, name: str, served: Iterable[str]) -> None:
        super().__init__(f"model.name: {shown(name)} is not served; there are: {', '.join(served)}")


class QueueFull(Refused):
    """Too many texts are waiting for a row."""

    status = "RESOURCE_EXHAUSTED"

    def __init__(self, waiting: int) -> None:
        super().__init__(f"the queue is full: {waiting} texts are waiting; retry after {RETRY_SECONDS} s")
        self.retry_seconds = RETRY_SECONDS


class Unavailable(Refused):
    """The server is going away."""

    status = "UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the server is draining; resume on another replica")


class Defect(Refused):
    """Something broke that should not have."""

    status = "INTERNAL"

    def __init__(self, identifier: str) -> None:
        super().__init__(f"a defect of the server; please report it with the identifier {identifier}")
