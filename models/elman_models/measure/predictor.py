"""What there is to know of how a predictor reads a text, and the seam where one plugs in. Knows no network, no typist.

place:      0     1     2  ...  n-1    n          a prediction at each place, also after the last character
character:    t     h     e ...     .

Texts are arrays of a vocabulary's indices; each is read from the start of a text, which is a line's start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Indices: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Of each place in a text of n characters: what was most probable, and what the character that came cost.

    Surprises are in 1/256 nat, as in LAW.md. `seconds` tell what would be most probable after a top that did not come, where
    that is one of APOSTROPHES (elsewhere they may say anything): with it, where the first word of the ghost text ends.
    """

    costs: NDArray[np.float64]  # (n,) nats; ln(1,114,112) for what the vocabulary lacks
    tops: NDArray[np.int32]  # (n + 1,)
    surprises: NDArray[np.int64]  # (n + 1,)
    seconds: NDArray[np.int32]  # (n + 1,)
    second_surprises: NDArray[np.int64]  # (n + 1,)

    @classmethod
    def blank(cls, characters: int) -> "Reading":
        """A reading to be filled in."""
        places = characters + 1
        tops, seconds = np.zeros(places, np.int32), np.zeros(places, np.int32)
        return cls(np.zeros(characters), tops, np.zeros(places, np.int64), seconds, np.zeros(places, np.int64))


class Predictor(Protocol):
    """Something that tells how probable each next character is."""

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        ...

    def read(self, texts: Sequence[Indices]) -> list[Reading]:
        """Read several texts, each by itself."""
        ...

    def nats(self, texts: Sequence[Indices]) -> float:
        """The sum of all characters' costs, each text read by itself."""
        ...
