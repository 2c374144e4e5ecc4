"""The longest run of characters that two parts of a corpus share, found another way than the corpus makers find it."""

from collections import defaultdict
from collections.abc import Collection

BLOCK = 100


def longest_shared_run(training: Collection[str], held_out: Collection[str]) -> str:
    """The longest run in both, if it has 2 * BLOCK - 1 characters or more, so that it holds a block of the training text."""
    text = "\0".join(training)
    places: defaultdict[str, list[int]] = defaultdict(list)
    for start in range(0, len(text) - BLOCK + 1, BLOCK):
        places[text[start : start + BLOCK]].append(start)
    longest = ""
    for document in held_out:
        for at in range(len(document) - BLOCK + 1):
            for place in places.get(document[at : at + BLOCK], ()):
                longest = max(longest, grown(text, document, place, at), key=len)
    return longest


def grown(text: str, document: str, place: int, at: int) -> str:
    """The run around a block that is at `place` in the one and `at` in the other."""
    before, after = 0, BLOCK
    while before < min(place, at) and text[place - before - 1] == document[at - before - 1]:
        before += 1
    while after < min(len(text) - place, len(document) - at) and text[place + after] == document[at + after]:
        after += 1
    return document[at - before : at + after]
