"""State bytes: what comes back, and everything else that is refused."""

import hashlib
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elman_models.errors import InvalidField, Refused, WrongModel
from elman_models.law.artifact import Model
from elman_models.law.recall import Recall
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
    return pack(State(np.array([-127, 0, 127], np.int8), 5, np.array([0, 1, 2, 1, 0], np.uint8)), tiny)


def sealed(body: bytes) -> bytes:
    """With a checksum that is right."""
    return body + hashlib.sha256(body).digest()[:8]


@given(
    st.lists(st.integers(-127, 127), min_size=3, max_size=3),
    st.integers(0, 60) | st.integers(0, 2**62 - 1),
    st.integers(0, 2**32 - 1),
)
@example([-127, 0, 127], 2**62 - 1, 1)
@settings(deadline=None)
def test_a_state_comes_back_from_its_bytes(tiny: Model, outputs: list[int], position: int, seed: int) -> None:
    characters = np.random.default_rng(seed).integers(0, 3, min(position, tiny.recall.window)).astype(np.uint8)
    data = pack(State(np.array(outputs, np.int8), position, characters), tiny)
    state = unpack(data, tiny)
    assert (state.outputs.tolist(), state.position, state.remembered.tolist()) == (outputs, position, characters.tolist())
    assert (len(data), pack(state, tiny)) == (state_bytes(tiny, position), data)
    assert state_bytes(tiny) == state_bytes(tiny, tiny.recall.window) >= len(data)


def test_the_bytes_are_format_version_digest_position_outputs_remembered_text_and_checksum(tiny: Model, good: bytes) -> None:
    digest = bytes.fromhex(tiny.digest)[:16]
    assert good == sealed(b"\x02\x02" + digest + b"\x05" + bytes(7) + b"\x81\x00\x7f" + bytes([0, 1, 2, 1, 0]))


def test_characters_take_four_bytes_where_the_vocabulary_has_more_than_a_byte_holds(make_model: "MakeModel") -> None:
    for outputs, width in ((255, 1), (256, 4)):
        model = make_model(Structure.stacked(1, 3), "".join(map(chr, range(256, 256 + outputs))))
        kind = np.uint8 if width == 1 else np.uint32
        state = State(model.initial_state, 2, np.array([outputs, outputs - 1], kind))
        data = pack(state, model)
        assert data[-8 - 2 * width : -8] == outputs.to_bytes(width, "little") + (outputs - 1).to_bytes(width, "little")
        assert unpack(data, model).remembered.tolist() == [outputs, outputs - 1]


@pytest.mark.parametrize("text", [b"", bytes([0, 1, 2, 1]), bytes([0, 1, 2, 1, 0, 0])])
def test_remembered_text_that_was_cut_or_lengthened_is_refused(tiny: Model, good: bytes, text: bytes) -> None:
    with pytest.raises(InvalidField, match=rf"^state: \d+ bytes is out of range; allowed: {len(good)} bytes at position 5"):
        unpack(sealed(good[:29] + text), tiny)


def test_remembered_characters_beyond_the_vocabulary_are_refused(tiny: Model, good: bytes) -> None:
    with pytest.raises(InvalidField, match=r"^state: 3 is out of range; allowed: characters of 0 to 2"):
        unpack(sealed(good[:29] + bytes([0, 1, 3, 1, 0])), tiny)


def test_a_position_that_the_remembered_text_does_not_fit_is_refused(tiny: Model, good: bytes) -> None:
    for position in (4, 6, 10_000):
        body = good[:18] + position.to_bytes(8, "little") + good[26:-8]
        with pytest.raises(InvalidField, match=rf"^state: {len(good)} bytes is out of range; allowed: \d+ bytes at position"):
            unpack(sealed(body), tiny)


def test_without_recall_nothing_is_remembered(tiny: Model) -> None:
    plain = replace(tiny, recall=Recall.none())
    assert len(pack(State(tiny.initial_state, 5), plain)) == state_bytes(plain) == 26 + 3 + 8


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
@pytest.mark.parametrize("version", [0, 1, 3, 255])
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
    with pytest.raises(InvalidField, match=rf"^state: \d+ bytes is out of range; allowed: {len(good)} bytes at position 5$"):
        unpack(sealed(good[:26]), tiny)


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
