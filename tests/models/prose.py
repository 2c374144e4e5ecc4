"""Text to train on in tests: sentences of a tiny grammar, the same for the same seed."""

import random
from dataclasses import dataclass, field, replace

from elman_models.training.recipe import Recipe

NOUNS = ["cat", "dog", "king", "queen", "river", "stone", "letter", "garden"]
VERBS = ["sees", "finds", "loves", "leaves", "crosses", "follows"]

QUICK = Recipe(
    layers=2, hidden_size=24, epochs=3, dropout=0.1, learning_rate=0.01, warmup=10, batch_size=8, window=32,
    minimum_characters=1000, threads=1, precision="float32",
)  # fmt: skip
"""Enough to learn something of the grammar in a second."""

TUNING = replace(QUICK, layers=None, hidden_size=None, epochs=2)
"""The same from a model, whose structure it has."""


def prose(characters: int, seed: int = 0) -> str:
    """At least this many characters of sentences."""
    draw = random.Random(seed)
    sentences: list[str] = []
    while sum(map(len, sentences)) < characters:
        sentences.append(f"The {draw.choice(NOUNS)} {draw.choice(VERBS)} the {draw.choice(NOUNS)}.\n")
    return "".join(sentences)


@dataclass
class Kept:
    """A report that keeps what it is told."""

    lines: list[str] = field(default_factory=list[str])
    steps: list[int] = field(default_factory=list[int])

    def say(self, line: str) -> None:
        """Keep the line."""
        self.lines.append(line)

    def doing(self, what: str) -> None:
        """Keep what it is."""
        self.lines.append(what)

    def advance(self, step: int, steps: int, loss: float, characters_per_second: float) -> None:
        """Keep the step."""
        self.steps.append(step)
