"""How well a model predicts a text, in nats a character: the artifact through its execution, and the float network beside it.

Streaming: every document is read from the initial state to its end, each character predicted from all before it. Windows: each
document is cut into runs of 256 characters (the last may be shorter), and each run is read from the initial state, as a model
without a carried state would have to. A document of n characters has n terms; one that the vocabulary lacks is charged
ln(1,114,112). This file knows no training.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from elman_models.artifact import Model
from elman_models.execution import Advance, Execution, Start
from elman_models.network import Network, Window
from elman_models.reference import Reference
from elman_models.state import State
from elman_models.tables import UNKNOWN_NATS
from elman_models.vocabulary import Vocabulary

WINDOW = 256
MOST_ROWS = 64
CHUNK = 1024
"""Characters by which a row moves in one call, so that memory does not grow with the text."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What the artifact is worth on some documents."""

    nats_per_character_streaming: float
    nats_per_character_windows: float
    characters: int
    unknown_characters: int

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` takes; bits are nats / ln 2."""
        return {
            "nats_per_character_streaming": self.nats_per_character_streaming,
            "nats_per_character_windows": self.nats_per_character_windows,
            "bits_per_character_streaming": self.nats_per_character_streaming / math.log(2),
            "bits_per_character_windows": self.nats_per_character_windows / math.log(2),
            "characters": self.characters,
            "unknown_characters": self.unknown_characters,
        }


def evaluate(model: Model, documents: Sequence[str], device: str = "cpu", execution: Execution | None = None) -> Quality:
    """The quality of an artifact. An execution that is handed in has at least `MOST_ROWS` rows, or one for each document."""
    characters = sum(map(len, documents))
    if not characters:
        raise ValueError("nothing to measure: the text is empty")
    windows = [document[start : start + WINDOW] for document in documents for start in range(0, len(document), WINDOW)]
    most_rows = min(MOST_ROWS, len(windows))
    rows = execution or Reference(model, most_rows, device)
    unknown = sum(int((model.vocabulary.encode(document) == model.vocabulary.unknown).sum()) for document in documents)
    return Quality(
        nats_per_character_streaming=nats(model, rows, documents, most_rows) / characters,
        nats_per_character_windows=nats(model, rows, windows, most_rows) / characters,
        characters=characters,
        unknown_characters=unknown,
    )


def nats(model: Model, execution: Execution, texts: Sequence[str], rows: int) -> float:
    """The sum over all characters of texts that each start in the initial state, `rows` of them at a time."""
    longest_first = sorted(filter(None, texts), key=len, reverse=True)
    total = 0.0
    for start in range(0, len(longest_first), rows):
        total += _batch_nats(model, execution, longest_first[start : start + rows])
    return total


def _batch_nats(model: Model, execution: Execution, texts: Sequence[str]) -> float:
    beginning = Start(State.initial(model), is_accounted=True)
    encoded = [model.vocabulary.encode(text) for text in texts]
    total = 0.0
    for row in range(len(texts)):
        execution.load(row, beginning)
    for start in range(0, len(encoded[0]), CHUNK):
        pieces = [piece for text in encoded if len(piece := text[start : start + CHUNK])]
        outcome = execution.run([Advance(row, scored=piece) for row, piece in enumerate(pieces)])
        total -= sum(float(outcome.account(row).log_probabilities.sum()) for row in range(len(pieces)))
    return total


def float_nats_per_character(network: Network, vocabulary: Vocabulary, documents: Sequence[str]) -> float:
    """Streaming, for the float network: documents side by side, each from its initial state."""
    texts = sorted(filter(None, documents), key=len, reverse=True)
    total = 0.0
    for start in range(0, len(texts), MOST_ROWS):
        total += _float_batch_nats(network, vocabulary, texts[start : start + MOST_ROWS])
    return total / sum(map(len, texts))


@torch.no_grad()
def _float_batch_nats(network: Network, vocabulary: Vocabulary, texts: Sequence[str]) -> float:
    device = network.output.device
    states = network.zero_states(len(texts), device)
    total = 0.0
    for characters, targets, counted in _float_chunks(vocabulary, texts):
        window = Window(characters.to(device), targets.to(device), {})
        logits, states = network(window, states, [None] * len(states), torch.float32)
        known = counted & (targets < len(vocabulary))
        losses = cross_entropy(logits[known.to(device)].double(), targets[known].to(device), reduction="sum")
        total += float(losses) + UNKNOWN_NATS * int((counted & (targets == vocabulary.unknown)).sum())
    return total


def _float_chunks(vocabulary: Vocabulary, texts: Sequence[str]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Inputs, targets and which targets count, (steps, rows) each; a text is led by the line end of the initial state."""
    length = max(map(len, texts)) + 1
    padded = torch.zeros(length, len(texts), dtype=torch.int64)
    for row, text in enumerate(texts):
        padded[: len(text) + 1, row] = torch.tensor(vocabulary.encode("\n" + text), dtype=torch.int64)
    ends = torch.tensor([len(text) for text in texts])
    for start in range(0, length - 1, CHUNK):
        inputs, targets = padded[start : start + CHUNK], padded[start + 1 : start + CHUNK + 1]
        counted = torch.arange(start, start + len(targets))[:, None] < ends
        yield inputs[: len(targets)], targets, counted
