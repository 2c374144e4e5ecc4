"""The characters that a network knows, in code-point order, and UNK for all others. Knows no network."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from elman_models.errors import Amount, ArtifactError, InvalidField

LARGEST_VOCABULARY = 65536
LAST_CODE_POINT = 0x10FFFF
CHUNK = 1 << 16
"""Characters of a long text that are looked at in one piece, so that what is made of them on the way stays small."""
FEW = 64  # up to this many characters, looking them up one by one is faster than arrays


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Characters, each the index of its place; UNK is the index after the last.

    UNK is a possible input and has no output, so it is never sampled.
    """

    characters: str
    _indices: NDArray[np.int32] = field(init=False, repr=False, compare=False)  # by code point; the last stands for all beyond
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.characters) <= LARGEST_VOCABULARY:
            raise ArtifactError(f"vocabulary: {len(self.characters)} characters; allowed: 1 to {LARGEST_VOCABULARY}")
        if any("\ud800" <= character <= "\udfff" for character in self.characters):
            raise ArtifactError("vocabulary: a lone surrogate is not a character")
        points = code_points(self.characters)
        if np.any(points[1:] <= points[:-1]):
            raise ArtifactError("vocabulary: the characters are not in ascending code-point order")
        object.__setattr__(self, "_indices", indices_by_code_point(points))
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
        return self._indices.take(code_points(text), mode="clip")

    def decode(self, indices: Iterable[int]) -> str:
        """The text of the indices; none of them may be UNK."""
        return "".join(map(self.characters.__getitem__, indices))

    def unknowns(self, indices: NDArray[np.int32]) -> int:
        """How many of the indices are UNK."""
        if len(indices) <= FEW:
            return indices.tolist().count(self.unknown)
        return int(np.count_nonzero(indices == self.unknown))

    @classmethod
    def of(cls, *texts: str, at_least: int = 3) -> "Vocabulary":
        """The characters seen at least so often in the texts together. Raises InvalidField for none, and for too many."""
        counts = np.zeros(LAST_CODE_POINT + 1, np.int64)
        for text in texts:
            for chunk in chunks(text):
                seen = np.bincount(code_points(chunk))
                counts[: len(seen)] += seen
        characters = "".join(map(chr, np.flatnonzero(counts >= at_least)))
        if not 1 <= len(characters) <= LARGEST_VOCABULARY:
            amount = Amount(f"{len(characters)} different characters seen at least {at_least} times")
            raise InvalidField("training text", amount, f"1 to {LARGEST_VOCABULARY}")
        return cls(characters)


def indices_by_code_point(points: NDArray[np.uint32]) -> NDArray[np.int32]:
    """The index of every code point up to the last of `points`, and of one more, which no vocabulary of these has."""
    indices = np.full(int(points[-1]) + 2, len(points), np.int32)
    indices[points] = np.arange(len(points))
    return indices


def chunks(text: str) -> Iterator[str]:
    """The text in pieces that are not too long."""
    for start in range(0, len(text), CHUNK):
        yield text[start : start + CHUNK]


def code_points(text: str) -> NDArray[np.uint32]:
    """The code point of each character."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
