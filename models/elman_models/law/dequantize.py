"""What an artifact's whole numbers stand for, in floating point. Knows no text."""

import numpy as np
from numpy.typing import NDArray

from elman_models.law.artifact import LayerWeights, OutputWeights
from elman_models.law.tables import UNIT

REACH = 127
"""The largest whole number of a weight or a state."""


def floats(part: LayerWeights | OutputWeights) -> NDArray[np.float64]:
    """The weights that the whole numbers stand for, where a state counts from -1 to 1 and a pre-activation in units."""
    return dequantized(part.weight, part.scale)


def dequantized(weight: NDArray[np.int8], scale: NDArray[np.float32]) -> NDArray[np.float64]:
    """The same of a matrix (rows, width) and a scale a row."""
    return weight * (scale.astype(np.float64)[:, None] * REACH / UNIT)
