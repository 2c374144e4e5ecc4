"""The state of a network as bytes that travel with a call. Knows no text and no request.

    format (1) | semantics version (1) | model digest (first 16) | position (8) | int8 outputs of all layers | checksum (8)

It holds no secret of the server: it is the caller's own text in another form, checked like any input and treated as private.
"""

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman_models.errors import Amount, InvalidField, WrongModel
from elman_models.law.artifact import SEMANTICS_VERSION, Model

FORMAT_VERSION = 1
HEAD = struct.Struct("<BB16sQ")
CHECKSUM_BYTES = 8
LARGEST_POSITION = (1 << 62) - 1


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The outputs of all layers after the `position` first characters of a text."""

    outputs: NDArray[np.int8]  # (state size,)
    position: int

    @classmethod
    def initial(cls, model: Model) -> "State":
        """The state at position 0."""
        return cls(model.initial_state, 0)


def state_bytes(model: Model) -> int:
    """The number of bytes of a state of the model."""
    return HEAD.size + len(model.initial_state) + CHECKSUM_BYTES


def pack(state: State, model: Model) -> bytes:
    """The bytes of a state of the model."""
    digest = bytes.fromhex(model.digest[:32])
    body = HEAD.pack(FORMAT_VERSION, SEMANTICS_VERSION, digest, state.position) + state.outputs.tobytes()
    return body + checksum(body)


def unpack(data: bytes, model: Model) -> State:
    """The state in the bytes; no bytes are the initial state.

    Raises InvalidField for bytes that are no state, WrongModel for the state of another model or version.
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
    if len(data) != state_bytes(model):
        raise InvalidField("state", size_of(data), f"{state_bytes(model)} bytes")
    if b"\x80" in data[HEAD.size : -CHECKSUM_BYTES]:
        raise InvalidField("state", -128, "outputs of -127 to 127")
    if position > LARGEST_POSITION:
        raise InvalidField("state", position, "positions of 0 to 2^62 - 1")
    return State(np.frombuffer(data, np.int8, len(model.initial_state), HEAD.size), position)


def size_of(data: bytes) -> Amount:
    """What is said of bytes that are refused."""
    return Amount(f"{len(data)} bytes")


def checksum(body: bytes) -> bytes:
    """The last bytes of a state, of every format."""
    return hashlib.sha256(body).digest()[:CHECKSUM_BYTES]
