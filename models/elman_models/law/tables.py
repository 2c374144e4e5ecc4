"""The tables that make the law independent of any machine's mathematics library: TANH, EXP and LOG.

They are computed once, at export; from then on the artifact's own copies count, and the digest covers them.
"""

import math
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray

from elman_models.law.recall import LARGEST_ODDS, ODDS_UNIT

ONE = 1 << 24
"""The weight of the most probable character: EXP[0]."""

UNIT = 256
"""Logits, pre-activations and surprises are counted in 1/256 nat."""

TANH_REACH = 1024
"""Pre-activations are clamped to this many 1/256; tanh(4) * 127 rounds to 127."""

LOGIT_REACH = 1 << 20
"""Logits are clamped to this many 1/256 nat."""

CODE_POINTS = 1_114_112
UNKNOWN_NATS = math.log(CODE_POINTS)
"""What a character that the vocabulary lacks is charged."""


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """TANH[i] = rint(127 tanh((i - 1024) / 256)); EXP[d] = rint(2^24 exp(-d / 256)); LOG[k] = ceil(2^24 exp((k + 0.5) / 256)).

    EXP ends where it would be 0. LOG ends with its first entry above the largest sum of weights, recall included.
    """

    tanh: NDArray[np.int8]  # (2049,)
    exp: NDArray[np.int32]
    log: NDArray[np.int64]

    @classmethod
    def for_outputs(cls, outputs: int) -> "Tables":
        """The tables for a network with this many output characters."""
        reach = range(-TANH_REACH, TANH_REACH + 1)
        tanh = np.array([round(127 * math.tanh(i / UNIT)) for i in reach], dtype=np.int8)
        exp = np.array([round(ONE * math.exp(-d / UNIT)) for d in range(exp_length())], dtype=np.int32)
        return cls(tanh, exp, np.array(log_entries(log_length(outputs)), dtype=np.int64))

    def largest_surprise(self, confidence: float) -> int:
        """The largest d with EXP[d] >= rint(2^24 confidence): the surprise up to which a completion is worth showing."""
        return int(np.count_nonzero(self.exp >= round(ONE * confidence))) - 1


@cache
def log_entries(count: int) -> tuple[int, ...]:
    """The first entries of LOG. They grow beyond what a double's exponential has exact, so they are computed in decimals."""
    with localcontext(prec=40):
        return tuple(math.ceil(ONE * (Decimal(2 * k + 1) / (2 * UNIT)).exp()) for k in range(count))


def exp_length() -> int:
    """The number of entries of EXP that are not 0."""
    return math.floor(UNIT * math.log(2 * ONE)) + 1


def largest_sum(outputs: int) -> int:
    """The largest sum of weights there can be: every character's 2^24, and the largest odds' share of that."""
    return outputs * (ONE + (ONE * LARGEST_ODDS // ODDS_UNIT))


def log_length(outputs: int) -> int:
    """The number of entries of LOG up to the first above the largest sum of weights."""
    return math.ceil(UNIT * math.log(largest_sum(outputs) / ONE) - 0.5) + 1
