"""What a text leaves of itself in a model file, so that whoever measures the model on that text can be told.

    text:   The cat sees the dog.\\nThe king ...     from the start of each line, LENGTH characters are hashed
    kept:   a bit for every n-th hash               n = 1, 2, 4, ..., by the value of the hash, not by its place

The same lines are kept of any other text, so the share of their bits that are set tells how much of it was in the first. No
text can be read out of the bits. Whoever has a run of LENGTH characters can look whether its bit is set, which it may also be
by chance: one bit of SPARSE to twice that many is. (A Bloom filter of one hash: Bloom 1970.)
"""

import base64
import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from elman_models.errors import ArtifactError

LENGTH = 128
MOST = 4096
"""No more hashes are kept of a text."""
SPARSE = 16
"""As many bits as this for each hash that is kept, at least."""
LEAST_SHARE = 0.1
"""Two texts with less in common share some lines, as many do."""
CHANCE = 1e-3
"""What is found at least so probably may be chance."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of a text was found in an imprint."""

    found: int
    looked_for: int
    by_chance: float  # the share that would be found of any text

    @property
    def share(self) -> float:
        """The share of the text that stands in the imprint's."""
        raw = self.found / max(1, self.looked_for)
        return max(0.0, (raw - self.by_chance) / (1 - self.by_chance))

    @property
    def is_sure(self) -> bool:
        """Whether it is more than chance, and more than some lines."""
        return self.share >= LEAST_SHARE and self.chance < CHANCE

    @property
    def chance(self) -> float:
        """The probability of finding as much in any text is at most this (Chernoff 1952)."""
        counts = (self.found, self.by_chance), (self.looked_for - self.found, 1 - self.by_chance)
        return math.exp(-sum(count * math.log(count / (self.looked_for * share)) for count, share in counts if count))


@dataclass(frozen=True, slots=True)
class Imprint:
    """One bit for every n-th hash of a text."""

    every: int
    bits: bytes

    @classmethod
    def of(cls, documents: Iterable[str]) -> "Imprint":
        """What the documents leave."""
        every, kept = 1, set[int]()
        for hash_ in hashes(documents):
            if not hash_ % every:
                kept.add(hash_)
            while len(kept) > MOST:
                every *= 2
                kept = {each for each in kept if not each % every}
        bits = bytearray(1 << max(0, (SPARSE * len(kept) - 1).bit_length() - 3))
        for hash_ in kept:
            byte, bit = place(hash_, len(bits))
            bits[byte] |= bit
        return cls(every, bytes(bits))

    def overlap(self, documents: Iterable[str]) -> Overlap:
        """How much of other documents stands in these."""
        wanted = {hash_ for hash_ in hashes(documents) if not hash_ % self.every}
        places = (place(hash_, len(self.bits)) for hash_ in wanted)
        found = sum(bool(self.bits[byte] & bit) for byte, bit in places)
        return Overlap(found, len(wanted), sum(map(int.bit_count, self.bits)) / (8 * len(self.bits)))

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` takes."""
        return {"every": self.every, "bits": base64.b64encode(self.bits).decode()}

    @classmethod
    def from_json(cls, value: Any) -> "Imprint":
        """What `to_json` described. Raises ArtifactError for anything else."""
        try:
            imprint = cls(int(value["every"]), base64.b64decode(value["bits"], validate=True))
        except (KeyError, TypeError, ValueError):
            imprint = cls(0, b"")
        if imprint.every < 1 or not imprint.bits:
            raise ArtifactError("about: imprints: one that is not understood")
        return imprint


def largest_overlap(imprints: Sequence[Any], documents: Sequence[str]) -> Overlap | None:
    """That of the imprint, as JSON, which holds most of some documents; None where there is none. Raises ArtifactError."""
    found = (Imprint.from_json(each).overlap(documents) for each in imprints)
    return max(found, key=lambda overlap: overlap.share, default=None)


def hashes(documents: Iterable[str]) -> Iterator[int]:
    """Of LENGTH characters from the start of each line."""
    for document in documents:
        start, last = 0, len(document) - LENGTH
        while 0 <= start <= last:
            run = document[start : start + LENGTH]
            yield int.from_bytes(hashlib.blake2b(run.encode(), digest_size=8).digest(), "little")
            start = document.find("\n", start) + 1 or -1


def place(hash_: int, length: int) -> tuple[int, int]:
    """The byte and the bit of a hash, by those of its bits that do not say whether it is kept."""
    byte, bit = divmod((hash_ >> 32) % (8 * length), 8)
    return byte, 1 << bit
