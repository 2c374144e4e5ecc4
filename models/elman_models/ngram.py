"""What a network is measured against: a character n-gram with interpolated Kneser-Ney smoothing, one discount an order.

    p_k(x | c) = max(N(c x) - D, 0) / N(c) + D T(c) / N(c) * p_k-1(x | shorter c)        T(c): different followers of c

(Kneser and Ney 1995; Chen and Goodman 1999, section 2.7.) N counts occurrences in the longest order and, in the shorter ones,
the different characters that come before. Texts are arrays of characters' indices; this file knows no network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman_models.tables import UNKNOWN_NATS

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Order:
    """The n-grams of one length. A gram is its context's number times the vocabulary's size, plus its last character."""

    keys: Indices  # (grams,) ascending; the place of a gram here is its number
    counts: NDArray[np.float64]  # (grams,)
    totals: NDArray[np.float64]  # (contexts,) N(c)
    followers: NDArray[np.float64]  # (contexts,) T(c)
    discount: float


class NGram:
    """An n-gram model of a text, `characters` different ones and UNK as the last index."""

    def __init__(self, text: NDArray[np.integer], characters: int, order: int = 6) -> None:
        self._size = characters + 1
        self._orders: list[Order] = []
        numbers = _grams_of(text.astype(np.int64), self._size, order)
        for length, (keys, places) in enumerate(numbers, start=1):
            occurrences = np.bincount(places, minlength=len(keys)).astype(np.float64)
            if length < order:  # the number of different longer grams that end with each gram
                longer_keys, longer_places = numbers[length]
                first = np.zeros(len(longer_keys), np.int64)
                first[longer_places] = places  # every occurrence of a longer gram ends with the same shorter one
                occurrences = np.maximum(np.bincount(first, minlength=len(keys)), 1).astype(np.float64)
            self._orders.append(self._counted(keys, occurrences, len(numbers[length - 2][0]) if length > 1 else 1))

    def _counted(self, keys: Indices, counts: NDArray[np.float64], contexts: int) -> Order:
        context = keys // self._size
        once, twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)
        return Order(
            keys,
            counts,
            np.bincount(context, weights=counts, minlength=contexts).astype(np.float64),
            np.bincount(context, minlength=contexts).astype(np.float64),
            discount=once / (once + 2 * twice) if once else 0.5,
        )

    def log_probabilities(self, text: NDArray[np.integer]) -> NDArray[np.float64]:
        """The natural log-probability of each character of a text, given those before it."""
        text = text.astype(np.int64)
        probability = np.full(len(text), 1 / self._size)
        context: Indices = np.zeros(len(text), np.int64)  # of each character, in the present order; -1: never seen
        for order in self._orders:
            keys = context * self._size + text
            places = np.minimum(np.searchsorted(order.keys, keys), len(order.keys) - 1)
            is_seen = (order.keys[places] == keys) & (context >= 0)
            known = (context >= 0) & (order.totals[context] > 0)
            total = np.where(known, order.totals[context], 1.0)
            count = np.where(is_seen, order.counts[places], 0.0)
            spared = order.discount * order.followers[context] / total
            here = np.maximum(count - order.discount, 0) / total + spared * probability
            probability = np.where(known, here, probability)
            context = np.concatenate([[-1], np.where(is_seen, places, -1)[:-1]])
        return np.log(probability)

    def nats_per_character(self, texts: Sequence[NDArray[np.integer]]) -> float:
        """The mean over texts that each start afresh; UNK is charged ln(1,114,112), as everywhere."""
        total = 0.0
        for text in texts:
            known = text < self._size - 1
            total += UNKNOWN_NATS * int(np.count_nonzero(~known)) - float(self.log_probabilities(text)[known].sum())
        return total / sum(map(len, texts))


def _grams_of(text: Indices, size: int, order: int) -> list[tuple[Indices, Indices]]:
    """For each length: the different grams' keys, ascending, and each place's gram as an index into them."""
    grams: list[tuple[Indices, Indices]] = []
    context: Indices = np.zeros(len(text), np.int64)
    for _ in range(order):
        keys, places = np.unique(context * size + text, return_inverse=True)
        grams.append((keys, places.astype(np.int64)))
        context = np.concatenate([[0], grams[-1][1][:-1]])
    return grams
