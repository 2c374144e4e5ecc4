"""What recall favours along a text, for any predictor: its odds are mixed into whatever probabilities that gives.

    P(x) = (p(x) + odds [x = c]) / (1 + odds)        lambda = odds / (1 + odds), as in LAW.md

A network does this itself, by the integers of the law. Knows no predictor.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from elman_models.execution.recollection import Recollection
from elman_models.law.recall import ODDS_UNIT, Recall, recalled
from elman_models.measure.grams import Floats, Places
from elman_models.measure.predictor import Indices


@dataclass(frozen=True, slots=True, eq=False)
class Favoured:
    """At each of several places the recalled character and its odds; odds 0: nothing is recalled."""

    characters: Indices
    odds: Floats

    @classmethod
    def along(cls, recall: Recall, text: Indices, unknown: int) -> "Favoured":
        """Before each character of a text and at its end."""
        recollection = Recollection.along(text, recall.window)
        cells = recollection.classes(recall, unknown)
        is_something = cells >= 0
        odds = np.where(is_something, recall.odds.flat[np.maximum(cells, 0)] / ODDS_UNIT, 0.0)
        return cls(np.where(is_something, recollection.characters, 0), odds)

    @classmethod
    def after(cls, recall: Recall, text: Indices, places: Places, tops: Indices, unknown: int) -> "Favoured":
        """After another character at some places of a text, in place of its own."""
        window = recall.window
        ends = (np.append(text[max(0, place + 1 - window) : place], top) for place, top in zip(places, tops, strict=True))
        found = [recalled(end) for end in ends] if window else []
        odds = np.array([recall.odds_of(each, unknown) for each in found] or np.zeros(len(places)))
        characters = np.array([each.character for each in found] or np.zeros(len(places)), np.int32)
        return cls(np.where(odds > 0, characters, 0), odds / ODDS_UNIT)

    @classmethod
    def joined(cls, several: "Iterator[Favoured]") -> "Favoured":
        """Of one text after another."""
        characters, odds = zip(*((each.characters, each.odds) for each in several), strict=True)
        return cls(np.concatenate(characters), np.concatenate(odds))

    def ahead(self) -> "Favoured":
        """Without the place at the end."""
        return Favoured(self.characters[:-1], self.odds[:-1])

    def mix(self, probability: Floats, part: slice) -> Floats:
        """The probabilities at some of the places with what is favoured there: (places, characters)."""
        odds = self.odds[part]
        probability[np.arange(len(odds)), self.characters[part]] += odds
        return probability / (1 + odds)[:, None]
