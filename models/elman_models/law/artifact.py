"""A network as a file: safetensors with its structure, vocabulary, tables and digest. Nothing is ever unpickled.

`model_digest` covers everything that can change a character; recipe, quality and licence stand under the file's own checksum.
The file's metadata is one JSON text, so that the same model is the same bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save as serialize

from elman_models.atomic import write_atomically
from elman_models.errors import ArtifactError
from elman_models.law.ghost import GhostSurprise
from elman_models.law.recall import LARGEST_ODDS, LARGEST_WINDOW, ODDS_UNIT, Recall
from elman_models.law.structure import Structure
from elman_models.law.tables import LOGIT_REACH, ONE, TANH_REACH, Tables, exp_length, largest_sum, log_length
from elman_models.law.vocabulary import Vocabulary

SEMANTICS_VERSION = 2
FORMAT_VERSION = 1
SMALLEST_SCALE, LARGEST_SCALE = 2.0**-30, 2.0**8
LARGEST_SUM = 1 << 47
"""No sum of weights may reach it: the sampler multiplies them by 2^16."""
ANEW = "make it anew with: elman export CHECKPOINT -o FILE, or elman train TEXT -o FILE"
HEADER_LENGTH_BYTES = 8
LOOK_BYTES = 1 << 16
METADATA = b'"elman":'
"""Which is in a model's first bytes: `serialize` writes the metadata first."""
NOT_OURS = "not an elman model: the metadata lacks `elman`"
DTYPES = {"int8": "I8", "int32": "I32", "int64": "I64", "float32": "F32"}

Tensor: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class LayerWeights:
    """The matrix over the whole concatenation, its scale a row, and the bias: a row a character, or one row."""

    weight: NDArray[np.int8]  # (size, width)
    scale: NDArray[np.float32]  # (size,)
    bias: NDArray[np.float32]  # (outputs + 1, size) or (1, size)


@dataclass(frozen=True, slots=True, eq=False)
class OutputWeights:
    """The output layer: a row for each character that can be produced."""

    weight: NDArray[np.int8]  # (outputs, width)
    scale: NDArray[np.float32]  # (outputs,)
    bias: NDArray[np.float32]  # (outputs,)


@dataclass(frozen=True, eq=False)
class Model:
    """All that decides a character, and `about`: recipe, quality and licence, which decide none."""

    structure: Structure
    vocabulary: Vocabulary
    layers: tuple[LayerWeights, ...]
    output: OutputWeights
    tables: Tables
    recall: Recall
    initial_state: NDArray[np.int8]  # (state size,): the state at position 0
    ghost_surprise: GhostSurprise
    about: Mapping[str, Any]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over semantics version, structure, vocabulary and every tensor, in hexadecimal."""
        sha = hashlib.sha256()
        for part in digest_parts(self):
            sha.update(len(part).to_bytes(8, "little"))
            sha.update(part)
        return sha.hexdigest()


def digest_parts(model: Model) -> list[bytes]:
    """What the digest covers, in order."""
    vocabulary = model.vocabulary
    head = [SEMANTICS_VERSION, model.structure.to_json(), vocabulary.characters, vocabulary.variants, vocabulary.plain]
    parts = [canonical(head)]
    for name, tensor in sorted(tensors_of(model).items()):
        parts += [canonical([name, tensor.dtype.name, list(tensor.shape)]), little_endian(tensor).tobytes()]
    return parts


def save(model: Model, path: Path) -> None:
    """Write the artifact, atomically. Raises OSError and leaves an older file as it was."""
    write_atomically(path, to_bytes(model))


def to_bytes(model: Model) -> bytes:
    """The artifact's bytes, the same for the same model everywhere."""
    header = {
        "format": FORMAT_VERSION,
        "semantics": SEMANTICS_VERSION,
        "structure": model.structure.to_json(),
        "vocabulary": model.vocabulary.characters,
        "variants": model.vocabulary.variants,
        "plain": model.vocabulary.plain,
        "digest": model.digest,
        "about": model.about,
        "checksum": checksum(model.digest, model.about),
    }
    tensors = {name: np.ascontiguousarray(little_endian(tensor)) for name, tensor in tensors_of(model).items()}
    return serialize(tensors, {"elman": canonical(header).decode()})


def load(path: Path) -> Model:
    """Read and prove an artifact. Raises ArtifactError that names the file and what is wrong with it, or OSError.

    The file is read once, and not mapped: a mapped one that somebody cuts off meanwhile would end the process.
    """
    try:
        model, header = read(HeldFile(held(path)))
        check_values(model)
        check_digest(model, header)
    except ArtifactError as error:
        raise ArtifactError(f"{path}: {error}") from None
    except SafetensorError as error:
        raise ArtifactError(f"{path}: not an elman model, or a damaged one ({error})") from None
    return model


def holds_another(path: Path) -> bool:
    """Whether a file holds something that does not begin as models do. Raises OSError."""
    with path.open("rb") as file:
        beginning = file.read(LOOK_BYTES)
    return bool(beginning) and METADATA not in beginning


def held(path: Path) -> bytes:
    """The file's bytes, all of them unless they begin as no model does: what else lies there may be larger than memory."""
    with path.open("rb") as file:
        beginning = file.read(LOOK_BYTES)
        if len(beginning) == LOOK_BYTES and METADATA not in beginning:
            raise ArtifactError(NOT_OURS)
        return beginning + file.read()


class HeldFile:
    """A safetensors file in memory. Raises SafetensorError."""

    def __init__(self, data: bytes) -> None:
        self.tensors: Mapping[str, Mapping[str, Any]] = dict(cast("Any", safetensors).deserialize(data))
        length = int.from_bytes(data[:HEADER_LENGTH_BYTES], "little")
        self.metadata: Mapping[str, str] | None = json.loads(data[HEADER_LENGTH_BYTES:][:length]).get("__metadata__")

    def tensor(self, name: str, dtype: str) -> Tensor:
        """The values of a tensor, whose type was checked."""
        tensor = self.tensors[name]
        return (
            np.frombuffer(tensor["data"], np.dtype(dtype).newbyteorder("<")).astype(dtype, copy=False).reshape(tensor["shape"])
        )


def read(file: HeldFile) -> tuple[Model, Mapping[str, Any]]:
    """The model and its header; every name, shape and type is checked before a tensor is looked at."""
    header = read_header(file.metadata)
    structure = Structure.from_json(header["structure"])
    vocabulary = Vocabulary(header["vocabulary"], header["variants"], header["plain"])
    expected = expected_tensors(structure, len(vocabulary))
    check_layout(file, expected)
    tensors = {name: file.tensor(name, dtype) for name, (dtype, _) in expected.items()}
    layers = tuple(
        LayerWeights(*(tensors[f"layer.{index}.{part}"] for part in ("weight", "scale", "bias")))
        for index in range(len(structure.layers))
    )
    output = OutputWeights(*(tensors[f"output.{part}"] for part in ("weight", "scale", "bias")))
    tables = Tables(tensors["tanh"], tensors["exp"], tensors["log"])
    window, *recall = (tensors[f"recall.{name}"] for name in Recall.SHAPES)
    parts = (
        layers,
        output,
        tables,
        Recall(int(window[0]), *recall),
        tensors["initial_state"],
        GhostSurprise(*map(int, tensors["ghost_surprise"])),
    )
    return Model(structure, vocabulary, *parts, header["about"]), header


def read_header(metadata: Mapping[str, str] | None) -> Mapping[str, Any]:
    """The JSON under `elman` in the file's metadata, of a version that is understood."""
    if metadata is None or "elman" not in metadata:
        raise ArtifactError(NOT_OURS)
    try:
        header = json.loads(metadata["elman"])
        canonical(header)  # Python reads more than JSON: NaN, infinities
    except (ValueError, RecursionError):
        raise ArtifactError("the metadata `elman` is not JSON") from None
    types = {"format": int, "semantics": int, "digest": str, "checksum": str, "about": dict}
    types |= dict.fromkeys(("vocabulary", "variants", "plain"), str)
    if not isinstance(header, dict):
        raise ArtifactError("the metadata `elman` is not a JSON object")
    fields = cast("dict[str, Any]", header)
    for name, kind in {**types, "structure": dict}.items():
        if type(fields.get(name)) is not kind:
            raise ArtifactError(f"metadata: {name}: missing, or not of type {kind.__name__}")
    for name, known in (("format", FORMAT_VERSION), ("semantics", SEMANTICS_VERSION)):
        if fields[name] != known:
            raise ArtifactError(f"{name} version {fields[name]} is not implemented; this elman knows {known}; {ANEW}")
    return fields


def expected_tensors(structure: Structure, outputs: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name -> (dtype, shape)."""
    expected: dict[str, tuple[str, tuple[int, ...]]] = {}
    for index, layer in enumerate(structure.layers):
        rows = outputs + 1 if layer.reads_character else 1
        expected[f"layer.{index}.weight"] = ("int8", (layer.size, structure.layer_width(index)))
        expected[f"layer.{index}.scale"] = ("float32", (layer.size,))
        expected[f"layer.{index}.bias"] = ("float32", (rows, layer.size))
    expected["output.weight"] = ("int8", (outputs, structure.output_width))
    expected["output.scale"] = ("float32", (outputs,))
    expected["output.bias"] = ("float32", (outputs,))
    expected["tanh"] = ("int8", (2 * TANH_REACH + 1,))
    expected["exp"] = ("int32", (exp_length(),))
    expected["log"] = ("int64", (log_length(outputs),))
    expected |= {f"recall.{name}": ("int32", shape) for name, shape in Recall.SHAPES.items()}
    expected["ghost_surprise"] = ("int32", (len(GhostSurprise._fields),))
    expected["initial_state"] = ("int8", (structure.state_size,))
    return expected


def check_layout(file: HeldFile, expected: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    """Every tensor that is expected is there, with its type and shape, and no other."""
    if different := set(file.tensors).symmetric_difference(expected):
        raise ArtifactError(f"tensors missing or unknown: {', '.join(sorted(different))}; {ANEW}")
    for name, (dtype, shape) in expected.items():
        found = (file.tensors[name]["dtype"], tuple(file.tensors[name]["shape"]))
        if found != (DTYPES[dtype], shape):
            raise ArtifactError(f"{name}: {found[0]} {list(found[1])}; expected: {DTYPES[dtype]} {list(shape)}")


def check_values(model: Model) -> None:
    """Raise ArtifactError unless every value lies in the range that the law allows."""
    for name, tensor in tensors_of(model).items():
        if tensor.dtype == np.int8:
            require(bool(np.all(tensor != -128)), name, "-128", "-127 to 127")
        if name.endswith(".scale"):
            legal = (tensor >= SMALLEST_SCALE) & (tensor <= LARGEST_SCALE)
            require(bool(np.all(legal)), name, "a value", "2^-30 to 2^8")
        if name.endswith(".bias"):
            require(bool(np.all(np.abs(tensor) < LOGIT_REACH)), name, "a value", "finite, below 2^20 in size")
    check_tables(model.tables, len(model.vocabulary))
    for surprise in model.ghost_surprise:
        require(0 <= surprise < exp_length(), "ghost_surprise", str(surprise), f"0 to {exp_length() - 1}")
    check_recall(model.recall, len(model.vocabulary))


def check_tables(tables: Tables, outputs: int) -> None:
    """The tables need not be this machine's own, but they must be what the sampler may rely on."""
    exp, log = tables.exp, tables.log
    falling = exp[0] == ONE and exp[-1] >= 1 and bool(np.all(exp[1:] <= exp[:-1]))
    require(falling, "exp", "a value", "falling from 2^24 to at least 1")
    rising = log[0] > ONE and log[-1] > largest_sum(outputs) and bool(np.all(log[1:] > log[:-1]))
    require(rising, "log", "a value", "rising from above 2^24 to above the largest sum of weights")
    require(bool(np.all(tables.tanh[1:] >= tables.tanh[:-1])), "tanh", "a value", "rising")


def check_recall(recall: Recall, outputs: int) -> None:
    """Windows, classes and odds are in range, and no sum or product of the sampler leaves 63 bits."""
    require(0 <= recall.window <= LARGEST_WINDOW, "recall.window", str(recall.window), f"0 to {LARGEST_WINDOW}")
    for name, bounds in recall.bounds.items():
        legal = bool(bounds[0] > 0 and np.all(bounds[1:] > bounds[:-1]) and bounds[-1] <= LARGEST_WINDOW)
        require(legal, f"recall.{name}", "a value", f"rising, 1 to {LARGEST_WINDOW}")
    legal = bool(np.all((recall.odds >= 0) & (recall.odds <= LARGEST_ODDS)))
    require(legal, "recall.odds", "a value", f"0 to {LARGEST_ODDS}")
    largest = outputs * ONE + (outputs * ONE * int(recall.odds.max()) // ODDS_UNIT)
    require(
        largest < LARGEST_SUM, "recall.odds", f"{recall.odds.max()} with {outputs} characters", "sums of weights below 2^47"
    )


def check_digest(model: Model, header: Mapping[str, Any]) -> None:
    """The content is what the header promises."""
    if model.digest != header["digest"]:
        raise ArtifactError(f"digest: the content has {model.digest[:16]}..., the header says {header['digest'][:16]}...")
    if checksum(model.digest, model.about) != header["checksum"]:
        raise ArtifactError("checksum: recipe, quality or licence were changed")


def tensors_of(model: Model) -> dict[str, Tensor]:
    """Every executable tensor by its name in the file."""
    tensors: dict[str, Tensor] = {}
    for index, layer in enumerate(model.layers):
        tensors |= {f"layer.{index}.{part}": getattr(layer, part) for part in ("weight", "scale", "bias")}
    tensors |= {f"output.{part}": getattr(model.output, part) for part in ("weight", "scale", "bias")}
    tensors |= {part: getattr(model.tables, part) for part in ("tanh", "exp", "log")}
    tensors |= {f"recall.{name}": tensor for name, tensor in model.recall.tensors().items()}
    ghost_surprise = np.array(model.ghost_surprise, np.int32)
    return tensors | {"initial_state": model.initial_state, "ghost_surprise": ghost_surprise}


def checksum(digest: str, about: Mapping[str, Any]) -> str:
    """SHA-256 over what the digest leaves out, and the digest."""
    return hashlib.sha256(canonical([digest, about])).hexdigest()


def canonical(value: object) -> bytes:
    """The one JSON text of the value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def little_endian(tensor: Tensor) -> Tensor:
    """The tensor in the byte order of files and digests."""
    return tensor.astype(tensor.dtype.newbyteorder("<"), copy=False)


def require(legal: bool, name: str, value: str, allowed: str) -> None:
    """Raise ArtifactError unless legal."""
    if not legal:
        raise ArtifactError(f"{name}: {value} is out of range; allowed: {allowed}")
