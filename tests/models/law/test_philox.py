"""Philox4x32-10 gives the published numbers, as integers and as arrays."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman_models.law.philox import FEW, Words, draw, philox, word

KNOWN = [  # counter, key, result: Random123-1.14.0, tests/kat_vectors, "philox4x32 10"
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> list[int]:
    """Hexadecimal words."""
    return [int(one, 16) for one in text.split()]


def as_arrays(text: str) -> tuple[Words, ...]:
    """The same, three of each."""
    return tuple(np.full(3, one, np.uint64) for one in words(text))


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_integers_and_arrays_give_the_published_numbers(counter: str, key: str, expected: str) -> None:
    (c0, c1, c2, c3), (k0, k1) = words(counter), words(key)
    assert list(philox((c0, c1, c2, c3), (k0, k1))) == words(expected)
    (a0, a1, a2, a3), (b0, b1) = as_arrays(counter), as_arrays(key)
    arrays = philox((a0, a1, a2, a3), (b0, b1))
    assert [array.tolist() for array in arrays] == [[one] * 3 for one in words(expected)]


@pytest.mark.parametrize(("counter", "key", "expected"), [KNOWN[0], KNOWN[2]])
def test_the_counter_holds_position_and_alternative_and_the_key_the_seed(counter: str, key: str, expected: str) -> None:
    low, high, alternative, rest = words(counter)
    seed_low, seed_high = words(key)
    seed, position = seed_low + (seed_high << 32), low + (high << 32)
    assert word(seed, position, alternative) == philox((low, high, alternative, 0), (seed_low, seed_high))[0]
    if rest == 0:
        assert word(seed, position, alternative) == words(expected)[0]


def drawn(numbers: Sequence[tuple[int, int, int]]) -> list[int]:
    """Word 0 of each (seed, position, alternative)."""
    seeds, positions, alternatives = (np.array(column, np.uint64) for column in zip(*numbers, strict=True))
    return draw(seeds, positions, alternatives).tolist()


SEEDS = st.integers(0, 2**64 - 1)
POSITIONS = st.integers(0, 2**62 - 1) | st.sampled_from([2**32 - 1, 2**32, 2**62 - 1])


@given(st.lists(st.tuples(SEEDS, POSITIONS, st.integers(0, 65535)), min_size=1, max_size=3 * FEW))
@settings(deadline=None, max_examples=100)
def test_few_numbers_and_many_numbers_are_the_same_numbers(numbers: list[tuple[int, int, int]]) -> None:
    one_by_one = [word(*number) for number in numbers]
    assert drawn(numbers) == one_by_one
    assert drawn(numbers * (FEW + 1)) == one_by_one * (FEW + 1)


def test_any_shape_is_drawn_elementwise_and_no_number_leaves_32_bits() -> None:
    seeds = np.arange(24, dtype=np.uint64).reshape(4, 6)
    for size in (4, 1):
        part = seeds[:size]
        numbers = draw(part, part + np.uint64(7), part)
        assert (numbers.shape, numbers.dtype) == (part.shape, np.dtype(np.int64))
        assert numbers.tolist() == [[word(int(n), int(n) + 7, int(n)) for n in row] for row in part]
        assert (numbers >= 0).all()
        assert (numbers < 2**32).all()


def test_nothing_is_drawn_for_no_positions() -> None:
    nothing = np.zeros(0, np.uint64)
    assert draw(nothing, nothing, nothing).shape == (0,)
