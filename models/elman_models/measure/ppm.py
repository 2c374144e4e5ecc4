"""The other thing that a network is measured against: prediction by partial matching, method D, with exclusion.

From the longest context that the text holds, N(c) characters after it and T(c) different ones:

    p(x | c) = (2 N(c x) - 1) / (2 N(c)),        and T(c) / (2 N(c)) of the probability escapes to the shorter context

where what a longer context holds is left out of N and T in the shorter ones (Cleary and Witten 1984; Howard 1993). A gram is
counted when the longer context did not hold it yet: so N counts, in all but the longest, the different characters that come
before. What escapes last is shared by the characters left. `Ppm` learns nothing while reading; `adapting.py` does. Knows no
network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman_models.measure.grams import Floats, Grams, Level, Places, contexts_of
from elman_models.measure.predictor import Indices


class Ppm:
    """PPM-D of contexts up to `order` characters long."""

    def __init__(self, grams: Grams, order: int) -> None:
        self.name = f"PPM-D {order}"
        self.grams = grams.up_to(order + 1)

    def places(self, texts: Sequence[Indices]) -> Sequence[Places]:
        """Of each text, the grams that end before each character, and after the last: (characters + 1, levels)."""
        return self.grams.all_places(texts)

    def followed(self, places: Places, characters: Indices) -> Places:
        """The same after one more character each."""
        return self.grams.followed(places, characters)

    def probabilities(self, places: Places) -> Floats:
        """Of every character but UNK, after the grams that end at some places: (places, characters)."""
        spread = Spread.over(len(places), self.grams.size)
        for level, those in reversed(list(zip(self.grams.levels, contexts_of(places), strict=True))):
            rows, grams = level.followers(those)
            spread.give(rows, level.characters[grams], self.counts(level)[grams])
        return spread.finish()[:, :-1]

    def counts(self, level: Level) -> NDArray[np.int32]:
        """What counts for a gram: in the longest, how often it came."""
        return level.occurrences if level is self.grams.levels[-1] else level.predecessors


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How the probability of each row has been spread over characters so far."""

    probability: Floats  # (rows, characters)
    is_left: NDArray[np.bool_]  # (rows, characters): excluded by no context so far
    escaped: Floats  # (rows,)

    @classmethod
    def over(cls, rows: int, size: int) -> "Spread":
        """Nothing is spread yet; UNK never takes any."""
        is_left = np.ones((rows, size), np.bool_)
        is_left[:, -1] = False
        return cls(np.zeros((rows, size)), is_left, np.ones(rows))

    def give(self, rows: Places, characters: NDArray[np.integer], counts: NDArray[np.int32]) -> None:
        """To the characters that are left of those that follow, by one context a row: pairs of both, and their counts."""
        is_new = self.is_left[rows, characters] & (counts > 0)
        rows, characters, count = rows[is_new], characters[is_new], counts[is_new]
        total = np.bincount(rows, weights=count, minlength=len(self.escaped))
        kinds = np.bincount(rows, minlength=len(self.escaped))
        is_last = kinds == self.is_left.sum(axis=1)  # nobody is left to escape to
        share = np.where(is_last[rows], count / total[rows], (2 * count - 1) / (2 * total[rows]))
        self.probability[rows, characters] = self.escaped[rows] * share
        self.is_left[rows, characters] = False
        self.escaped[:] *= np.where(kinds > 0, np.where(is_last, 0.0, kinds / np.maximum(2 * total, 1)), 1.0)

    def finish(self) -> Floats:
        """Share what escaped last."""
        left = np.maximum(self.is_left.sum(axis=1), 1)
        return self.probability + self.is_left * (self.escaped / left)[:, None]
