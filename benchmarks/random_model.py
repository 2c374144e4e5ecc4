"""Models of random weights in the sizes that the benchmarks ask about: speed does not depend on what was learned."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman_models.execution.initial_state import with_initial_state
from elman_models.law.artifact import LayerWeights, Model, OutputWeights
from elman_models.law.ghost import GhostSurprise
from elman_models.law.recall import Recall
from elman_models.law.structure import Structure
from elman_models.law.tables import Tables
from elman_models.law.vocabulary import Vocabulary

CHARACTERS = "\n !&',-.:;?" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "abcdefghijklmnopqrstuvwxyz" + "()[]_"
"""68 characters, in code-point order once sorted."""


class Size(NamedTuple):
    """Layers and units in each."""

    layers: int
    units: int

    def __str__(self) -> str:
        return f"{self.layers}x{self.units}"

    @classmethod
    def parse(cls, text: str) -> "Size":
        """The size that `2x512` names."""
        layers, _, units = text.partition("x")
        return cls(int(layers), int(units))


def random_model(size: Size, seed: int = 1) -> Model:
    """A model of random weights, lively enough to wander over its whole vocabulary."""
    structure = Structure.stacked(size.layers, size.units)
    outputs = len(CHARACTERS)
    random = np.random.default_rng(seed)
    layers = [affine(random, size.units, structure.layer_width(i), outputs + 1, 1.0) for i in range(size.layers)]
    output = affine(random, outputs, structure.output_width, 1, 0.5)
    model = Model(
        structure,
        Vocabulary("".join(sorted(CHARACTERS))),
        tuple(LayerWeights(*layer) for layer in layers),
        OutputWeights(output[0], output[1], output[2][0]),
        Tables.for_outputs(outputs),
        Recall.none(),
        np.zeros(structure.state_size, np.int8),
        GhostSurprise(0, 0),
        {"recipe": "random weights", "licence": "none"},
    )
    return with_initial_state(model)


def affine(
    random: np.random.Generator, size: int, width: int, bias_rows: int, gain: float
) -> tuple[NDArray[np.int8], NDArray[np.float32], NDArray[np.float32]]:
    """Weight (size, width), scale (size,), bias (bias rows, size); sums are about 256 * gain, one unit of LAW.md's a."""
    weight = random.integers(-127, 128, (size, width), np.int8)
    largest_sum = 73.0 * 73.0 * np.sqrt(width)  # the standard deviation of a uniform number in [-127, 127] is 73
    scale = np.full(size, 256 * gain / largest_sum, np.float32)
    return weight, scale, random.normal(0, 100 * gain, (bias_rows, size)).astype(np.float32)
