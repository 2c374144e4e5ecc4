"""Contestants that take turns, so that whatever else the machine does slows all of them alike. Knows not what they do."""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple, TypeAlias, TypeVar

Contestant: TypeAlias = Callable[[], object]
Name = TypeVar("Name")

FEWEST_ROUNDS = 3


class Seconds(NamedTuple):
    """What each turn of one contestant took."""

    turns: list[float]

    @property
    def median(self) -> float:
        """The turn in the middle."""
        return median(self.turns)

    def ratio_to(self, other: "Seconds") -> float:
        """The median over the rounds of how many times as long as the other's turn its own took."""
        return median(own / others for own, others in zip(self.turns, other.turns, strict=True))

    def or_slower(self, other: "Seconds") -> "Seconds":
        """The longer turn of both in each round."""
        return Seconds([max(pair) for pair in zip(self.turns, other.turns, strict=True)])


def hold(
    contestants: Mapping[Name, Contestant],
    most_rounds: int,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Name, Seconds]:
    """Let everyone warm up, then give each a turn a round, for about this long; each blocks until its work is done.

    Who works in the caller's thread alone may be measured by `time.thread_time`, which other jobs of the machine disturb less.
    """
    for contestant in contestants.values():
        contestant()
    taken = {name: Seconds([]) for name in contestants}
    end = time.perf_counter() + seconds
    for finished in range(most_rounds):
        if finished >= FEWEST_ROUNDS and time.perf_counter() >= end:
            break
        for name, contestant in contestants.items():
            started = clock()
            contestant()
            taken[name].turns.append(clock() - started)
    return taken
