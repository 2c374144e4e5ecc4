"""What a network is measured against: a character n-gram with interpolated, modified Kneser-Ney smoothing.

    p_k(x | c) = max(N(c x) - D(N(c x)), 0) / N(c) + spared(c) * p_k-1(x | shorter c)        three discounts D an order

(Kneser and Ney 1995; Chen and Goodman 1999, section 3.) N counts occurrences in the longest order and, in the shorter ones, the
different characters that come before; below the shortest every character is as likely. Knows neither text nor network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman_models.measure.grams import Floats, Grams, Level, Places, contexts_of
from elman_models.measure.predictor import Indices

SEVERAL = 3
"""Counts from here on share a discount."""


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """The grams of one length, as shares of their contexts."""

    level: Level
    excess: Floats  # (grams,) max(N(c x) - D, 0) / N(c)
    spared: Floats  # (contexts,) what is left for the shorter order; 1 where nothing follows

    @classmethod
    def of(cls, level: Level, counts: NDArray[np.int32]) -> "Order":
        """Discount the counts."""
        kept = counts - discounts(counts)[np.minimum(counts, SEVERAL)]
        totals = level.sums(counts)
        whole = np.where(totals > 0, totals, 1.0)
        excess = kept / np.repeat(whole, np.diff(level.first))
        return cls(level, excess, np.where(totals > 0, 1 - level.sums(excess), 1.0))


class NGram:
    """An n-gram model. The grams may be longer than its order."""

    def __init__(self, grams: Grams, order: int, shorter: Sequence[Order] | None = None) -> None:
        """`shorter` are the orders below its own, where several models share them."""
        self.name = f"Kneser-Ney {order}"
        self.grams = grams = grams.up_to(order)
        last = len(grams.levels) - 1
        self._orders = [*(shorter_orders(grams, last) if shorter is None else shorter[:last])]
        self._orders.append(Order.of(grams.levels[last], grams.levels[last].occurrences))

    def places(self, texts: Sequence[Indices]) -> Sequence[Places]:
        """Of each text, the grams that end before each character, and after the last: (characters + 1, levels)."""
        return self.grams.all_places(texts)

    def followed(self, places: Places, characters: Indices) -> Places:
        """The same after one more character each."""
        return self.grams.followed(places, characters)

    def probabilities(self, places: Places) -> Floats:
        """Of every character but UNK, after the grams that end at some places: (places, characters)."""
        size = self.grams.size
        probability = np.full((len(places), size), 1 / (size - 1))
        for order, contexts in zip(self._orders, contexts_of(places), strict=False):
            probability *= np.where(contexts >= 0, order.spared[contexts], 1.0)[:, None]
            rows, grams = order.level.followers(contexts)
            probability[rows, order.level.characters[grams]] += order.excess[grams]
        return probability[:, :-1]


def shorter_orders(grams: Grams, longest: int) -> Sequence[Order]:
    """The orders up to a length, as every model of a longer one has them."""
    return [Order.of(level, level.predecessors) for level in grams.levels[:longest]]


def discounts(counts: NDArray[np.int32]) -> Floats:
    """What is taken off a count of 0, 1, 2, and more (Chen and Goodman, equation 26), or what is near it."""
    n1, n2, n3, n4 = np.bincount(counts[counts <= SEVERAL + 1], minlength=SEVERAL + 2)[1:].astype(np.float64)
    if not min(n1, n2, n3, n4):
        return np.array([0.0, 0.5, 0.5, 0.5])
    share = n1 / (n1 + 2 * n2)
    estimated = np.array([0, 1 - 2 * share * n2 / n1, 2 - 3 * share * n3 / n2, 3 - 4 * share * n4 / n3])
    is_sound = (estimated > 0) & (estimated <= np.arange(SEVERAL + 1))  # 0 would leave nothing for what never came
    return np.where(is_sound, estimated, [0, share, share, share])
