"""Reads texts by models that are made of counted grams. It does not know which: they give
probabilities, and recall is mixed with these.

A text begins with no context, in windows too: better for these models than a line's end, with which a network begins.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from elman.words import APOSTROPHES
from elman_models.law.recall import Recall
from elman_models.law.tables import UNIT, UNKNOWN_NATS
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.favoured import Favoured
from elman_models.measure.grams import Floats, Places
from elman_models.measure.predictor import Indices, Reading

MOST_PROBABILITIES = 1 << 21
"""At most this many probabilities are held at once."""


class GramModel(Protocol):
    """A model that is made of counted grams."""

    name: str

    def places(self, texts: Sequence[Indices]) -> Sequence[Places]:
        """The grams that end before each character of each text, and after its last: (characters + 1, any number)."""
        ...

    def followed(self, places: Places, characters: Indices) -> Places:
        """The same after one more character each."""
        ...

    def probabilities(self, places: Places) -> Floats:
        """Of every character but UNK, after the grams that end at some places: (places, characters)."""
        ...


class GramPredictor:
    """A `Predictor` by one of these models, with what recall is worth to it."""

    def __init__(self, model: GramModel, vocabulary: Vocabulary, recall: Recall | None = None) -> None:
        self.name = f"{model.name} with recall" if recall else model.name
        self._model = model
        self.recall = recall or Recall.none()
        self._length = max(1, MOST_PROBABILITIES // (len(vocabulary) + 1))
        self._unknown = vocabulary.unknown
        self._joiners = vocabulary.encode(APOSTROPHES)

    def read(self, texts: Sequence[Indices]) -> list[Reading]:
        """Read several texts, each by itself."""
        return [self._read(text, places) for text, places in zip(texts, self._model.places(texts), strict=True)]

    def nats(self, texts: Sequence[Indices]) -> float:
        """The sum of all characters' costs, each text read by itself."""
        return float(sum(costs.sum() for costs in self._costs_in_parts(texts)))

    def costs(self, texts: Sequence[Indices]) -> list[Floats]:
        """What each character of each text costs, in nats."""
        ends = np.cumsum([len(text) for text in texts])[:-1]
        return np.split(np.concatenate([np.zeros(0), *self._costs_in_parts(texts)]), ends)

    def _costs_in_parts(self, texts: Sequence[Indices]) -> Iterator[Floats]:
        joined = np.concatenate(texts)
        places = np.concatenate([places[:-1] for places in self._model.places(texts)])
        favoured = Favoured.joined(Favoured.along(self.recall, text, self._unknown).ahead() for text in texts)
        for part, probability in self._parts(places, favoured):
            yield self._costs(probability, joined[part])

    def _read(self, text: Indices, places: Places) -> Reading:
        reading = Reading.blank(len(text))
        for part, probability in self._parts(places, Favoured.along(self.recall, text, self._unknown)):
            ahead = text[part]
            reading.costs[part] = self._costs(probability[: len(ahead)], ahead)
            reading.tops[part], reading.surprises[part] = most_probable(probability)
        self._look_ahead(reading, text, places)
        return reading

    def _look_ahead(self, reading: Reading, text: Indices, places: Places) -> None:
        """What would follow the tops that may stand inside a word."""
        joining = np.flatnonzero(np.isin(reading.tops, self._joiners) & (reading.tops < self._unknown))
        tops = reading.tops[joining]
        favoured = Favoured.after(self.recall, text, joining, tops, self._unknown)
        for part, probability in self._parts(self._model.followed(places[joining], tops), favoured):
            reading.seconds[joining[part]], reading.second_surprises[joining[part]] = most_probable(probability)

    def _parts(self, places: Places, favoured: Favoured) -> Iterator[tuple[slice, Floats]]:
        for start in range(0, len(places), self._length):
            part = slice(start, start + self._length)
            yield part, favoured.mix(self._model.probabilities(places[part]), part)

    def _costs(self, probability: Floats, characters: Indices) -> Floats:
        is_known = characters < self._unknown
        found = probability[np.arange(len(characters)), np.where(is_known, characters, 0)]
        return np.where(is_known, -np.log(found), UNKNOWN_NATS)


def most_probable(probability: Floats) -> tuple[Indices, Places]:
    """The index of each row's most probable character, the first of equals, and its surprise in 1/256 nat."""
    tops = probability.argmax(axis=1)
    return tops.astype(np.int32), np.rint(-UNIT * np.log(probability[np.arange(len(tops)), tops])).astype(np.int64)
