"""The characters that a network knows, in code-point order, those that it reads as one of them, and UNK for all others.

Knows no network.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from elman.plain import characters_with_plain_forms, plain_form
from elman_models.errors import Amount, ArtifactError, InvalidField

LARGEST_VOCABULARY = 65536
LAST_CODE_POINT = 0x10FFFF
SEEN = 3
"""How often a character must be seen to be learnt."""
MOST_LEARNED = 2048
"""The most characters that are learnt of a text: each has rows in the model file, which grows with them."""
CHUNK = 1 << 16
"""Characters of a long text that are looked at in one piece, so that what is made of them on the way stays small."""
FEW = 64  # up to this many characters, looking them up one by one is faster than arrays


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Characters, each the index of its place; UNK is the index after the last.

    UNK is a possible input and has no output, so it is never sampled. Each of the variants, which are no characters of the
    vocabulary, is read as the character at its place in `plain`, and never sampled either.
    """

    characters: str
    variants: str = ""
    plain: str = ""
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
        places = {character: place for place, character in enumerate(self.characters)}
        check_variants(self.variants, self.plain, places)
        read = {variant: places[form] for variant, form in zip(self.variants, self.plain, strict=True)}
        object.__setattr__(self, "_indices", indices_by_code_point(points, read))
        object.__setattr__(self, "_places", places | read)

    def __len__(self) -> int:
        """The number of characters that can be produced: UNK is not among them."""
        return len(self.characters)

    @property
    def unknown(self) -> int:
        """The index of UNK."""
        return len(self.characters)

    def encode(self, text: str) -> NDArray[np.int32]:
        """The index of each character of the text as it is read, UNK for those that are lacking. Shape (len(text),)."""
        if len(text) <= FEW:
            places, unknown = self._places, self.unknown
            return np.array([places.get(character, unknown) for character in text], np.int32)
        return self._indices.take(code_points(text), mode="clip")

    def exactly(self, text: str) -> NDArray[np.int32]:
        """The index of each character of the text that can be produced, UNK for all others. Shape (len(text),)."""
        indices, points = self.encode(text), np.append(code_points(self.characters), 0)
        return np.where(points[indices] == code_points(text), indices, np.int32(self.unknown))

    def decode(self, indices: Iterable[int]) -> str:
        """The text of the indices; none of them may be UNK."""
        return "".join(map(self.characters.__getitem__, indices))

    def unknowns(self, indices: NDArray[np.int32]) -> int:
        """How many of the indices are UNK."""
        if len(indices) <= FEW:
            return indices.tolist().count(self.unknown)
        return int(np.count_nonzero(indices == self.unknown))

    @classmethod
    def of(cls, *texts: str, at_least: int = SEEN) -> "Vocabulary":
        """The most frequent of the characters seen at least so often in the texts together. Raises InvalidField for none."""
        return cls.of_counts(character_counts(texts), at_least)

    @classmethod
    def of_counts(cls, counts: NDArray[np.int64], at_least: int = SEEN) -> "Vocabulary":
        """The same, of how often each code point was seen."""
        seen = np.flatnonzero(counts >= at_least)
        if not len(seen):
            raise InvalidField("training text", Amount(f"no character seen at least {at_least} times"), "at least 1")
        frequent = seen[np.argsort(-counts[seen], kind="stable")][:MOST_LEARNED]
        return cls.reading_plainly("".join(map(chr, sorted(frequent))))

    @classmethod
    def reading_plainly(cls, characters: str) -> "Vocabulary":
        """The vocabulary that reads each character that it lacks as the nearest plain form that it has (elman/plain.py)."""
        known = set(characters)
        lacking = (variant for variant in characters_with_plain_forms() if variant not in known)
        read = {variant: form for variant in lacking if (form := plain_form(variant, known))}
        return cls(characters, "".join(read), "".join(read.values()))


def character_counts(texts: Iterable[str]) -> NDArray[np.int64]:
    """How often each code point is seen in the texts together."""
    counts = np.zeros(LAST_CODE_POINT + 1, np.int64)
    for text in texts:
        for chunk in chunks(text):
            seen = np.bincount(code_points(chunk))
            counts[: len(seen)] += seen
    return counts


def check_variants(variants: str, plain: str, places: Mapping[str, int]) -> None:
    """Raise ArtifactError unless each variant is lacking, the next is above it, and its plain form is there."""
    if len(variants) != len(plain):
        raise ArtifactError(f"variants: {len(variants)} characters, read as {len(plain)}; allowed: as many")
    if any(later <= earlier for earlier, later in pairwise(variants)):
        raise ArtifactError("variants: the characters are not in ascending code-point order")
    for variant, form in zip(variants, plain, strict=True):
        if variant in places or "\ud800" <= variant <= "\udfff":
            raise ArtifactError(f"variants: {variant!r} is out of range; allowed: characters that the vocabulary lacks")
        if form not in places:
            raise ArtifactError(f"plain: {form!r} is out of range; allowed: characters of the vocabulary")


def indices_by_code_point(points: NDArray[np.uint32], read: Mapping[str, int]) -> NDArray[np.int32]:
    """The index of every code point up to the last that is known or read, and of one more, which stands for all beyond."""
    indices = np.full(max(int(points[-1]), *map(ord, read), 0) + 2, len(points), np.int32)
    indices[points] = np.arange(len(points))
    indices[list(map(ord, read))] = list(read.values())
    return indices


def chunks(text: str) -> Iterator[str]:
    """The text in pieces that are not too long."""
    for start in range(0, len(text), CHUNK):
        yield text[start : start + CHUNK]


def code_points(text: str) -> NDArray[np.uint32]:
    """The code point of each character."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
