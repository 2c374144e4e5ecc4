"""TANH, EXP and LOG are the numbers of their formulas, to the last unit, by exact arithmetic."""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, getcontext

import numpy as np
import pytest

from elman_models.law.tables import UNKNOWN_NATS, Tables, exp_length, log_length

OUTPUTS = [1, 2, 3, 65, 100, 65536]

getcontext().prec = 50


def exp(numerator: int, denominator: int) -> Decimal:
    """e^(numerator / denominator), to 50 digits."""
    return (Decimal(numerator) / denominator).exp()


def rint(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_EVEN))


def test_tanh_is_its_formula() -> None:
    tanh = Tables.for_outputs(3).tanh
    squares = [exp(2 * i, 256) for i in range(-1024, 1025)]
    assert tanh.tolist() == [rint(127 * (square - 1) / (square + 1)) for square in squares]
    assert (tanh.dtype, len(tanh), tanh[0], tanh[1024], tanh[-1]) == (np.dtype(np.int8), 2049, -127, 0, 127)


def test_exp_is_its_formula_and_ends_where_it_would_be_0() -> None:
    table = Tables.for_outputs(3).exp
    assert table.tolist() == [rint(2**24 * exp(-d, 256)) for d in range(exp_length())]
    assert (table[0], table[-1]) == (2**24, 1)
    assert rint(2**24 * exp(-exp_length(), 256)) == 0


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_log_is_its_formula_and_ends_with_its_first_entry_above_the_largest_sum(outputs: int) -> None:
    log = Tables.for_outputs(outputs).log
    assert log.tolist() == [
        int((2**24 * exp(2 * k + 1, 512)).to_integral_value(ROUND_CEILING)) for k in range(log_length(outputs))
    ]
    largest = outputs * 2**24 + (outputs * 2**24 * 2**22 >> 16)  # every weight, and the largest odds' share of them
    assert log[-1] > largest
    assert all(log[:-1] <= largest)


def test_the_number_of_log_entries_up_to_a_sum_is_its_logarithm() -> None:
    log = Tables.for_outputs(100).log
    for total in (2**24, 2**24 + 1, 2**25, 3 * 2**24 + 12345, 100 * 2**24):
        exact = 256 * (Decimal(total) / 2**24).ln()
        assert abs(int(np.count_nonzero(log <= total)) - exact) <= Decimal("0.5000001")


@pytest.mark.parametrize(
    ("confidence", "surprise"), [(1.0, 0), (0.5, 177), (2.0**-20, 3557), (2.0**-1 + 2.0**-30, 177), (1 - 2.0**-26, 0)]
)
def test_the_largest_surprise_is_the_last_that_is_probable_enough(confidence: float, surprise: int) -> None:
    tables = Tables.for_outputs(3)
    found = tables.largest_surprise(confidence)
    assert tables.exp[found] >= round(2**24 * confidence) > tables.exp[found + 1]
    assert found == surprise


def test_an_unknown_character_is_charged_as_one_of_all_code_points() -> None:
    assert pytest.approx(float(Decimal(0x110000).ln()), abs=1e-12) == UNKNOWN_NATS
