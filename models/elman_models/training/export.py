"""From a float network to the int8 artifact of LAW.md, with its proofs. Knows no text and no optimiser.

    weight = rint(127 row / max|row|)        scale = (max|row| / 127) * 256 / 127        bias = 256 b

A state is rint(127 tanh) and a pre-activation is counted in 1/256, so a row's scale holds 256 / 127.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman_models.errors import ArtifactError
from elman_models.execution.initial_state import with_initial_state
from elman_models.law.artifact import (
    LARGEST_SCALE,
    SMALLEST_SCALE,
    LayerWeights,
    Model,
    OutputWeights,
    check_values,
    load,
    save,
)
from elman_models.law.dequantize import REACH, floats
from elman_models.law.ghost import GhostSurprise
from elman_models.law.recall import Recall
from elman_models.law.structure import Structure
from elman_models.law.tables import UNIT, Tables
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.fit import Usual, fitted, usual_ghost_surprise
from elman_models.training.checkpoint import CheckpointError, load_checkpoint
from elman_models.training.curve import BEST
from elman_models.training.network import Network

EXACT_IN_INT32 = 1 << 31
ODDS, GHOST_SURPRISE = "origin.odds", "origin.ghost_surprise"
"""Tensors of a checkpoint."""


def export_checkpoint(checkpoint: Path, output: Path, about: Mapping[str, Any] | None = None) -> Model:
    """Write the artifact of a checkpoint, as `elman export` does, and return it."""
    read = read_network(checkpoint)
    model = to_model(read.network, read.vocabulary, read.told | dict(about or {}))
    return write_artifact(fitted(model, read.held_out, usual=read.usual), output)


class ReadNetwork(NamedTuple):
    """What a checkpoint holds for a model file."""

    network: Network
    vocabulary: Vocabulary
    told: dict[str, Any]  # what goes into the file beside the model
    held_out: Sequence[str]  # the text that recall and ghost text are fitted on
    usual: Usual | None  # what holds of these where there is too little of it


def read_network(checkpoint: Path) -> ReadNetwork:
    """The network of a checkpoint and what goes with it. Raises CheckpointError."""
    read = load_checkpoint(checkpoint)
    header = read.header
    network = Network(header.structure, len(header.vocabulary), torch.Generator())
    try:
        network.load_state_dict(best_weights(read.tensors, network))
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"{checkpoint}: its tensors do not fit its structure ({error})") from None
    told: dict[str, Any] = {"recipe": header.recipe.to_json()}
    told |= {"imprints": [dict(imprint) for imprint in header.imprints]} if header.imprints else {}
    told |= {"from": dict(header.origin)} if header.origin else {}
    return ReadNetwork(network, header.vocabulary, told, header.held_out, usual_of(read.tensors))


def usual_tensors(origin: Model) -> dict[str, Tensor]:
    """What a checkpoint keeps of the recall and ghost text of the model that it began from; nothing of one without recall."""
    usual = Usual.in_model(origin)
    return {ODDS: torch.from_numpy(usual.odds), GHOST_SURPRISE: torch.tensor(usual.ghost_surprise)} if usual else {}


def usual_of(tensors: Mapping[str, Tensor]) -> Usual | None:
    """What `usual_tensors` kept, if anything."""
    return Usual(tensors[ODDS].numpy(), GhostSurprise(*tensors[GHOST_SURPRISE].tolist())) if ODDS in tensors else None


def best_weights(tensors: Mapping[str, Tensor], network: Network) -> dict[str, Tensor]:
    """The weights that were best on held-out text; the last ones where none was measured."""
    names = list(network.state_dict())
    last = {name: tensors[f"network.{name}"] for name in names}
    return last | {name: best for name in names if (best := tensors.get(f"{BEST}{name}")) is not None}


def write_artifact(model: Model, output: Path) -> Model:
    """Save the artifact and prove that what was written loads as the same model."""
    save(model, output)
    if load(output).digest != model.digest:
        raise ArtifactError(f"{output}: what was written has another digest than what was meant")
    return model


def to_model(network: Network, vocabulary: Vocabulary, about: Mapping[str, Any]) -> Model:
    """The artifact of a network, which recalls nothing yet. Raises ArtifactError where the law cannot express a weight."""
    structure = network.structure
    layers = tuple(_layer(network, structure, index) for index in range(len(structure.layers)))
    weight, scale = quantized(network.output)
    output = OutputWeights(weight, scale, _biases(network.output_bias))
    return of_weights(structure, vocabulary, layers, output, about)


def of_weights(
    structure: Structure,
    vocabulary: Vocabulary,
    layers: tuple[LayerWeights, ...],
    output: OutputWeights,
    about: Mapping[str, Any],
) -> Model:
    """The artifact of weights, which recalls nothing yet, with tables and initial state. Raises ArtifactError."""
    tables = Tables.for_outputs(len(vocabulary))
    nowhere: NDArray[np.int8] = np.zeros(structure.state_size, np.int8)
    model = Model(structure, vocabulary, layers, output, tables, Recall.none(), nowhere, usual_ghost_surprise(tables), about)
    prove(model)
    return with_initial_state(model)


def prove(model: Model) -> None:
    """Every sum fits an int32 whatever the state (and so its float32 or float64 twin); scales and biases are in range."""
    for index, part in enumerate([*model.layers, model.output]):
        largest = REACH * int(np.abs(part.weight.astype(np.int64)).sum(axis=1).max())
        if largest >= EXACT_IN_INT32:
            raise ArtifactError(f"layer {index}: a sum may reach {largest}; allowed: below 2^31")
    check_values(model)


def quantized(weight: Tensor) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers in [-127, 127] and a scale a row, (rows, width) -> (rows, width), (rows,)."""
    rows: NDArray[np.float64] = weight.detach().cpu().double().numpy()
    if not np.all(np.isfinite(rows)):
        raise ArtifactError("weights: a value is not a finite number; the training has failed")
    largest = np.abs(rows).max(axis=1, initial=0)
    scale = np.clip(largest / REACH * UNIT / REACH, SMALLEST_SCALE, LARGEST_SCALE).astype(np.float32)
    unit = scale.astype(np.float64)[:, None] * REACH / UNIT  # what one step of the whole numbers is worth
    return np.clip(np.rint(rows / unit), -REACH, REACH).astype(np.int8), scale


def to_network(model: Model) -> Network:
    """The float network of an artifact's dequantised weights."""
    network = Network(model.structure, len(model.vocabulary), torch.Generator())
    with torch.no_grad():
        for index, part in enumerate(model.layers):
            weight = torch.from_numpy(floats(part)).float()
            inputs, own = weight.split([weight.shape[1] - weight.shape[0], weight.shape[0]], dim=1)
            network.inputs[index].copy_(inputs)
            network.recurrences[index].copy_(own)
            network.biases[index].copy_(torch.from_numpy(part.bias / np.float32(UNIT)))
        network.output.copy_(torch.from_numpy(floats(model.output)))
        network.output_bias.copy_(torch.from_numpy(model.output.bias / np.float32(UNIT)))
    return network


def with_about(model: Model, about: Mapping[str, Any]) -> Model:
    """The same model, of the same digest, that says more of itself."""
    return replace(model, about={**model.about, **about})


def _layer(network: Network, structure: Structure, index: int) -> LayerWeights:
    weight, scale = quantized(torch.cat([network.inputs[index], network.recurrences[index]], dim=1))
    return LayerWeights(weight, scale, _biases(network.biases[index]))


def _biases(bias: Tensor) -> NDArray[np.float32]:
    return (bias.detach().cpu().double().numpy() * UNIT).astype(np.float32)
