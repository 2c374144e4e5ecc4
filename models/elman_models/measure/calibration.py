"""Whether a predictor is as often right as it says. Knows its readings alone.

At each character the most probable one has a probability; the characters are sorted by it into bins of equal width. The
expected calibration error is the mean distance, over all characters, between what was predicted in a bin and how often it was
right there (Guo et al. 2017, section 2).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from elman_models.law.tables import UNIT
from elman_models.measure.predictor import Indices, Reading

BINS = 20


@dataclass(frozen=True, slots=True)
class Bin:
    """The characters whose most probable one had a probability from `lowest` to `highest`."""

    lowest: float
    highest: float
    characters: int
    predicted: float  # the mean probability
    observed: float  # how often the most probable one came


@dataclass(frozen=True, slots=True)
class Calibration:
    """The bins that hold any character, in order."""

    bins: Sequence[Bin]

    @property
    def characters(self) -> int:
        """How many there are."""
        return sum(each.characters for each in self.bins)

    @property
    def top_right(self) -> float:
        """The share of characters that were the most probable one."""
        return sum(each.observed * each.characters for each in self.bins) / self.characters

    @property
    def expected_error(self) -> float:
        """The expected calibration error."""
        return sum(abs(each.predicted - each.observed) * each.characters for each in self.bins) / self.characters

    def to_json(self) -> list[dict[str, Any]]:
        """A value that `json.dumps` takes."""
        return [asdict(each) for each in self.bins]


def calibration(texts: Sequence[Indices], readings: Sequence[Reading]) -> Calibration:
    """Sort the characters of some texts into bins."""
    is_right = np.concatenate([reading.tops[:-1] == text for text, reading in zip(texts, readings, strict=True)])
    probability = np.exp(np.concatenate([reading.surprises[:-1] for reading in readings]) / -UNIT)
    places = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    predicted, observed = (np.bincount(places, weights=each, minlength=BINS) for each in (probability, is_right))
    return Calibration(
        [
            Bin(
                each / BINS, (each + 1) / BINS, int(counts[each]), predicted[each] / counts[each], observed[each] / counts[each]
            )
            for each in np.flatnonzero(counts).tolist()
        ]
    )
