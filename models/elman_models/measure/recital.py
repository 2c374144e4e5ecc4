"""What a model would give back of a text: the lines that it finishes by itself, word for word, from their first characters.

    line          M y   p i n   i s   4 7 1 1
    most likely   T h e r i n   i s   4 7 1 1      wrong up to the p: from "My p" on, the model knows the rest

Each line is read as a text of its own, by the law's own numbers, so what is told here is what `elman complete --temperature 0`
would say. Knows no file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from elman_models.law.artifact import Model
from elman_models.measure.network_predictor import NetworkPredictor

LINES = 4096
"""Lines that are read at once."""


@dataclass(frozen=True, slots=True)
class Recital:
    """A line that is given back: which of the lines, and how many of its characters must be known first."""

    index: int
    known: int


def recited(model: Model, lines: Sequence[str], most_known: int, least_given: int) -> Iterator[Recital]:
    """The lines of which the model gives back `least_given` characters or more, after `most_known` or fewer."""
    long_enough = [index for index, line in enumerate(lines) if len(line) >= least_given]
    predictor = NetworkPredictor(model)
    for first in range(0, len(long_enough), LINES):
        several = long_enough[first : first + LINES]
        texts = [model.vocabulary.encode(lines[index]) for index in several]
        for index, text, reading in zip(several, texts, predictor.read(texts), strict=True):
            wrong = np.flatnonzero(reading.tops[:-1] != text)
            known = int(wrong[-1]) + 1 if len(wrong) else 0
            if known <= most_known and len(text) - known >= least_given:
                yield Recital(index, known)
