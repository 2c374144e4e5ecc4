"""Philox4x32-10, the counter-based random numbers of the law.

Source: Salmon, Moraes, Dror and Shaw, Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011), section 3.3.

The functions take Python integers or arrays of uint64 alike: integers are faster for a few numbers, arrays for many.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = Any  # int or NDArray[np.uint64]

LOW = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
FEW = 8  # up to this many numbers, integers are faster than arrays


def philox(counter: tuple[Words, Words, Words, Words], key: tuple[Words, Words]) -> tuple[Words, Words, Words, Words]:
    """The four 32-bit words of the counter under the key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        first, second = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (second >> 32) ^ c1 ^ k0, second & LOW, (first >> 32) ^ c3 ^ k1, first & LOW
        k0, k1 = (k0 + WEYL[0]) & LOW, (k1 + WEYL[1]) & LOW
    return c0, c1, c2, c3


def draw(seeds: NDArray[np.uint64], positions: NDArray[np.uint64], alternatives: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Word 0 with key (seed low, high) and counter (position low, high, alternative, 0), elementwise over equal shapes."""
    if seeds.size <= FEW:
        numbers = zip(seeds.flat, positions.flat, alternatives.flat, strict=True)
        words = [word(int(seed), int(position), int(alternative)) for seed, position, alternative in numbers]
        return np.array(words, np.int64).reshape(seeds.shape)
    zero = np.zeros_like(positions)
    counter = (positions & np.uint64(LOW), positions >> np.uint64(32), alternatives, zero)
    return philox(counter, (seeds & np.uint64(LOW), seeds >> np.uint64(32)))[0].astype(np.int64)


def word(seed: int, position: int, alternative: int) -> int:
    """Word 0 for one character."""
    return philox((position & LOW, position >> 32, alternative, 0), (seed & LOW, seed >> 32))[0]
