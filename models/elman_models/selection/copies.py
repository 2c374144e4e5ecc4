"""What stands in several documents is kept once, so that no page is held out while its copy is trained on.

    long.txt     ABCDEFGH
    draft.txt    ABxDEF       most of it stands in long.txt: only the line of x is kept

A document that shares less than half of its text with longer ones is left as it is: a licence's header in every file is no
copy. (That training gains by it: Lee et al. 2022, "Deduplicating Training Data Makes Language Models Better".)
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

BLOCK = 50
"""Documents are known by their blocks of this many characters, so every shared run of 2 * BLOCK - 1 is found."""
MOST = 0.5
"""The share of a document, or of a line in it, from which on it counts as a copy."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What a document shares with longer ones."""

    runs: Sequence[tuple[int, int]]  # start and end, ascending
    share: float
    source: int  # the document that has most of it


@dataclass(slots=True)
class Blocks:
    """Where the blocks of some documents stand."""

    documents: Sequence[str]
    places: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])

    def add(self, index: int) -> None:
        """Know a document from now on."""
        document = self.documents[index]
        for at in range(0, len(document) - BLOCK + 1, BLOCK):
            self.places.setdefault(hash(document[at : at + BLOCK]), (index, at))

    def shared_with(self, document: str) -> Shared | None:
        """The longest runs, from left to right, that a document shares with those that are known."""
        runs: list[tuple[int, int]] = []
        sources: Counter[int] = Counter()
        at = 0
        while at <= len(document) - BLOCK:
            known = self.places.get(hash(document[at : at + BLOCK]))
            if known is None:
                at += 1
                continue
            source, place = known
            start, end = grown(document, at, self.documents[source], place, runs[-1][1] if runs else 0)
            if end - start < BLOCK:  # two blocks with the same hash
                at += 1
                continue
            runs.append((start, end))
            sources[source] += end - start
            at = end
        if not runs:
            return None
        return Shared(runs, sources.total() / len(document), sources.most_common(1)[0][0])


def grown(document: str, at: int, other: str, place: int, first: int) -> tuple[int, int]:
    """The run that is the same around a place of one document, from `first` on, and a place of another."""
    start, end = at, at
    while start > first and place > at - start and document[start - 1] == other[place - (at - start) - 1]:
        start -= 1
    step = BLOCK
    while step:
        after = place + end - at
        if end + step <= len(document) and document[end : end + step] == other[after : after + step]:
            end += step
        else:
            step //= 2
    return start, end


def copies(documents: Sequence[str]) -> dict[int, Shared]:
    """Which documents are mostly copies, and what of them is; the longer of two is the one that is kept."""
    found: dict[int, Shared] = {}
    blocks = Blocks(documents)
    for index in sorted(range(len(documents)), key=lambda index: -len(documents[index])):
        if blocks.places and (shared := blocks.shared_with(documents[index])) and shared.share >= MOST:
            found[index] = shared
        if len(documents) > 1:
            blocks.add(index)
    return found


def without(document: str, shared: Shared) -> str:
    """What is new in a document: the lines of which less than half is shared."""
    runs, kept, start = deque(shared.runs), list[str](), 0
    while start < len(document):
        end = document.find("\n", start) + 1 or len(document)
        covered = 0
        while runs and runs[0][0] < end:
            covered += min(runs[0][1], end) - max(runs[0][0], start)
            if runs[0][1] > end:
                break
            runs.popleft()
        if covered < MOST * (end - start):
            kept.append(document[start:end])
        start = end
    return "".join(kept)
