"""How well a float network predicts a text, in nats a character: what its artifact is compared with. Knows no artifact."""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from elman_models.law.tables import UNKNOWN_NATS
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.cost import CHUNK, MOST_ROWS, Costs, costs
from elman_models.measure.predictor import Indices
from elman_models.training.export import read_network
from elman_models.training.network import Network, Window

MOST_LOGITS = 1 << 24
"""How many are held at once: fewer steps are read in one go where there are thousands of characters."""


def checkpoint_costs(checkpoint: Path, documents: Sequence[str]) -> Costs:
    """What a character costs the float network of a checkpoint. Raises CheckpointError."""
    network, vocabulary, *_ = read_network(checkpoint)
    texts = [vocabulary.encode(document) for document in documents]
    streaming = float_nats(network, vocabulary, texts) / sum(map(len, texts))
    return costs(streaming, partial(float_nats, network, vocabulary), texts)


def float_nats_per_character(network: Network, vocabulary: Vocabulary, documents: Sequence[str]) -> float:
    """Streaming: documents side by side, each from its initial state."""
    texts = [vocabulary.encode(document) for document in documents]
    return float_nats(network, vocabulary, texts) / sum(map(len, texts))


def float_nats(network: Network, vocabulary: Vocabulary, texts: Sequence[Indices]) -> float:
    """The sum over all characters of texts that each start in the initial state."""
    longest_first = sorted(filter(len, texts), key=len, reverse=True)
    total = 0.0
    for start in range(0, len(longest_first), MOST_ROWS):
        total += _batch_nats(network, vocabulary, longest_first[start : start + MOST_ROWS])
    return total


@torch.no_grad()
def _batch_nats(network: Network, vocabulary: Vocabulary, texts: Sequence[Indices]) -> float:
    device = network.output.device
    states = network.zero_states(len(texts), device)
    total = 0.0
    steps = max(1, min(CHUNK, MOST_LOGITS // (len(texts) * len(vocabulary))))
    for characters, targets, is_target in _chunks(vocabulary.encode("\n"), texts, steps):
        window = Window(characters.to(device), targets.to(device), {})
        logits, states = network(window, states, [None] * len(states), torch.float32)
        known = is_target & (targets < len(vocabulary))
        losses = cross_entropy(logits[known.to(device)].double(), targets[known].to(device), reduction="sum")
        total += float(losses) + UNKNOWN_NATS * int((is_target & (targets == vocabulary.unknown)).sum())
    return total


def _chunks(line_end: Indices, texts: Sequence[Indices], steps: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Inputs, targets and which of these are a text's own, (steps, rows) each; the initial state's line end leads a text."""
    length = max(map(len, texts)) + 1
    padded = torch.zeros(length, len(texts), dtype=torch.int64)
    for row, text in enumerate(texts):
        padded[: len(text) + 1, row] = torch.from_numpy(np.append(line_end, text).astype(np.int64))
    ends = torch.tensor([len(text) for text in texts])
    for start in range(0, length - 1, steps):
        inputs, targets = padded[start : start + steps], padded[start + 1 : start + steps + 1]
        is_target = torch.arange(start, start + len(targets))[:, None] < ends
        yield inputs[: len(targets)], targets, is_target
