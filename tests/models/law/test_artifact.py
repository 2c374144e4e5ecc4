"""The artifact: the same model is the same bytes, and a file that is not one is refused with its name."""

import hashlib
import json
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest
from safetensors.numpy import save as serialize

from elman_models.errors import ArtifactError
from elman_models.law.artifact import Model, canonical, checksum, load, save, tensors_of, to_bytes
from elman_models.law.ghost import GhostSurprise
from elman_models.law.structure import Layer, Structure
from elman_models.law.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tests.conftest import MakeModel

Tensors: TypeAlias = dict[str, np.ndarray[Any, Any]]
Header: TypeAlias = dict[str, Any]

STRUCTURE = Structure((Layer(4, (), True), Layer(3, (0,), False)), (0, 1))
NAMES = sorted(
    [
        "tanh",
        "exp",
        "log",
        "initial_state",
        "ghost_surprise",
        *(f"recall.{part}" for part in ("window", "lengths", "unanimous", "shares", "rivals", "distances", "odds")),
        *(f"{a}.{b}" for a in ("layer.0", "layer.1", "output") for b in ("weight", "scale", "bias")),
    ]
)


@pytest.fixture(scope="session")
def small(make_model: "MakeModel") -> Model:
    """A model small enough to try everything on."""
    return make_model(STRUCTURE, "\nabé😀", 2)


@pytest.fixture(scope="session")
def good(small: Model) -> bytes:
    """Its file."""
    return to_bytes(small)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a model.safetensors"


def header_of(data: bytes) -> Header:
    """The elman header of a file."""
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["elman"])


def forged(model: Model, tensors: Mapping[str, Any] | None = None, header: Mapping[str, Any] | None = None) -> bytes:
    """A file of the model with other tensors (None: none of that name) and another header, digest and checksum made right."""
    changed = {**tensors_of(model), **(tensors or {})}
    fields = {**header_of(to_bytes(model)), **(header or {})}
    kept = {name: np.ascontiguousarray(tensor) for name, tensor in changed.items() if tensor is not None}
    return serialize(kept, {"elman": json.dumps(fields)})


def raw(header: object, data: bytes = b"") -> bytes:
    """A safetensors file with any header."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def refuses(path: Path, data: bytes, words: str = ": ") -> None:
    """The file is refused, by name, and nothing large was allocated on the way."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match=words) as refused:
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000 + 4 * len(data)
    finally:
        tracemalloc.stop()
    assert str(refused.value).startswith(f"{path}: ")


def test_a_model_comes_back_from_its_file(small: Model, good: bytes, path: Path) -> None:
    save(small, path)
    loaded = load(path)
    assert path.read_bytes() == good == to_bytes(loaded)
    assert (loaded.digest, loaded.structure, loaded.vocabulary, loaded.about) == (
        small.digest,
        small.structure,
        small.vocabulary,
        small.about,
    )
    for name, tensor in tensors_of(small).items():
        assert tensors_of(loaded)[name].tobytes() == tensor.tobytes()


def test_the_same_model_is_the_same_bytes(make_model: "MakeModel", good: bytes) -> None:
    again = make_model(STRUCTURE, "\nabé😀", 2)
    backwards = replace(again, about={name: again.about[name] for name in sorted(again.about, reverse=True)})
    assert to_bytes(again) == to_bytes(backwards) == good


def test_the_digest_is_a_sha_256_that_anyone_can_compute(small: Model) -> None:
    parts = ['[2,{"layers":[{"inputs":[],"reads_character":true,"size":4},{"inputs":[0],"reads_character":false,"size":3}],']
    parts[0] += '"output_inputs":[0,1]},"\\nab\\u00e9\\ud83d\\ude00","\\u00e8","\\u00e9"]'
    sha = hashlib.sha256()
    for name in NAMES:
        tensor = tensors_of(small)[name]
        shape = ",".join(map(str, tensor.shape))
        parts += [f'["{name}","{tensor.dtype.name}",[{shape}]]', tensor.tobytes().decode("latin-1")]
    for part in parts:
        sha.update(struct.pack("<Q", len(part)) + part.encode("latin-1"))
    assert sha.hexdigest() == small.digest


def test_the_digest_does_not_cover_recipe_quality_and_licence(small: Model) -> None:
    assert replace(small, about={"recipe": "another"}).digest == small.digest


def with_tensor(model: Model, name: str, tensor: "np.ndarray[Any, Any]") -> Model:
    """The model with one tensor changed."""
    head, _, part = name.rpartition(".")
    if head == "output":
        return replace(model, output=replace(model.output, **{part: tensor}))
    if head == "recall":
        value = int(tensor[0]) if part == "window" else tensor
        return replace(model, recall=replace(model.recall, **{part: value}))
    if head:
        index = int(head.removeprefix("layer."))
        changed = replace(model.layers[index], **{part: tensor})
        return replace(model, layers=(*model.layers[:index], changed, *model.layers[index + 1 :]))
    if name == "ghost_surprise":
        return replace(model, ghost_surprise=GhostSurprise(*map(int, tensor)))
    if name == "initial_state":
        return replace(model, initial_state=tensor)
    return replace(model, tables=replace(model.tables, **{name: tensor}))


@pytest.mark.parametrize("name", NAMES)
def test_the_digest_covers_every_number_of_every_tensor(small: Model, name: str) -> None:
    tensor = tensors_of(small)[name]
    for place in {0, tensor.size // 2, tensor.size - 1}:
        flipped = tensor.copy()
        flipped.reshape(-1).view(np.uint8)[place * tensor.itemsize] ^= 1
        assert with_tensor(small, name, flipped).digest != small.digest
    assert sorted(tensors_of(small)) == NAMES


def test_the_digest_covers_structure_and_vocabulary(small: Model) -> None:
    other = Structure((Layer(4, (), True), Layer(3, (0,), True)), (0, 1))
    digests = {
        small.digest,
        replace(small, structure=other).digest,
        replace(small, structure=Structure(STRUCTURE.layers, (1, 0))).digest,
        replace(small, vocabulary=Vocabulary("\nabë😀", "è", "ë")).digest,
        replace(small, vocabulary=Vocabulary("\nabé😀", "è", "a")).digest,
        replace(small, vocabulary=Vocabulary("\nabé😀", "ê", "é")).digest,
        replace(small, vocabulary=Vocabulary("\nabé😀")).digest,
    }
    assert len(digests) == 7


def test_a_file_cut_anywhere_is_refused(good: bytes, path: Path) -> None:
    sections = {0, 1, 7, 8, 9, 50, 8 + struct.unpack("<Q", good[:8])[0]}
    header = json.loads(good[8 : 8 + struct.unpack("<Q", good[:8])[0]])
    begins = [tensor["data_offsets"][0] for name, tensor in header.items() if name != "__metadata__"]
    sections |= {8 + struct.unpack("<Q", good[:8])[0] + start + more for start in begins for more in (0, 1)}
    for length in sorted(sections | {len(good) - 1} | set(range(0, len(good), 997))):
        refuses(path, good[:length])
    refuses(path, good + b"\0")


def test_any_byte_changed_is_noticed(good: bytes, path: Path) -> None:
    """In the header a change may leave the meaning as it was: spaces, or the order of what is said."""
    start = 8 + struct.unpack("<Q", good[:8])[0]
    for place in [*range(0, start, 13), *range(start, len(good), 397)]:
        changed = bytearray(good)
        changed[place] ^= 0x15
        refuses(path, bytes(changed))


FOREIGN = [
    b"",
    b"To be, or not to be, that is the question",
    b"\0" * 1000,
    b"\xff" * 1000,
    pickle.dumps({"weights": [1.0] * 100}),
    b"PK\x03\x04" + b"\0" * 500,
    struct.pack("<Q", 2**63 - 1) + b"{}",
    struct.pack("<Q", 90_000_000) + b"{}",
    raw({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}),
    raw({"x": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 4]}}, b"1234"),
    raw({}),
    raw({"__metadata__": {"other": "1"}}),
    raw({"__metadata__": {"elman": "{}"}}),
]


@pytest.mark.parametrize("data", FOREIGN, ids=range(len(FOREIGN)))
def test_a_foreign_file_is_refused(path: Path, data: bytes) -> None:
    refuses(path, data)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "9" * 10_000, "NaN", '{"about": 1e999}', "[]", "1", '"{}"', "null"])
def test_metadata_that_is_not_a_json_object_is_refused(path: Path, text: str) -> None:
    refuses(path, raw({"__metadata__": {"elman": text}}), "the metadata `elman` is not (JSON|a JSON object)$")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing here"):
        load(tmp_path / "nothing here")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        load(tmp_path)


def test_a_pickle_is_never_run(path: Path, tmp_path: Path) -> None:
    witness = tmp_path / "witness"

    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
            return os.mkdir, (str(witness),)

    refuses(path, pickle.dumps(Trap()))
    assert not witness.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"semantics": 1}, "semantics version 1 is not implemented; this elman knows 2; make it anew with: elman export "),
        ({"semantics": 0}, "semantics version 0"),
        ({"semantics": True}, "semantics: missing, or not of type int"),
        ({"semantics": "1"}, "semantics: missing, or not of type int"),
        ({"format": 2}, "format version 2"),
        ({"structure": None}, "structure: missing"),
        ({"structure": {"layers": 1}}, "structure: not understood"),
        ({"structure": {**STRUCTURE.to_json(), "output_inputs": [9]}}, "output_inputs"),
        ({"structure": Structure.stacked(16, 8192).to_json()}, "tensors missing"),
        ({"structure": Structure.stacked(2, 8192).to_json()}, "expected: F32|expected: I8"),
        ({"structure": {"layers": [{"size": 2**62, "inputs": (), "reads_character": True}], "output_inputs": [0]}}, "size"),
        ({"vocabulary": 5}, "vocabulary: missing, or not of type str"),
        ({"vocabulary": ""}, "vocabulary: 0 characters"),
        ({"vocabulary": "ba"}, "ascending"),
        ({"vocabulary": "\ud800"}, "surrogate"),
        ({"vocabulary": "abcdefgé"}, "expected"),
        ({"vocabulary": "\nabè😀", "variants": ""}, "variants: 0 characters, read as 1; allowed: as many"),
        ({"vocabulary": "\nabë😀", "plain": "ë"}, "digest"),
        ({"variants": None}, "variants: missing, or not of type str"),
        ({"plain": ["é"]}, "plain: missing, or not of type str"),
        ({"variants": "a"}, "variants: 'a' is out of range; allowed: characters that the vocabulary lacks"),
        ({"variants": "\ud800"}, r"variants: '\\ud800' is out of range"),
        ({"variants": "éè", "plain": "aa"}, "variants: the characters are not in ascending code-point order"),
        ({"variants": "èè", "plain": "aa"}, "variants: the characters are not in ascending code-point order"),
        ({"plain": "è"}, "plain: 'è' is out of range; allowed: characters of the vocabulary"),
        ({"variants": "ê"}, "digest"),
        ({"plain": "a"}, "digest"),
        ({"digest": "0" * 64}, "digest: the content has"),
        ({"digest": ""}, "digest"),
        ({"digest": 1}, "digest: missing"),
        ({"checksum": "0" * 64}, "checksum: recipe, quality or licence were changed"),
        ({"about": {"recipe": "mine"}}, "checksum"),
        ({"about": {"loss": float("nan")}}, "not JSON"),
        ({"about": {"loss": float("inf")}}, "not JSON"),
        ({"about": ["mine"]}, "about: missing, or not of type dict"),
    ],
)
def test_a_header_that_is_changed_is_refused(small: Model, path: Path, change: Header, words: str) -> None:
    refuses(path, forged(small, header=change), words)


@pytest.mark.parametrize("name", NAMES)
def test_a_tensor_that_is_missing_added_or_of_another_type_or_shape_is_refused(small: Model, path: Path, name: str) -> None:
    tensor = tensors_of(small)[name]
    refuses(
        path,
        forged(small, {name: None}),
        f"tensors missing or unknown: {name}; make it anew with: elman export CHECKPOINT -o FILE",
    )
    refuses(path, forged(small, {f"{name}.more": tensor}), f"tensors missing or unknown: {name}.more")
    refuses(path, forged(small, {name: tensor.astype(np.float64)}), rf"{name}: F64 \[.*expected")
    refuses(path, forged(small, {name: tensor.reshape(1, *tensor.shape)}), rf"{name}: .*expected")
    refuses(path, forged(small, {name: tensor[:-1]}), rf"{name}: .*expected")
    refuses(path, forged(small, {name: tensor[:0]}), rf"{name}: .*expected")
    refuses(path, forged(small, {name: tensor.view(f"u{tensor.itemsize}")}), rf"{name}: U.*expected")


def with_value(model: Model, name: str, value: float) -> Model:
    """The model with one number changed, its digest right again."""
    tensor = tensors_of(model)[name].copy()
    tensor.reshape(-1)[tensor.size // 2] = value
    return with_tensor(model, name, tensor)


@pytest.mark.parametrize("name", ["layer.0.weight", "layer.1.weight", "output.weight", "initial_state"])
def test_minus_128_is_refused(small: Model, path: Path, name: str) -> None:
    refuses(path, to_bytes(with_value(small, name, -128)), f"{name}: -128 is out of range; allowed: -127 to 127")


SCALES = [np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1e-45, 1e-38, 2.0**-30 * (1 - 2.0**-24), 2.0**8 * (1 + 2.0**-23)]


@pytest.mark.parametrize("name", ["layer.0.scale", "layer.1.scale", "output.scale"])
@pytest.mark.parametrize("value", SCALES)
def test_a_scale_out_of_range_is_refused(small: Model, path: Path, name: str, value: float) -> None:
    refuses(path, to_bytes(with_value(small, name, value)), rf"{name}: a value is out of range; allowed: 2\^-30 to 2\^8")


@pytest.mark.parametrize("name", ["layer.0.bias", "layer.1.bias", "output.bias"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2.0**20, -(2.0**20), 3e38])
def test_a_bias_out_of_range_is_refused(small: Model, path: Path, name: str, value: float) -> None:
    refuses(path, to_bytes(with_value(small, name, value)), f"{name}: a value is out of range; allowed: finite, below")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layer.0.scale", 2.0**-30),
        ("output.scale", 2.0**8),
        ("layer.1.bias", 2.0**20 - 0.0625),
        ("output.bias", 1e-45),
        ("output.weight", -127),
    ],
)
def test_the_edges_of_what_is_allowed_are_allowed(small: Model, path: Path, name: str, value: float) -> None:
    changed = with_value(small, name, value)
    save(changed, path)
    assert load(path).digest == changed.digest


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("exp", 0, 2**24 - 1),
        ("exp", 9, 2**30),
        ("exp", -1, 0),
        ("log", 0, 2**24),
        ("log", -1, 5 * 2**24),
        ("log", 7, 1),
        ("tanh", 3, 9),
    ],
)
def test_tables_that_the_sampler_could_not_rely_on_are_refused(
    small: Model, path: Path, name: str, place: int, value: int
) -> None:
    table = tensors_of(small)[name].copy()
    table[place] = value
    refuses(path, to_bytes(with_tensor(small, name, table)), f"{name}: a value is out of range")


def test_recipe_quality_and_licence_may_be_anything_that_json_says(small: Model, path: Path) -> None:
    about: dict[str, object] = {"a": [1, 2.5, None, True, {"é😀\n": '\\ " \0 \x7f'}], "": {}, "large": 2**64}
    save(replace(small, about=about), path)
    assert load(path).about == about


@pytest.mark.parametrize("broken", [(os, "fsync"), (Path, "replace")])
def test_a_save_that_fails_leaves_the_old_file(
    small: Model, good: bytes, path: Path, monkeypatch: pytest.MonkeyPatch, broken: tuple[object, str]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    save(small, path)
    monkeypatch.setattr(*broken, fail)
    with pytest.raises(OSError, match="No space left"):
        save(replace(small, about={"recipe": "another"}), path)
    assert path.read_bytes() == good
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_save_into_a_folder_that_is_not_there_is_an_os_error(small: Model, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder"):
        save(small, tmp_path / "no folder" / "model.safetensors")


DYING_SAVE = """
import dataclasses, os, pathlib, sys
from elman_models.law.artifact import load, save
path = pathlib.Path(sys.argv[1])
os.fsync = lambda _: os._exit(9)
save(dataclasses.replace(load(path), about={}), path)
"""


def test_a_process_killed_while_saving_leaves_the_old_file(small: Model, good: bytes, path: Path) -> None:
    save(small, path)
    child = subprocess.run([sys.executable, "-c", DYING_SAVE, str(path)], check=False, timeout=60)
    assert child.returncode == 9
    assert path.read_bytes() == good
    save(small, path)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_the_checksum_binds_what_the_digest_leaves_out(small: Model) -> None:
    assert checksum(small.digest, {"a": 1}) != checksum(small.digest, {"a": 2}) != checksum("0" * 64, {"a": 2})
    assert canonical({"b": 1, "a": "é"}) == b'{"a":"\\u00e9","b":1}'


def test_a_large_file_that_is_no_model_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole: more than there is memory
    with pytest.raises(ArtifactError, match="not an elman model: the metadata lacks `elman`"):
        load(path)
