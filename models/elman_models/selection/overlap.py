"""Runs of characters that two parts of a corpus share, and how the training part loses them.

    held out:   ...def copy(self): return type(self)(self)...
    training:   [before][def copy(self): return type(self)(self)][after]

Whole lines go; what stands before and after them becomes documents of its own. This file does not know what the text is.
"""

from collections.abc import Iterable, Iterator, Mapping

LENGTH = 200
"""A run of this many characters may not stand in both a training text and a held-out one."""


class RunHashes:
    """Every run of the length in some documents, as its hash: 64 bits, so that two of a million do not meet by chance."""

    def __init__(self, documents: Iterable[str], length: int = LENGTH) -> None:
        self._length = length
        self._hashes = {hash_ for document in documents for hash_ in self._hashes_of(document)}

    def shared_with(self, document: str) -> Iterator[tuple[int, int]]:
        """The start and end in `document` of each run of the length that the documents have too, ascending."""
        hashes = enumerate(self._hashes_of(document))
        return ((start, start + self._length) for start, hash_ in hashes if hash_ in self._hashes)

    def _hashes_of(self, document: str) -> Iterator[int]:
        return (hash(document[at : at + self._length]) for at in range(len(document) - self._length + 1))


def separate(training: Mapping[str, str], held_out: Iterable[str], length: int = LENGTH) -> dict[str, str]:
    """The training documents without the lines that hold a run of the held-out ones.

    A document that was cut becomes as many as there are pieces, with its name, `#` and their numbers.
    """
    hashes = RunHashes(held_out, length)
    separated: dict[str, str] = {}
    for name, document in training.items():
        runs = list(hashes.shared_with(document))
        if runs:
            separated.update((f"{name}#{number}", piece) for number, piece in enumerate(without_lines(document, runs), 1))
        else:
            separated[name] = document
    return separated


def without_lines(document: str, runs: Iterable[tuple[int, int]]) -> list[str]:
    """What is left, in pieces, of a document without the whole lines that the runs from start to end touch."""
    pieces: list[str] = []
    reached = 0
    for start, end in sorted(runs):
        line_start = document.rfind("\n", 0, start) + 1
        line_end = document.find("\n", end - 1) + 1 or len(document)
        pieces.append(document[reached:line_start])
        reached = max(reached, line_end)
    pieces.append(document[reached:])
    return [piece for piece in pieces if piece.strip()]
