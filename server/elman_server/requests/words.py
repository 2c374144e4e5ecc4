"""Canonical parameters in the caller's words, for logs: the shortest number that becomes the same integer. Checks nothing."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from elman_models.law.sampling import FRACTION, Sampling
from elman_models.law.tables import UNIT, Tables

MOST_DIGITS = 17
"""As many as tell every double from every other."""


@lru_cache(maxsize=256)
def sampling_in_words(sampling: Sampling) -> dict[str, Any]:
    """The parameters as a caller would give them: `Sampling.of(**words)` is the same."""
    inverse = sampling.inverse_temperature
    return {
        "temperature": shortest(FRACTION / inverse, lambda it: round(FRACTION / it), inverse) if inverse else 0.0,
        "top_k": sampling.top_k,
        "top_p": shortest(sampling.top_p / FRACTION, lambda it: round(FRACTION * it), sampling.top_p),
        "min_p": shortest(sampling.min_p / FRACTION, lambda it: round(FRACTION * it), sampling.min_p),
    }


def confidence_in_words(largest_surprise: int | None, tables: Tables) -> float | None:
    """The probability below which a completion ends; None: it has no such end."""
    if largest_surprise is None:
        return None
    return shortest(math.exp(-largest_surprise / UNIT), tables.largest_surprise, largest_surprise)


def shortest(value: float, canonical: Callable[[float], int], wanted: int) -> float:
    """The value with as few digits as have the wanted canonical form."""
    rounded = (float(f"{value:.{digits}g}") for digits in range(1, MOST_DIGITS))
    return next((each for each in rounded if canonical(each) == wanted), value)
