"""The state of a network as bytes that travel with a call. Knows no text and no request.

    format (1) | semantics version (1) | model digest (first 16) | position (8) | int8 outputs of all layers
    | the last min(position, window) characters, a byte each, or four where the vocabulary has more than 255 | checksum (8)

It holds no secret of the server: it is the caller's own text in another form, checked like any input and treated as private.
"""

import hashlib
import struct
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from elman_models.errors import Amount, InvalidField, WrongModel
from elman_models.law.artifact import SEMANTICS_VERSION, Model

FORMAT_VERSION = 2
HEAD = struct.Struct("<BB16sQ")
DIGEST_END = 18
CHECKSUM_BYTES = 8
LARGEST_BYTE = 255
LARGEST_POSITION = (1 << 62) - 1
Remembered: TypeAlias = NDArray[np.uint8 | np.uint32]
"""The last characters of a text, as indices of the vocabulary."""
NOTHING_REMEMBERED: Remembered = np.zeros(0, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The outputs of all layers after the `position` first characters of a text, and the last of these, for recall."""

    outputs: NDArray[np.int8]  # (state size,)
    position: int
    remembered: Remembered = field(
        default_factory=lambda: NOTHING_REMEMBERED
    )  # (min(position, window),) indices of the vocabulary

    @classmethod
    def initial(cls, model: Model) -> "State":
        """The state at position 0."""
        return cls(model.initial_state, 0)


def remembered_type(model: Model) -> type[np.uint8 | np.uint32]:
    """What holds an index of the model's vocabulary, UNK included."""
    return np.uint8 if model.vocabulary.unknown <= LARGEST_BYTE else np.uint32


def remembered(model: Model, *parts: NDArray[np.integer]) -> Remembered:
    """What a state remembers of a text that ends with these parts, as indices of the vocabulary."""
    kept: list[NDArray[np.integer]] = []
    missing = model.recall.window
    for part in reversed(parts):
        if missing and len(part):
            kept.append(part[-missing:])
            missing -= len(kept[-1])
    return np.concatenate(kept[::-1]).astype(remembered_type(model)) if kept else np.zeros(0, remembered_type(model))


def state_bytes(model: Model, position: int = LARGEST_POSITION) -> int:
    """The number of bytes of a state of the model at a position; at most, where none is given."""
    characters = min(position, model.recall.window)
    return HEAD.size + len(model.initial_state) + characters * remembered_type(model)().itemsize + CHECKSUM_BYTES


def pack(state: State, model: Model) -> bytes:
    """The bytes of a state of the model."""
    digest = bytes.fromhex(model.digest[:32])
    body = HEAD.pack(FORMAT_VERSION, SEMANTICS_VERSION, digest, state.position) + state.outputs.tobytes()
    body += state.remembered.astype(np.dtype(remembered_type(model)).newbyteorder("<")).tobytes()
    return body + checksum(body)


def maker_of(data: bytes) -> str:
    """How the digest of the model begins of which the bytes are a state, if they are one; nothing for no bytes."""
    return data[2:DIGEST_END].hex()


def unpack(data: bytes, model: Model) -> State:
    """The state in the bytes; no bytes are the initial state.

    Raises InvalidField for bytes that are not a state, WrongModel for the state of another model or version.
    """
    if not data:
        return State.initial(model)
    if len(data) < HEAD.size + CHECKSUM_BYTES or data[-CHECKSUM_BYTES:] != checksum(data[:-CHECKSUM_BYTES]):
        raise InvalidField("state", size_of(data), "a state as an earlier call returned it; its checksum differs")
    form, semantics, digest, position = HEAD.unpack_from(data)
    if (form, semantics) != (FORMAT_VERSION, SEMANTICS_VERSION):
        raise WrongModel(f"state: of format {form}, semantics version {semantics}; send the text again from its start")
    if digest.hex() != model.digest[:32]:
        raise WrongModel(f"state: of model {digest.hex()}..., not {model.digest[:32]}...; send the text again from its start")
    if position > LARGEST_POSITION:
        raise InvalidField("state", position, "positions of 0 to 2^62 - 1")
    if len(data) != state_bytes(model, position):
        raise InvalidField("state", size_of(data), f"{state_bytes(model, position)} bytes at position {position}")
    end_of_outputs = HEAD.size + len(model.initial_state)
    if b"\x80" in data[HEAD.size : end_of_outputs]:
        raise InvalidField("state", -128, "outputs of -127 to 127")
    kind = np.dtype(remembered_type(model)).newbyteorder("<")
    characters = np.frombuffer(data[end_of_outputs:-CHECKSUM_BYTES], kind).astype(remembered_type(model), copy=False)
    if len(characters) and characters.max() > model.vocabulary.unknown:
        raise InvalidField("state", int(characters.max()), f"characters of 0 to {model.vocabulary.unknown}")
    return State(np.frombuffer(data, np.int8, len(model.initial_state), HEAD.size), position, characters)


def size_of(data: bytes) -> Amount:
    """What is said of bytes that are refused."""
    return Amount(f"{len(data)} bytes")


def checksum(body: bytes) -> bytes:
    """The last bytes of a state, of every format."""
    return hashlib.sha256(body).digest()[:CHECKSUM_BYTES]
