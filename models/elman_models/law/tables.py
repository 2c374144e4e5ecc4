"""The tables that make the law independent of any machine's mathematics library: TANH, EXP and LOG.

They are computed once, at export; from then on the artifact's own copies count, and the digest covers them.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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

    EXP ends where it would be 0. LOG ends with its first entry above the largest sum of weights, `outputs` * 2^24.
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
        log = np.array([math.ceil(ONE * math.exp((k + 0.5) / UNIT)) for k in range(log_length(outputs))], dtype=np.int64)
        return cls(tanh, exp, log)

    def largest_surprise(self, confidence: float) -> int:
        """The largest d with EXP[d] >= rint(2^24 confidence): the surprise up to which a completion is worth showing."""
        return int(np.count_nonzero(self.exp >= round(ONE * confidence))) - 1


def exp_length() -> int:
    """The number of entries of EXP that are not 0."""
    return math.floor(UNIT * math.log(2 * ONE)) + 1


def log_length(outputs: int) -> int:
    """The number of entries of LOG up to the first above `outputs` * 2^24."""
    return math.ceil(UNIT * math.log(outputs) - 0.5) + 1 if outputs > 1 else 1
