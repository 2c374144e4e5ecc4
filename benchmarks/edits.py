"""What edits of a document cost the session and the engine: in this thread, without the transport, which would dilute it."""

import time
from collections.abc import Sequence
from itertools import count
from random import Random
from statistics import median
from typing import NamedTuple

from contest import hold
from random_model import CHARACTERS
from typists import LINE_CHARACTERS

from elman.v1 import completion_service_pb2 as pb
from elman_server.embedded import Embedded

KEYS = 4 * LINE_CHARACTERS
"""Keystrokes a turn."""
SUGGESTED_CHARACTERS = 16
TYPED_CHARACTERS = 4_000
"""The text from whose end rewinds go back, at least."""


class Keystroke(NamedTuple):
    """A keystroke at the end of a document of a given length: from the edit to the end of its suggestion."""

    characters: int
    microseconds: float
    growth: float  # how many times as long as the same at the shortest document


class Rewind(NamedTuple):
    """An edit that keeps all but the last few characters: from the edit to the first character suggested there."""

    characters: int
    milliseconds: float  # the median
    longest_milliseconds: float


class Typed:
    """A document that is typed. Text comes from a fixed seed."""

    def __init__(self, embedded: Embedded, prefix: str, suggested: int) -> None:
        self._follow, self._revisions, self._random = embedded.follow(), count(1), Random(1)
        limits, sampling = pb.Limits(max_characters=suggested), pb.Sampling(seed=1)
        self._send(open=pb.Open(prefix=prefix, limits=limits, sampling=sampling))
        self.cursor = len(prefix)

    def _send(self, **event: pb.Open | pb.Edit) -> None:
        """One request, and all that it asks for."""
        self._follow.send(pb.FollowRequest(revision=next(self._revisions), **event))  # pyright: ignore[reportArgumentType]
        for _ in self._follow:
            pass

    def type(self, keys: int) -> None:
        """Press this many keys."""
        for _ in range(keys):
            self._send(edit=pb.Edit(keep=self.cursor, insert=self._random.choice(CHARACTERS)))
            self.cursor += 1

    def rewind(self, characters: int) -> None:
        """Go back."""
        self.cursor -= characters
        self._send(edit=pb.Edit(keep=self.cursor, suggest=True))

    def type_lines(self) -> None:
        """KEYS keys, of which each line takes the place of the one before, so that the document stays as long as it is."""
        for _ in range(KEYS // LINE_CHARACTERS):
            self.cursor -= LINE_CHARACTERS
            self.type(LINE_CHARACTERS)


def measure_keystrokes(embedded: Embedded, lengths: Sequence[int], rounds: int, seconds: float) -> list[Keystroke]:
    """Documents of all lengths take turns."""
    documents = {length: Typed(embedded, random_text(length), SUGGESTED_CHARACTERS) for length in lengths}
    taken = hold({length: document.type_lines for length, document in documents.items()}, rounds, seconds)
    shortest = taken[min(taken)]
    return [Keystroke(length, 1e6 * own.median / KEYS, own.ratio_to(shortest)) for length, own in taken.items()]


def measure_rewinds(embedded: Embedded, distances: Sequence[int], rounds: int, seconds: float) -> list[Rewind]:
    """Each distance, from the end of a text that was typed key by key, and is typed on after it.

    Suggestions are of one character, and the text's length differs from one time to the next.
    """
    typed, found = Typed(embedded, "", suggested=1), {distance: list[float]() for distance in distances}
    typed.type(TYPED_CHARACTERS)
    end = time.perf_counter() + seconds
    for number in range(rounds):
        if number and time.perf_counter() >= end:
            break
        for distance, taken in found.items():
            taken.append(timed_rewind(typed, distance))
            typed.type(distance + number % 7)
    return [Rewind(distance, 1e3 * median(taken), 1e3 * max(taken)) for distance, taken in found.items()]


def timed_rewind(typed: Typed, distance: int) -> float:
    """Seconds."""
    started = time.perf_counter()
    typed.rewind(distance)
    return time.perf_counter() - started


def random_text(length: int) -> str:
    """Characters that the model knows."""
    return "".join(Random(1).choices(CHARACTERS, k=length))
