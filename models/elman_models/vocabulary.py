"""The characters that a network knows, in code-point order, and UNK for all others. Knows no network."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from elman_models.errors import ArtifactError

LARGEST_VOCABULARY = 65536
FEW = 64  # up to so many characters, looking them up one by one is faster than arrays


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Characters, each the index of its place; UNK is the index after the last.

    UNK is a possible input and has no output, so it is never sampled.
    """

    characters: str
    _code_points: NDArray[np.uint32] = field(init=False, repr=False, compare=False)
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.characters) <= LARGEST_VOCABULARY:
            raise ArtifactError(f"vocabulary: {len(self.characters)} characters; allowed: 1 to {LARGEST_VOCABULARY}")
        if any("\ud800" <= character <= "\udfff" for character in self.characters):
            raise ArtifactError("vocabulary: a lone surrogate is no character")
        points = code_points(self.characters)
        if np.any(points[1:] <= points[:-1]):
            raise ArtifactError("vocabulary: the characters are not in ascending code-point order")
        object.__setattr__(self, "_code_points", points)
        object.__setattr__(self, "_places", {character: place for place, character in enumerate(self.characters)})

    def __len__(self) -> int:
        """The number of characters that can be produced: UNK is not among them."""
        return len(self.characters)

    @property
    def unknown(self) -> int:
        """The index of UNK."""
        return len(self.characters)

    def encode(self, text: str) -> NDArray[np.int32]:
        """The index of each character of the text, UNK for those that are lacking. Shape (len(text),)."""
        if len(text) <= FEW:
            places, unknown = self._places, self.unknown
            return np.array([places.get(character, unknown) for character in text], np.int32)
        points = code_points(text)
        places = np.searchsorted(self._code_points, points)
        known = self._code_points[np.minimum(places, len(self) - 1)] == points
        return np.where(known, places, self.unknown).astype(np.int32)

    def decode(self, indices: Iterable[int]) -> str:
        """The text of the indices; none of them may be UNK."""
        return "".join(map(self.characters.__getitem__, indices))

    def unknowns(self, indices: NDArray[np.int32]) -> int:
        """How many of the indices are UNK."""
        if len(indices) <= FEW:
            return indices.tolist().count(self.unknown)
        return int(np.count_nonzero(indices == self.unknown))

    @classmethod
    def of(cls, text: str, at_least: int = 3) -> "Vocabulary":
        """The characters seen at least so often in the text."""
        return cls("".join(sorted(character for character, count in Counter(text).items() if count >= at_least)))


def code_points(text: str) -> NDArray[np.uint32]:
    """The code point of each character."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
