"""Who asks for texts, how much of the engine they take, and a caller's share of it. Knows no text."""

from collections.abc import Hashable
from math import inf
from typing import Final, NamedTuple


class Asker(NamedTuple):
    """Who asks for texts, until when they are of use, and whether somebody types meanwhile."""

    caller: Hashable = None
    deadline: float = inf  # by time.monotonic
    is_document: bool = False


ANYONE: Final = Asker()
"""Who asks where there is but one who could, and no hurry."""


class Effort(NamedTuple):
    """How many steps texts may take, and how many the longest of them takes at least."""

    most: int
    least: int


LEAST_EFFORT: Final = Effort(1, 1)
"""Of any text."""


class Caller:
    """One caller's share of the engine, while it has texts there."""

    __slots__ = ("last", "name", "served", "texts", "waiting", "work")

    def __init__(self, name: Hashable, served: float) -> None:
        self.name, self.served = name, served  # steps that it has had the turn for
        self.work = self.texts = 0  # steps that its texts may still take; texts that have not ended
        self.waiting = 0  # what its texts that wait for a row weigh
        self.last = LEAST_EFFORT  # of the text that came last
