"""Recall: what followed the longest earlier run that is like the end of the text (LAW.md, Recall). Knows no network.

    text:   ... d e f   g e t ( s e l f ) : . . . d e f   g e t (          what followed "def get(" before: an s
                ~~~~~~~~~~~~~~~             ~~~~~~~~~~~~~~~
                          source j^                        end p^            l(j) = 8, c = "s"

It is a function of the last `window` characters alone: a scan of them is the definition, and any faster way must equal it.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST, MOST = 3, 32
"""The shortest common suffix that makes a source, and the longest that is told from longer ones."""
PERIOD = 512
"""The farthest source that may be periodic: what it would repeat has just been repeated."""
SOURCES = 64
"""The number of latest sources that are looked at."""
LARGEST_WINDOW = 1 << 16
ODDS_UNIT = 1 << 16
LARGEST_ODDS = 1 << 22

LENGTHS = (4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32)
UNANIMOUS = (2, 3, 5)
SHARES = (3, 5, 7, 9)
RIVALS = (1, 8)
DISTANCES = (128, 1024)


class Recalled(NamedTuple):
    """What is recalled at the end of a text."""

    length: int  # L; 0: nothing is recalled
    character: int  # c; -1: nothing is recalled
    same: int  # sources at least half as long that are followed by c
    other: int  # ... by another character
    rival: int  # the length of the longest source that another character follows; 0: none
    distance: int  # from the source that c follows to the end


NOTHING_RECALLED = Recalled(0, -1, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Recall:
    """How far back a model recalls, and what that is worth in each class: lambda / (1 - lambda), in 1/65536.

    A length L is in the class of the number of `lengths` that are at most L. If all sources agree, the agreement class is the
    number of `unanimous` that are at most `same`; otherwise it lies behind these, by the number of `shares` (tenths) that
    same / (same + other) reaches. The rival class is the number of `rivals` (tenths) that rival / L reaches, and the distance
    class the number of `distances` that are at most the distance.
    """

    window: int  # 0: no recall
    lengths: NDArray[np.int32]  # (11,) ascending
    unanimous: NDArray[np.int32]  # (3,) ascending
    shares: NDArray[np.int32]  # (4,) ascending, in tenths
    rivals: NDArray[np.int32]  # (2,) ascending, in tenths
    distances: NDArray[np.int32]  # (2,) ascending
    odds: NDArray[np.int32]  # (12, 9, 3, 3)

    SHAPES: ClassVar[dict[str, tuple[int, ...]]] = {
        "window": (1,),
        "lengths": (len(LENGTHS),),
        "unanimous": (len(UNANIMOUS),),
        "shares": (len(SHARES),),
        "rivals": (len(RIVALS),),
        "distances": (len(DISTANCES),),
        "odds": (len(LENGTHS) + 1, len(UNANIMOUS) + len(SHARES) + 2, len(RIVALS) + 1, len(DISTANCES) + 1),
    }
    """Of the tensors in an artifact, all int32."""

    @classmethod
    def of(cls, window: int, odds: NDArray[np.int32]) -> "Recall":
        """With the classes of today."""
        lengths, unanimous, shares, rivals, distances = (
            np.array(each, np.int32) for each in (LENGTHS, UNANIMOUS, SHARES, RIVALS, DISTANCES)
        )
        return cls(window, lengths, unanimous, shares, rivals, distances, odds)

    @classmethod
    def none(cls) -> "Recall":
        """A model that recalls nothing."""
        return cls.of(0, np.zeros(cls.SHAPES["odds"], np.int32))

    def tensors(self) -> dict[str, NDArray[np.int32]]:
        """What an artifact holds of it, by name."""
        return {"window": np.array([self.window], np.int32), **self.bounds, "odds": self.odds}

    @property
    def bounds(self) -> dict[str, NDArray[np.int32]]:
        """What bounds the classes, by name."""
        names = ("lengths", "unanimous", "shares", "rivals", "distances")
        return {name: getattr(self, name) for name in names}

    def class_of(self, recalled: Recalled) -> tuple[int, int, int, int]:
        """The place in the odds; something must be recalled."""
        rival = int((self.rivals * recalled.length <= 10 * recalled.rival).sum())
        distance = int((self.distances <= recalled.distance).sum())
        return int((self.lengths <= recalled.length).sum()), self._agreement(recalled), rival, distance

    def _agreement(self, recalled: Recalled) -> int:
        if not recalled.other:
            return int((self.unanimous <= recalled.same).sum())
        total = recalled.same + recalled.other
        return len(self.unanimous) + 1 + int((self.shares * total <= 10 * recalled.same).sum())

    def odds_of(self, recalled: Recalled, unknown: int) -> int:
        """The odds of the recalled character; 0 where there is none, or where it is UNK."""
        if recalled.character in (NOTHING_RECALLED.character, unknown):
            return 0
        return int(self.odds[self.class_of(recalled)])


def recalled(seen: NDArray[np.integer]) -> Recalled:
    """What is recalled at the end of the part of a text that is seen, t[b..p), as indices of a vocabulary."""
    lengths = {j: common_suffix(seen, j) for j in sources_of(seen)}
    kept = {j: length for j, length in lengths.items() if not is_periodic(seen, j)}
    if not kept:
        return NOTHING_RECALLED
    longest = max(kept.values())
    source = max(j for j, length in kept.items() if length == longest)
    character = int(seen[source])
    followers = [int(seen[j]) for j, length in kept.items() if 2 * length >= longest]
    same = followers.count(character)
    rival = max((length for j, length in kept.items() if seen[j] != character), default=0)
    return Recalled(longest, character, same, len(followers) - same, rival, len(seen) - source)


def sources_of(seen: NDArray[np.integer]) -> list[int]:
    """The latest places before which stand the same LEAST characters as at the end, at most SOURCES."""
    count = len(seen)
    if count <= LEAST:
        return []
    agree = np.ones(count - LEAST, np.bool_)
    for back in range(1, LEAST + 1):
        agree &= seen[LEAST - back : count - back] == seen[count - back]
    return [int(j) + LEAST for j in np.flatnonzero(agree)[-SOURCES:]]


def common_suffix(seen: NDArray[np.integer], j: int) -> int:
    """l(j): how many characters before j and before the end are the same, at most MOST."""
    most = min(MOST, j)
    different = np.flatnonzero(seen[j - most : j] != seen[len(seen) - most :])
    return most - 1 - int(different[-1]) if len(different) else most


def is_periodic(seen: NDArray[np.integer], j: int) -> bool:
    """Whether what stands between j and the end has just been repeated."""
    distance = len(seen) - j
    return distance <= PERIOD and j >= distance and bool(np.array_equal(seen[j - distance : j], seen[j:]))
