"""PPM-D that learns each document while it reads it: a gram counts in the training text and in the document so far.

The counts of a whole document are known beforehand, so all its places are read at once: what is counted at a place is what was
counted by then. A gram's moments are the places in the document where its count grows: in the longest, wherever it comes; in
the shorter ones, where it comes after something it has not followed, in the training text or before. Each document begins with
no context and with the training text's counts alone; a wrong character of ghost text is not learnt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.gram_predictor import GramPredictor
from elman_models.measure.grams import NOWHERE, Floats, Grams, Places, contexts_of, find, followers
from elman_models.measure.ppm import Ppm, Spread
from elman_models.measure.predictor import Indices, Reading


class AdaptingPredictor:
    """A `Predictor` by PPM-D of contexts up to `order` characters long, which adapts to each text."""

    def __init__(self, grams: Grams, order: int, vocabulary: Vocabulary) -> None:
        self._trained = Ppm(grams, order)
        self._vocabulary = vocabulary
        self.name = f"{self._trained.name} adapting"

    def read(self, texts: Sequence[Indices]) -> list[Reading]:
        """Read several texts, each by itself."""
        return self._adapted(texts).read(texts)

    def nats(self, texts: Sequence[Indices]) -> float:
        """The sum of all characters' costs, each text read by itself."""
        return self._adapted(texts).nats(texts)

    def _adapted(self, texts: Sequence[Indices]) -> GramPredictor:
        return GramPredictor(AdaptedPpm(self._trained, texts), self._vocabulary)


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """The grams of one length in some texts, none shared between these, and the moments of each: gram * span + place."""

    keys: Places  # (grams,) ascending
    characters: NDArray[np.int64]  # (grams,) the last one
    first: Places  # (contexts + 1,): where the grams of each context begin
    moments: Places  # ascending
    starts: Places  # (grams,): where the moments of each gram begin
    span: int

    def followers(self, contexts: Places, times: Places) -> tuple[Places, Places, NDArray[np.int32]]:
        """Of several contexts: index into `contexts`, last character, and the count by then, pair by pair."""
        rows, grams = followers(self.first, contexts)
        counts = np.searchsorted(self.moments, grams * self.span + times[rows]) - self.starts[grams]
        return rows, self.characters[grams], counts.astype(np.int32)


class AdaptedPpm:
    """PPM-D that has read some texts, each as far as a place. Columns of a place: trained grams, text, own grams, time."""

    def __init__(self, trained: Ppm, texts: Sequence[Indices]) -> None:
        self.name = trained.name
        self._trained, self._size, self._depth = trained, trained.grams.size, len(trained.grams.levels)
        self._lengths = [len(text) for text in texts]
        joined = np.concatenate(texts).astype(np.int64)
        known = np.concatenate([trained.grams.places(text) for text in texts])
        numbers = list(self._numbered(joined))
        own = np.stack([places for _, places in numbers], axis=1)
        self._learnt = list(self._counted([keys for keys, _ in numbers], own, known))
        self._places = self._each(known, own)

    def places(self, texts: Sequence[Indices]) -> Sequence[Places]:
        """Of the very texts that it was made for."""
        if [len(text) for text in texts] != self._lengths:
            raise ValueError("these are other texts")
        return self._places

    def followed(self, places: Places, characters: Indices) -> Places:
        """The same after one more character each, which is not learnt."""
        trained, own, times = self._columns(places)
        after = [
            [
                level.find(contexts, characters, self._size)
                for level, contexts in zip(self._trained.grams.levels, trained, strict=True)
            ],
            [find(level.keys, contexts, characters, self._size) for level, contexts in zip(self._learnt, own, strict=True)],
        ]
        return np.stack([*after[0], own[0], *after[1], times], axis=1)

    def probabilities(self, places: Places) -> Floats:
        """Of every character but UNK: (places, characters)."""
        spread = Spread.over(len(places), self._size)
        trained, own, times = self._columns(places)
        for depth in reversed(range(self._depth)):
            level = self._trained.grams.levels[depth]
            counts = np.zeros((len(places), self._size), np.int32)
            rows, grams = level.followers(trained[depth])
            counts[rows, level.characters[grams]] = self._trained.counts(level)[grams]
            rows, characters, learnt = self._learnt[depth].followers(own[depth], times)
            counts[rows, characters] += learnt
            rows, characters = np.nonzero(counts)
            spread.give(rows, characters, counts[rows, characters])
        return spread.finish()[:, :-1]

    def _columns(self, places: Places) -> tuple[list[Places], list[Places], Places]:
        """The contexts of each length in the training text and in the text itself, and the time."""
        trained, own = places[:, : self._depth], places[:, self._depth + 1 : -1]
        return contexts_of(trained), [places[:, self._depth], *contexts_of(own)[1:]], places[:, -1]

    def _numbered(self, joined: NDArray[np.int64]) -> Iterator[tuple[Places, Places]]:
        """Of each length, the keys of the texts' grams, and the number of the one that ends at each place."""
        contexts = np.repeat(np.arange(len(self._lengths)), self._lengths)
        is_start = np.diff(contexts, prepend=NOWHERE) > 0
        for _ in range(self._depth):
            is_whole = contexts >= 0
            numbers = np.full(len(joined), NOWHERE)
            keys, numbers[is_whole] = np.unique((contexts * self._size + joined)[is_whole], return_inverse=True)
            yield keys, numbers
            contexts = np.where(is_start, NOWHERE, np.append(NOWHERE, numbers[:-1]))

    def _counted(self, keys: Sequence[Places], own: Places, known: Places) -> Iterator[Learnt]:
        """Of each length, what its grams count; those that end with UNK too, which `Spread` leaves out."""
        span, time = len(own) + 1, np.arange(len(own))
        since = np.concatenate([np.arange(length) for length in self._lengths])
        for depth, grams in enumerate(keys):
            grows = own[:, depth] >= 0
            if depth + 1 < self._depth:
                grows &= (since == depth) | (is_first(own[:, depth + 1]) & (known[:, depth + 1] < 0))
            moments = np.sort(own[grows, depth] * span + time[grows])
            contexts = len(keys[depth - 1]) if depth else len(self._lengths)
            yield Learnt(
                grams,
                grams % self._size,
                np.searchsorted(grams, np.arange(contexts + 1) * self._size),
                moments,
                np.searchsorted(moments, np.arange(len(grams)) * span),
                span,
            )

    def _each(self, known: Places, own: Places) -> list[Places]:
        """The places of each text, from the one before its first character on."""
        found: list[Places] = []
        stops = np.cumsum(self._lengths).tolist()
        for text, (length, stop) in enumerate(zip(self._lengths, stops, strict=True)):
            here = slice(stop - length, stop)
            places = np.full((length + 1, 2 * self._depth + 2), NOWHERE)
            places[1:, : self._depth], places[1:, self._depth + 1 : -1] = known[here], own[here]
            places[:, self._depth], places[:, -1] = text, np.arange(stop - length, stop + 1)
            found.append(places)
        return found


def is_first(numbers: Places) -> NDArray[np.bool_]:
    """Where each number, NOWHERE left out, comes for the first time."""
    found = np.zeros(len(numbers), np.bool_)
    found[np.unique(numbers, return_index=True)[1]] = True
    return found & (numbers >= 0)
