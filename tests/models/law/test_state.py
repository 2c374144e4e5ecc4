"""State bytes: what comes back, and everything else that is refused."""

import hashlib
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elman_models.errors import InvalidField, Refused, WrongModel
from elman_models.law.artifact import Model
from elman_models.law.state import State, pack, state_bytes, unpack
from elman_models.law.structure import Structure

if TYPE_CHECKING:
    from tests.conftest import MakeModel


@pytest.fixture(scope="session")
def tiny(make_model: "MakeModel") -> Model:
    """A model whose state has three outputs."""
    return make_model(Structure.stacked(1, 3), "ab", 3)


@pytest.fixture(scope="session")
def good(tiny: Model) -> bytes:
    """A state of it."""
    return pack(State(np.array([-127, 0, 127], np.int8), 5), tiny)


def sealed(body: bytes) -> bytes:
    """With a checksum that is right."""
    return body + hashlib.sha256(body).digest()[:8]


@given(st.lists(st.integers(-127, 127), min_size=3, max_size=3), st.integers(0, 2**62 - 1))
@example([-127, 0, 127], 2**62 - 1)
@settings(deadline=None)
def test_a_state_comes_back_from_its_bytes(tiny: Model, outputs: list[int], position: int) -> None:
    data = pack(State(np.array(outputs, np.int8), position), tiny)
    state = unpack(data, tiny)
    assert (state.outputs.tolist(), state.position) == (outputs, position)
    assert (len(data), pack(state, tiny)) == (state_bytes(tiny), data)


def test_the_bytes_are_format_version_digest_position_outputs_and_checksum(tiny: Model, good: bytes) -> None:
    digest = bytes.fromhex(tiny.digest)[:16]
    assert good == sealed(b"\x01\x01" + digest + b"\x05" + bytes(7) + b"\x81\x00\x7f")


def test_no_bytes_are_the_start_of_a_text(tiny: Model) -> None:
    state = unpack(b"", tiny)
    assert (state.outputs.tolist(), state.position) == (tiny.initial_state.tolist(), 0)


def test_a_state_cut_at_any_length_is_refused(tiny: Model, good: bytes) -> None:
    for length in range(1, len(good)):
        for part in (good[:length], good[-length:]):
            with pytest.raises(InvalidField, match=rf"^state: {length} bytes is out of range; allowed: a state as an earlier"):
                unpack(part, tiny)


def test_a_state_with_any_bit_flipped_is_refused(tiny: Model, good: bytes) -> None:
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidField, match=r"^state: .* its checksum differs$"):
            unpack(bytes(flipped), tiny)


def test_a_state_of_another_model_is_of_another_model(tiny: Model, make_model: "MakeModel") -> None:
    for other in (make_model(Structure.stacked(1, 3), "ab", 4), make_model()):
        with pytest.raises(WrongModel, match=rf"^state: of model {other.digest[:32]}.*send the text again"):
            unpack(pack(State.initial(other), other), tiny)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("version", [0, 2, 255])
def test_a_state_of_another_format_or_semantics_version_is_of_another_model(
    tiny: Model, good: bytes, place: int, version: int
) -> None:
    body = bytearray(good[:-8])
    body[place] = version
    with pytest.raises(WrongModel, match=r"^state: of format .*, semantics version .*; send the text again from its start"):
        unpack(sealed(bytes(body)), tiny)


@pytest.mark.parametrize("extra", [1, 10_000_000])
def test_a_state_that_is_too_long_is_refused(tiny: Model, good: bytes, extra: int) -> None:
    with pytest.raises(InvalidField, match=f"^state: {len(good) + extra} bytes is out of range"):
        unpack(good + bytes(extra), tiny)
    with pytest.raises(InvalidField, match=f"^state: {len(good) + extra} bytes is out of range; allowed: {len(good)} bytes"):
        unpack(sealed(good[:-8] + bytes(extra)), tiny)


def test_a_state_that_is_too_short_is_refused_even_with_a_checksum(tiny: Model, good: bytes) -> None:
    for length in range(len(good) - 8):
        with pytest.raises(InvalidField, match=r"^state: "):
            unpack(sealed(good[:length]), tiny)


def test_a_state_without_outputs_is_too_short_and_its_checksum_right(tiny: Model, good: bytes) -> None:
    with pytest.raises(InvalidField, match=rf"^state: \d+ bytes is out of range; allowed: {len(good)} bytes$"):
        unpack(sealed(good[: -8 - len(tiny.initial_state)]), tiny)


@pytest.mark.parametrize("place", [26, 27, 28])
def test_minus_128_is_refused_even_with_a_checksum(tiny: Model, good: bytes, place: int) -> None:
    body = bytearray(good[:-8])
    body[place] = 0x80
    with pytest.raises(InvalidField, match=r"^state: -128 is out of range; allowed: outputs of -127 to 127$"):
        unpack(sealed(bytes(body)), tiny)


@pytest.mark.parametrize("position", [2**62, 2**63, 2**64 - 1])
def test_a_position_of_2_to_the_62_and_above_is_refused(tiny: Model, good: bytes, position: int) -> None:
    body = good[:18] + position.to_bytes(8, "little") + good[26:-8]
    with pytest.raises(InvalidField, match=rf"^state: {position} is out of range; allowed: positions of 0 to 2\^62 - 1$"):
        unpack(sealed(body), tiny)


def test_bytes_of_chance_are_refused(tiny: Model) -> None:
    random = Random(1)
    for length in [*range(1, 200), 10_000_000]:
        with pytest.raises(Refused):
            unpack(random.randbytes(length), tiny)
