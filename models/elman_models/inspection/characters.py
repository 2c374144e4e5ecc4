"""Which characters are alike to a network: as it reads them (rows of the layers' bias tables) and as it predicts them
(rows of the output layer). Both are centred, so that what all rows share does not make all characters alike. Knows no text.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from elman_models.errors import InvalidField
from elman_models.law.artifact import Model
from elman_models.law.dequantize import floats
from elman_models.law.tables import UNIT

Floats = NDArray[np.float64]
Side: TypeAlias = Literal["read", "predicted"]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another character, and the cosine of the angle between the two."""

    character: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Characters:
    """The nearest others of each character of the vocabulary, the nearest first."""

    digest: str
    read: Mapping[str, list[Neighbour]]
    predicted: Mapping[str, list[Neighbour]]

    def to_json(self) -> dict[str, Any]:
        """What `elman inspect characters --json` prints."""
        return asdict(self)


def alike(model: Model, nearest: int) -> Characters:
    """For each character as many of its nearest others, on both sides of the network. Raises InvalidField."""
    return Characters(model.digest, neighbours(model, "read", nearest), neighbours(model, "predicted", nearest))


def neighbours(model: Model, side: Side, nearest: int) -> Mapping[str, list[Neighbour]]:
    """For each character of the vocabulary, its nearest others on one side, the nearest first. Raises InvalidField."""
    most = len(model.vocabulary) - 1
    if not 1 <= nearest <= most:
        raise InvalidField("nearest", nearest, f"1 to {most}")
    cosines = cosines_of(embedding(model, side))
    np.fill_diagonal(cosines, -np.inf)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :nearest]
    characters = model.vocabulary.characters
    return {
        character: [Neighbour(characters[other], float(cosines[row, other])) for other in order[row]]
        for row, character in enumerate(characters)
    }


def embedding(model: Model, side: Side) -> Floats:
    """A centred row for each character; UNK has none."""
    rows = read_rows(model) if side == "read" else floats(model.output)
    return rows - rows.mean(axis=0)


def read_rows(model: Model) -> Floats:
    """The bias tables of all layers that read the character, side by side, as what is added to the argument of tanh."""
    layers = zip(model.structure.layers, model.layers, strict=True)
    tables = [part.bias[: len(model.vocabulary)].astype(np.float64) / UNIT for layer, part in layers if layer.reads_character]
    return np.concatenate(tables, axis=1)


def cosines_of(rows: Floats) -> Floats:
    """The cosine of each row with each; 0 for a row of zeros."""
    sizes = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, sizes, out=np.zeros_like(rows), where=sizes > 0)
    return unit @ unit.T


def plane(rows: Floats) -> tuple[Floats, float]:
    """The rows along their two principal directions, (rows, 2), and the share of the variance that is seen there."""
    u, s, _ = np.linalg.svd(rows, full_matrices=False)
    seen = np.square(s[:2]).sum() / max(float(np.square(s).sum()), np.finfo(np.float64).tiny)
    return u[:, :2] * s[:2], float(seen)
