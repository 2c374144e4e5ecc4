"""Runs of characters that stood in an earlier document, so that what many copied is learnt once.

    first:    ...def copy(self): return type(self)(self)...
    second:   [before][def copy(self): return type(self)(self)][after]      whole lines of the run go

What a document repeats of itself is its own affair.
"""

from collections import defaultdict

from elman_models.selection.copies import grown
from elman_models.selection.overlap import LENGTH, without_lines

BLOCK = LENGTH // 2
"""Documents are known by their blocks of this many characters: every run of LENGTH holds a whole one."""
MOST_PLACES = 8
"""A block that stands in more places than this is a rule, or the like."""


class Repeats:
    """Documents, one after another, each without what stood in those before it."""

    def __init__(self) -> None:
        self._documents: list[str] = []
        self._places: dict[int, list[tuple[int, int]]] = defaultdict(list)

    def new_in(self, document: str) -> list[str]:
        """The pieces of a document that stood in no earlier one; from now on it is one."""
        pieces = without_lines(document, runs) if (runs := self._runs(document)) else [document]
        for piece in pieces:
            self._add(piece)
        return pieces

    def _runs(self, document: str) -> list[tuple[int, int]]:
        """Start and end of the runs of LENGTH characters and more that are known."""
        runs: list[tuple[int, int]] = []
        for at in self._known_places(document):
            if runs and at < runs[-1][1]:
                continue
            start, end = self._longest(document, at)
            if end - start >= LENGTH:
                runs.append((start + (document[start] == "\n"), end))  # of the line before it only the end is in it
        return runs

    def _known_places(self, document: str) -> list[int]:
        """Where a block begins that is known; this takes most of the time."""
        known, last = self._places, len(document) - BLOCK
        return [at for at in range(last + 1) if hash(document[at : at + BLOCK]) in known]

    def _longest(self, document: str, at: int) -> tuple[int, int]:
        """The longest run around a place that an earlier document has too."""
        places = self._places[hash(document[at : at + BLOCK])]
        runs = (grown(document, at, self._documents[index], place, 0) for index, place in places)
        return max(runs, key=lambda run: run[1] - run[0])

    def _add(self, document: str) -> None:
        index = len(self._documents)
        self._documents.append(document)
        for at in range(0, len(document) - BLOCK + 1, BLOCK):
            places = self._places[hash(document[at : at + BLOCK])]
            if len(places) < MOST_PLACES:
                places.append((index, at))
