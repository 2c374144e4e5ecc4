"""How well an artifact predicts a text, in nats a character, through whatever execution. Needs no torch.

Streaming: every document is read from the initial state to its end, each character predicted from all before it. Windows: each
document is cut into runs of 256 characters (the last may be shorter), and each run is read from the initial state, as a model
without a carried state would have to. A document of n characters has n terms; one that the vocabulary lacks is charged
ln(1,114,112). This file knows no training.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Advance, Execution, Start
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_models.measure.predictor import Indices

Nats: TypeAlias = Callable[[Sequence[Indices]], float]
"""The sum over all characters of several texts, each read from the start."""

WINDOW = 256
MOST_ROWS = 64
CHUNK = 1024
"""Characters by which a row moves in one call, so that memory does not grow with the text."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a character of some texts costs, in nats, by how the texts are read."""

    streaming: float
    windows: float
    windows_primed: float  # in windows that follow the one character before them

    def to_json(self) -> dict[str, float]:
        """In nats and in bits."""
        ways = {"streaming": self.streaming, "windows": self.windows, "windows_primed": self.windows_primed}
        return in_nats_and_bits(ways)


@dataclass(frozen=True, slots=True)
class Quality:
    """What the artifact is worth on some documents."""

    nats_per_character_streaming: float
    nats_per_character_windows: float
    characters: int
    unknown_characters: int

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` takes."""
        ways = {"streaming": self.nats_per_character_streaming, "windows": self.nats_per_character_windows}
        return {**in_nats_and_bits(ways), "characters": self.characters, "unknown_characters": self.unknown_characters}


def evaluate(model: Model, documents: Sequence[str], device: str = "cpu", execution: Execution | None = None) -> Quality:
    """The quality of an artifact. An execution that is handed in has at least `MOST_ROWS` rows, or one for each document."""
    characters = sum(map(len, documents))
    if not characters:
        raise ValueError("nothing to measure: the text is empty")
    texts = [model.vocabulary.encode(document) for document in documents]
    windows = windows_of(texts)
    most_rows = min(MOST_ROWS, len(windows))
    rows = execution or open_execution(model, most_rows, device)
    return Quality(
        nats_per_character_streaming=nats(model, rows, texts, most_rows) / characters,
        nats_per_character_windows=nats(model, rows, windows, most_rows) / characters,
        characters=characters,
        unknown_characters=sum(map(model.vocabulary.unknowns, texts)),
    )


def windows_of(texts: Sequence[Indices]) -> list[Indices]:
    """Each text cut into runs of 256 characters."""
    return [text[start : start + WINDOW] for text in texts for start in range(0, len(text), WINDOW)]


def costs(streaming: float, nats: Nats, texts: Sequence[Indices]) -> Costs:
    """What a character costs, where the streaming cost is known."""
    characters = sum(map(len, texts))
    return Costs(streaming, nats(windows_of(texts)) / characters, primed_nats(nats, texts) / characters)


def in_nats_and_bits(ways: Mapping[str, float]) -> dict[str, float]:
    """Costs in nats a character, by how a text was read, under their full names; bits are nats / ln 2."""
    in_nats = {f"nats_per_character_{way}": nats for way, nats in ways.items()}
    return in_nats | {f"bits_per_character_{way}": nats / math.log(2) for way, nats in ways.items()}


def primed_nats(nats: Nats, texts: Sequence[Indices]) -> float:
    """The sum over windows of 256 that each follow one character, which is given: so are a transformer's windows measured."""
    starts = [(text, start) for text in texts for start in range(0, len(text), WINDOW)]
    given = [text[start - 1 : start] for text, start in starts if start]
    windows = [text[max(0, start - 1) : start + WINDOW] for text, start in starts]
    return nats(windows) - (nats(given) if given else 0.0)


def nats(model: Model, execution: Execution, texts: Sequence[Indices], rows: int) -> float:
    """The sum over all characters of texts that each start in the initial state, `rows` of them at a time."""
    longest_first = sorted(filter(len, texts), key=len, reverse=True)
    total = 0.0
    for start in range(0, len(longest_first), rows):
        total += _batch_nats(model, execution, longest_first[start : start + rows])
    return total


def _batch_nats(model: Model, execution: Execution, texts: Sequence[Indices]) -> float:
    beginning = Start(State.initial(model), is_accounted=True)
    total = 0.0
    for row in range(len(texts)):
        execution.load(row, beginning)
    for start in range(0, len(texts[0]), CHUNK):
        pieces = [piece for text in texts if len(piece := text[start : start + CHUNK])]
        outcome = execution.run([Advance(row, scored=piece) for row, piece in enumerate(pieces)])
        total -= sum(float(outcome.account(row).log_probabilities.sum()) for row in range(len(pieces)))
    return total
