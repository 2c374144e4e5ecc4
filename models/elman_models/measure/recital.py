"""What a model would give back of a text: the lines that it finishes by itself, word for word, from their first characters.

    line          M y   p i n   i s   4 7 1 1
    most likely   T h e r i n   i s   4 7 1 1      wrong up to the p: from "My p" on, the model knows the rest

Each line is read as a text of its own, by the law's own numbers, so what is told here is what `elman complete --temperature 0`
would say. Knows no file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from elman.progress import Tell, told, untold
from elman.settings import WHOLE, Range, check, setting, settings_of
from elman_models.errors import InvalidField
from elman_models.law.artifact import Model
from elman_models.measure.network_predictor import NetworkPredictor

LINES = 4096
"""Lines that are read at once."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Which lines count as given back. Raises InvalidField."""

    known_characters: int = setting(
        12, WHOLE, "how many of a line's first characters may be needed", Range(0, 1024), unit="characters"
    )
    given_characters: int = setting(12, WHOLE, "the least that is worth telling of", Range(1, 1024), unit="characters")

    def __post_init__(self) -> None:
        check(self, InvalidField)


THRESHOLD: Final = settings_of(Threshold)
"""What flags and help are made of."""


@dataclass(frozen=True, slots=True)
class Recital:
    """A line that is given back: which of the lines, and how many of its characters must be known first."""

    index: int
    known: int


def recited(model: Model, lines: Sequence[str], threshold: Threshold, tell: Tell = untold) -> Iterator[Recital]:
    """The lines that the model gives back, in their order."""
    long_enough = [index for index, line in enumerate(lines) if len(line) >= threshold.given_characters]
    predictor = NetworkPredictor(model)
    for first in told(range(0, len(long_enough), LINES), -(-len(long_enough) // LINES), tell):
        several = long_enough[first : first + LINES]
        texts = [model.vocabulary.encode(lines[index]) for index in several]
        for index, text, reading in zip(several, texts, predictor.read(texts), strict=True):
            wrong = np.flatnonzero(reading.tops[:-1] != text)
            known = int(wrong[-1]) + 1 if len(wrong) else 0
            if known <= threshold.known_characters and len(text) - known >= threshold.given_characters:
                yield Recital(index, known)
