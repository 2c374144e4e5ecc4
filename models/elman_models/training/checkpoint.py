"""A training run on disk: the old checkpoint or the new one, whole, whenever the process dies. Nothing is ever unpickled.

It is safetensors: network, optimiser and carried states as tensors; step, recipe, structure, vocabulary and the
text's fingerprint as JSON. This file knows no optimiser.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from elman_models.atomic import write_atomically
from elman_models.errors import ArtifactError, InvalidField
from elman_models.law.structure import Structure
from elman_models.law.vocabulary import Vocabulary
from elman_models.training.recipe import Recipe, from_json

FORMAT_VERSION = 1


class CheckpointError(ValueError):
    """A checkpoint that cannot be written or read, or belongs to another recipe or text."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a checkpoint says of itself. `threads` and `precision` are those that the run really used."""

    step: int
    steps: int
    recipe: Recipe
    text: str  # SHA-256 of the documents
    threads: int
    precision: str
    structure: Structure
    vocabulary: Vocabulary
    is_over: bool = False  # there is nothing to go on with: all steps are done, or training stopped early
    origin: Mapping[str, str] | None = None  # name, digest and licence of the model that it began from
    processes: int = 1  # that share the rows; the states are those of all rows
    imprints: Sequence[Mapping[str, Any]] = ()  # of the text, and of those that its origin was trained on
    held_out: Sequence[str] = ()  # text that was not trained on: export fits recall and ghost text on it


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A run as it is saved: what it says of itself, and its tensors by name."""

    header: Header
    tensors: Mapping[str, Tensor]


def checkpoint_path(output: Path) -> Path:
    """Where the checkpoint of a model file lies: beside it."""
    return output.with_name(f"{output.name}.checkpoint")


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Replace the checkpoint at `path`. Raises CheckpointError and leaves the old one as it was if the disk is full."""
    header = checkpoint.header
    fields = {name: value for name, value in asdict(header).items() if name not in ("structure", "vocabulary", "recipe")}
    fields |= {"format": FORMAT_VERSION, "recipe": header.recipe.to_json()}
    fields |= {"structure": header.structure.to_json(), "vocabulary": header.vocabulary.characters}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    try:
        write_atomically(path, serialize(tensors, {"elman-checkpoint": json.dumps(fields)}))
    except OSError as error:
        kept = "the checkpoint before it is intact" if path.exists() else "there is none before it"
        raise CheckpointError(
            f"{path}: the checkpoint of step {header.step} was not saved ({error.strerror}); {kept}"
        ) from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises CheckpointError."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint")
    try:
        with cast("Any", safe_open(path, framework="pt")) as file:
            header = _header(file.metadata())
            return Checkpoint(header, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (no mapping)
    except (SafetensorError, ArtifactError, InvalidField, KeyError, TypeError, json.JSONDecodeError, OSError) as error:
        raise CheckpointError(f"{path}: not a checkpoint of elman, or a damaged one ({error})") from None


def require_place(path: Path, resume: bool) -> None:
    """Before a text is read: a checkpoint to go on from is there, or nothing would be lost. Raises CheckpointError."""
    if resume:
        load_checkpoint(path)
    else:
        refuse_to_overwrite(path)


def refuse_to_overwrite(path: Path) -> None:
    """Hours of work are not lost to a forgotten --resume. Raises CheckpointError where an unfinished run lies."""
    try:
        header = load_checkpoint(path).header
    except CheckpointError:
        return  # nothing there, or nothing that could be resumed
    if 0 < header.step < header.steps and not header.is_over:
        lies = f"{path}: an unfinished run lies there, at step {header.step} of {header.steps}"
        raise CheckpointError(f"{lies}; go on with --resume, or remove it")


def _header(metadata: Mapping[str, str] | None) -> Header:
    fields: dict[str, Any] = json.loads((metadata or {})["elman-checkpoint"])
    if fields.pop("format") != FORMAT_VERSION:
        raise CheckpointError("a checkpoint of another version of elman")
    fields["recipe"] = from_json(fields["recipe"])
    fields["structure"] = Structure.from_json(fields["structure"])
    fields["vocabulary"] = Vocabulary.reading_plainly(fields["vocabulary"])
    return Header(**fields)
