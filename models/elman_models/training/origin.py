"""Where a run begins that does not begin at random: a model file, whose network goes on learning. Knows no optimiser.

    characters of the model        a b d  UNK
    characters of the result       a b c d  UNK
    rows of a layer's bias table   a b UNK d  UNK       a new character reads as what it was to the model
    rows of the output             a b mean d           and its logit is the mean of the others'

The mean keeps it rare: exp of a mean is at most the mean of exp, so a new character is never more probable than the known ones
are on average (Hewitt 2021, https://nlp.stanford.edu/~johnhew/vocab-expansion.html).
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elman_models.errors import InvalidField
from elman_models.law.artifact import Model, load
from elman_models.law.structure import SHAPES, Structure
from elman_models.law.vocabulary import Vocabulary
from elman_models.shipped import find, shipped_models
from elman_models.training.export import to_network
from elman_models.training.network import Network
from elman_models.training.recipe import Recipe

SCRATCH = "scratch"


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """A model to begin from, and the name that it was called by."""

    name: str
    model: Model

    def to_json(self) -> dict[str, str]:
        """What checkpoint and model file say of it; the licence of its text, if it is known, goes along with its weights."""
        about = self.model.about
        licence = about.get("licence") or about.get("from", {}).get("licence")
        return {"name": self.name, "digest": self.model.digest} | ({"licence": str(licence)} if licence else {})

    def vocabulary_with(self, notes: Vocabulary) -> Vocabulary:
        """The model's characters and those of the notes."""
        return Vocabulary.reading_plainly("".join(sorted({*self.model.vocabulary.characters, *notes.characters})))

    def network(self, vocabulary: Vocabulary) -> Network:
        """The model's network over a vocabulary that holds its own."""
        known = self.model.vocabulary
        read = torch.from_numpy(known.encode(vocabulary.characters)).long()  # a new character's: its plain form's, or UNK's
        produced = torch.from_numpy(known.exactly(vocabulary.characters)).long()  # UNK's for a new character
        inputs = torch.cat([read, torch.tensor([known.unknown])])
        weights = to_network(self.model).state_dict()
        for index, layer in enumerate(self.model.structure.layers):
            if layer.reads_character:
                weights[f"biases.{index}"] = weights[f"biases.{index}"][inputs]
        weights |= {name: with_mean(weights[name])[produced] for name in ("output", "output_bias")}
        network = Network(self.model.structure, len(vocabulary), torch.Generator())
        network.load_state_dict(weights)
        return network

    def refuse_shape(self, recipe: Recipe) -> None:
        """Raise InvalidField for a dial of the structure, which is the model's own."""
        for dial, value in shape_of(self.model.structure).items():
            if (given := getattr(recipe, dial)) is not None:
                raise InvalidField(dial, given, f"none beside a model to begin from; {self.name} has {value}")


def starts(argument: str | None) -> list[Origin | None]:
    """Where a run may begin: where it is told to (None: random weights), otherwise there or from any shipped model."""
    if argument is None:
        return [None, *map(read_origin, shipped_models())]
    return [None if argument == SCRATCH else read_origin(argument)]


def read_origin(argument: str) -> Origin:
    """The model meant by the name of a shipped one or by a path. Raises ArtifactError or OSError."""
    if Path(argument).is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder, not a model file", argument)
    name, path = find(argument)
    return Origin(name, load(path))


def with_mean(rows: Tensor) -> Tensor:
    """The rows, and after the last their mean."""
    return torch.cat([rows, rows.mean(dim=0, keepdim=True)])


def shape_of(structure: Structure) -> dict[str, Any]:
    """The dials of a recipe that make such a structure, for a person to read."""
    sizes = [layer.size for layer in structure.layers]
    skips = [name for name, shape in SHAPES.items() if shape(len(sizes), sizes[0]) == structure]
    return {
        "layers": len(sizes),
        "hidden_size": ", ".join(map(str, dict.fromkeys(sizes))),
        "skips": skips[0] if skips else "its own",
    }
