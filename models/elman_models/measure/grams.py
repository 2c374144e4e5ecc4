"""The n-grams of a text, counted once for every model that is made of them. Knows no probabilities.

A gram of length n is its context, a gram of length n - 1, and a last character. Its key is its context's number times the
number of different characters, plus the last one; its number is the place of its key among all keys of its length. Texts are
arrays of a vocabulary's indices. UNK, the last index, may stand in a context; grams that end with it are counted as 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from elman_models.measure.predictor import Indices

Places: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Numbered: TypeAlias = tuple[Places, Places]

NOWHERE = -1
"""The number of a gram that the text does not hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The different grams of one length, in the order of their keys: those with the same context side by side."""

    keys: Places  # (grams,) ascending
    characters: NDArray[np.int32]  # (grams,) the last one
    occurrences: NDArray[np.int32]  # (grams,)
    predecessors: NDArray[np.int32]  # (grams,) different characters that come before, the text's start among them; longest: 1
    first: Places  # (contexts + 1,): where the grams of each context begin

    @classmethod
    def of(cls, grams: Numbered, longer: Numbered | None, contexts: int, size: int) -> "Level":
        """Count the grams of one length; `longer` numbers those of one character more."""
        keys, places = grams
        characters = (keys % size).astype(np.int32)
        is_counted = characters < size - 1
        return cls(
            keys,
            characters,
            (np.bincount(places, minlength=len(keys)) * is_counted).astype(np.int32),
            (predecessors(places, longer, len(keys)) * is_counted).astype(np.int32),
            np.searchsorted(keys, np.arange(contexts + 1) * size),
        )

    def find(self, contexts: Places, characters: Indices, size: int) -> Places:
        """The numbers of grams, NOWHERE for those that are not there."""
        return find(self.keys, contexts, characters, size)

    def followers(self, contexts: Places) -> tuple[Places, Places]:
        """Of several contexts, the grams that each begins: index into `contexts` and number of the gram, pair by pair."""
        return followers(self.first, contexts)

    def sums(self, values: NDArray[np.generic]) -> Floats:
        """The sum over the grams of each context, of values a gram."""
        contexts = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        return np.bincount(contexts, weights=values, minlength=len(self.first) - 1).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Grams:
    """All grams up to a length, level by level; `size` different characters, UNK among them."""

    levels: Sequence[Level]
    size: int

    @classmethod
    def of(cls, text: Indices, size: int, longest: int) -> "Grams":
        """Count the grams of a text, which may be too short for the longest. Raises ValueError for an empty one."""
        if not len(text):
            raise ValueError("nothing to count: the text is empty")
        levels: list[Level] = []
        numbers = numbered(text, size, longest)
        grams = next(numbers)
        while grams:
            longer = next(numbers, None)
            contexts = len(levels[-1].keys) if levels else 1
            levels.append(Level.of(grams, longer, contexts, size))
            grams = longer
        return cls(levels, size)

    def up_to(self, length: int) -> "Grams":
        """Those of no more than so many characters, which are found in a part of the time."""
        return Grams(self.levels[:length], self.size)

    def places(self, text: Indices) -> Places:
        """Of each place in a text, the numbers of the grams that end there, the shortest first: (characters, levels)."""
        columns: list[Places] = []
        contexts = np.zeros(len(text), np.int64)
        for each in self.levels:
            columns.append(each.find(contexts, text, self.size))
            contexts = np.append(NOWHERE, columns[-1][:-1])
        return np.stack(columns, axis=1)

    def all_places(self, texts: Sequence[Indices]) -> list[Places]:
        """Of each text, the grams that end before each character, and after the last: (characters + 1, levels)."""
        nothing = np.full((1, len(self.levels)), NOWHERE)
        return [np.concatenate([nothing, self.places(text)]) for text in texts]

    def followed(self, places: Places, characters: Indices) -> Places:
        """The numbers after one more character each, from those before it: (places, levels)."""
        found = [
            each.find(contexts, characters, self.size) for each, contexts in zip(self.levels, contexts_of(places), strict=True)
        ]
        return np.stack(found, axis=1)


def numbered(text: Indices, size: int, longest: int) -> Iterator[Numbered]:
    """Of each length, the different grams' keys, ascending, and the number of the gram that begins at each place."""
    contexts = np.zeros(len(text), np.int64)
    for length in range(1, min(longest, len(text)) + 1):
        keys, places = np.unique(contexts * size + text[length - 1 :], return_inverse=True)
        yield keys, places
        contexts = places[:-1]


def predecessors(places: Places, longer: Numbered | None, count: int) -> NDArray[np.int64]:
    """How many different longer grams end with each of the grams; one more where the text starts with it: so 1 at least."""
    if longer is None:
        return np.ones(count, np.int64)
    ends = np.zeros(len(longer[0]), np.int64)
    ends[longer[1]] = places[1:]  # wherever a longer gram stands, the same shorter one ends it
    found = np.bincount(ends, minlength=count)
    found[places[0]] += 1
    return found


def find(keys: Places, contexts: Places, characters: Indices, size: int) -> Places:
    """Where the keys of some contexts and characters stand among all keys, ascending; NOWHERE for those that do not."""
    if not len(keys):
        return np.full(len(contexts), NOWHERE)
    wanted = contexts * size + characters
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((contexts >= 0) & (keys[places] == wanted), places, NOWHERE)


def followers(first: Places, contexts: Places) -> tuple[Places, Places]:
    """Of several contexts, the grams that each begins: index into `contexts` and number of the gram, pair by pair."""
    known = np.flatnonzero(contexts >= 0)
    starts = first[contexts[known]]
    counts = first[contexts[known] + 1] - starts
    before = np.cumsum(counts) - counts
    return np.repeat(known, counts), np.arange(int(counts.sum())) + np.repeat(starts - before, counts)


def contexts_of(places: Places) -> list[Places]:
    """What each level takes for a context of the next character: the grams of one character less."""
    return [np.zeros(len(places), np.int64), *places.T[:-1]]
