"""What a keystroke costs at the end of a long document: with the document's state, and without, when the whole text is sent."""

from collections.abc import Mapping, Sequence
from functools import partial
from random import Random
from typing import NamedTuple

from contest import Contestant, hold
from random_model import CHARACTERS

from elman import Client

CALLS = 20
"""Keystrokes a turn; one where the whole text is sent."""


class Keystroke(NamedTuple):
    """A keystroke at the end of a document of a given length: to the end of a completion of one character."""

    characters: int
    has_state: bool
    milliseconds: float
    growth: float  # how many times as long as the same at the shortest document


def measure(address: str, lengths: Sequence[int], longest_sent: int, rounds: int, seconds: float) -> list[Keystroke]:
    """Documents of all lengths take turns, with their state; then those that are sent whole."""
    texts = {length: "".join(Random(1).choices(CHARACTERS, k=length)) for length in lengths}
    with Client(address) as client:
        stateful = {length: partial(type_with_state, client, state_after(client, text)) for length, text in texts.items()}
        whole = {length: partial(complete, client, text) for length, text in texts.items() if length <= longest_sent}
        return [*compare(stateful, True, rounds, seconds), *compare(whole, False, rounds, seconds)]


def compare(contestants: Mapping[int, Contestant], has_state: bool, rounds: int, seconds: float) -> list[Keystroke]:
    """Every length beside the shortest."""
    taken = hold(contestants, rounds, seconds)
    shortest = taken[min(taken)]
    keystrokes = CALLS if has_state else 1
    return [
        Keystroke(length, has_state, 1000 * own.median / keystrokes, own.ratio_to(shortest)) for length, own in taken.items()
    ]


def state_after(client: Client, text: str) -> bytes:
    """The document's state, as the server returns it."""
    completion = client.complete(text, max_characters=1)
    completion.read()
    return completion.state


def type_with_state(client: Client, state: bytes) -> None:
    """CALLS keystrokes, each a state and one character."""
    for _ in range(CALLS):
        complete(client, "e", state)


def complete(client: Client, text: str, state: bytes = b"") -> None:
    """One keystroke."""
    client.complete(text, state=state, seed=1, max_characters=1).read()
