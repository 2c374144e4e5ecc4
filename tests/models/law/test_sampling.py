"""Sampling parameters become integers once, and what is out of range is named."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman_models.errors import InvalidField
from elman_models.law.sampling import Sampling

NO_NUMBERS = [math.nan, math.inf, -math.inf]


def test_the_defaults_are_part_of_the_law() -> None:
    assert Sampling.of() == Sampling(inverse_temperature=81920, top_k=0, top_p=65536, min_p=0)


@pytest.mark.parametrize(
    ("temperature", "inverse"), [(0, 0), (-0.0, 0), (0.05, 1310720), (0.8, 81920), (1, 65536), (2, 32768), (10, 6554)]
)
def test_the_inverse_temperature_is_counted_in_65536ths(temperature: float, inverse: int) -> None:
    sampling = Sampling.of(temperature)
    assert sampling.inverse_temperature == inverse
    assert sampling.is_greedy == (inverse == 0)


@given(st.floats(0.05, 10))
@settings(deadline=None)
def test_no_temperature_but_0_is_greedy_and_rounding_is_to_the_nearest(temperature: float) -> None:
    inverse = Sampling.of(temperature).inverse_temperature
    assert 6554 <= inverse <= 1310720
    assert abs(inverse - Fraction(65536) / Fraction(temperature)) <= Fraction(1, 2) + Fraction(1, 2**20)


@given(st.integers(0, 65535))
@settings(deadline=None)
def test_halves_round_to_even(numerator: int) -> None:
    share = (numerator + 0.5) / 65536
    assert Sampling.of(top_p=share).top_p == numerator + numerator % 2
    assert Sampling.of(min_p=share).min_p == numerator + numerator % 2


def test_a_top_p_too_small_to_count_keeps_none_but_the_one_that_always_stays() -> None:
    assert Sampling.of(top_p=5e-324).top_p == 0


@pytest.mark.parametrize("temperature", [*NO_NUMBERS, -1, 0.0499999, 10.0000001, 1e-30, 1e30, 5e-324, 2.0**63 - 1])
def test_a_temperature_out_of_range_is_named(temperature: float) -> None:
    with pytest.raises(InvalidField, match=r"^temperature: .* is out of range; allowed: 0, or 0.05 to 10$"):
        Sampling.of(temperature)


@pytest.mark.parametrize("top_k", [-1, 2**32, 2**63 - 1])
def test_a_top_k_out_of_range_is_named(top_k: int) -> None:
    with pytest.raises(InvalidField, match=r"^top_k: .* is out of range; allowed: 0 to 4294967295$"):
        Sampling.of(top_k=top_k)


@pytest.mark.parametrize("top_p", [*NO_NUMBERS, 0.0, -0.0, -0.5, 1.0000001, 1e30])
def test_a_top_p_out_of_range_is_named(top_p: float) -> None:
    with pytest.raises(InvalidField, match=r"^top_p: .* is out of range; allowed: above 0, at most 1$"):
        Sampling.of(top_p=top_p)


@pytest.mark.parametrize("min_p", [*NO_NUMBERS, -1e-9, 1.0000001, 1e30])
def test_a_min_p_out_of_range_is_named(min_p: float) -> None:
    with pytest.raises(InvalidField, match=r"^min_p: .* is out of range; allowed: 0 to 1$"):
        Sampling.of(min_p=min_p)


def test_the_ends_of_every_range_are_legal() -> None:
    assert Sampling.of(top_k=2**32 - 1).top_k == 2**32 - 1
    assert (Sampling.of(min_p=1).min_p, Sampling.of(top_p=1).top_p) == (65536, 65536)


@pytest.mark.parametrize(
    ("given", "truncates"),
    [({}, False), ({"top_k": 1}, True), ({"top_p": 0.99998}, True), ({"min_p": 0.00001}, True), ({"min_p": 0.000001}, False)],
)
def test_what_leaves_characters_out_truncates(given: dict[str, Any], truncates: bool) -> None:
    assert Sampling.of(**given).truncates is truncates
