"""Reads texts by models that are made of counted grams. It does not know which: they give probabilities.

A text begins with no context, in windows too: better for these models than a line's end, with which a network begins.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from elman_models.law.tables import UNIT, UNKNOWN_NATS
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.grams import NOWHERE, Floats, Grams, Places
from elman_models.measure.predictor import JOINERS, Indices, Reading

MOST_PROBABILITIES = 1 << 21
"""At most this many probabilities are held at once."""


class GramModel(Protocol):
    """A model that is made of counted grams."""

    name: str
    grams: Grams

    def probabilities(self, places: Places) -> Floats:
        """Of every character but UNK, after the grams that end at some places: (places, characters)."""
        ...


class GramPredictor:
    """A `Predictor` by one of these models."""

    def __init__(self, model: GramModel, vocabulary: Vocabulary) -> None:
        self.name = model.name
        self._model = model
        self._unknown = vocabulary.unknown
        self._joiners = vocabulary.encode(JOINERS)

    def read(self, texts: Sequence[Indices]) -> list[Reading]:
        """Read several texts, each by itself."""
        return [self._read(text) for text in texts]

    def nats(self, texts: Sequence[Indices]) -> float:
        """The sum of all characters' costs, each text read by itself."""
        joined = np.concatenate(texts)
        places = np.concatenate([self._places(text)[:-1] for text in texts])
        return float(sum(self._costs(probability, joined[part]).sum() for part, probability in self._parts(places)))

    def _read(self, text: Indices) -> Reading:
        reading, places = Reading.blank(len(text)), self._places(text)
        for part, probability in self._parts(places):
            ahead = text[part]
            reading.costs[part] = self._costs(probability[: len(ahead)], ahead)
            reading.tops[part], reading.surprises[part] = most_probable(probability)
        self._look_ahead(reading, places)
        return reading

    def _look_ahead(self, reading: Reading, places: Places) -> None:
        """What would follow the tops that may stand inside a word."""
        joining = np.flatnonzero(np.isin(reading.tops, self._joiners) & (reading.tops < self._unknown))
        after = self._model.grams.followed(places[joining], reading.tops[joining])
        for part, probability in self._parts(after):
            reading.seconds[joining[part]], reading.second_surprises[joining[part]] = most_probable(probability)

    def _places(self, text: Indices) -> Places:
        """The grams that end before each character, and after the last: (characters + 1, levels)."""
        nothing = np.full((1, len(self._model.grams.levels)), NOWHERE)
        return np.concatenate([nothing, self._model.grams.places(text)])

    def _parts(self, places: Places) -> Iterator[tuple[slice, Floats]]:
        length = max(1, MOST_PROBABILITIES // self._model.grams.size)
        for start in range(0, len(places), length):
            part = slice(start, start + length)
            yield part, self._model.probabilities(places[part])

    def _costs(self, probability: Floats, characters: Indices) -> Floats:
        is_known = characters < self._unknown
        found = probability[np.arange(len(characters)), np.where(is_known, characters, 0)]
        return np.where(is_known, -np.log(found), UNKNOWN_NATS)


def most_probable(probability: Floats) -> tuple[Indices, Places]:
    """The index of each row's most probable character, the first of equals, and its surprise in 1/256 nat."""
    tops = probability.argmax(axis=1)
    return tops.astype(np.int32), np.rint(-UNIT * np.log(probability[np.arange(len(tops)), tops])).astype(np.int64)
