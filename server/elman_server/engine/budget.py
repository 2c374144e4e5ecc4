"""How many bytes are held for callers: counted where they are held, and refused beyond a bound. Knows no messages."""

from pathlib import Path
from typing import Final

from elman_server.errors import OutOfMemory

WITHOUT_LIMIT: Final = 1 << 28
"""What may be held where the process's memory has no limit of its own."""
LIMITS: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
UNLIMITED: Final = 1 << 60
"""What version 1 of cgroups says where there is no limit is more than that."""


class Budget:
    """At most `most` bytes for all calls together."""

    def __init__(self, most: int = UNLIMITED) -> None:
        self.most = most
        self.held = 0

    def open(self) -> "Holding":
        """What one call holds: nothing yet."""
        return Holding(self)

    def change(self, by: int) -> None:
        """Count more bytes, or fewer. Raises OutOfMemory where there is no room for more."""
        if by > 0 and self.held + by > self.most:
            raise OutOfMemory(by, self.held, self.most)
        self.held += by


class Holding:
    """What one call holds."""

    __slots__ = ("_budget", "size")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.size = 0

    def hold(self, size: int) -> None:
        """Hold as many bytes in place of those of before. Raises OutOfMemory."""
        self._budget.change(size - self.size)
        self.size = size

    def count(self, size: int) -> None:
        """Count as many bytes that are held by now, though they may be more than there is room for: the next are refused."""
        self._budget.held += size - self.size
        self.size = size

    def close(self) -> None:
        """Hold nothing."""
        self.hold(0)


def default_bytes() -> int:
    """Half of what the process may use (cgroups, version 2 or 1): the rest is for models, code and what is on its way."""
    for path in LIMITS:
        try:
            limit = path.read_text().strip()
        except OSError:
            continue
        if limit.isdecimal() and int(limit) < UNLIMITED:
            return int(limit) // 2
    return WITHOUT_LIMIT
