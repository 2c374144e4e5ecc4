"""An LSTM trained as our recipe trains an Elman network: the same windows, restarts, optimisers, schedule, number of weights.

torch's own nn.LSTM (Hochreiter and Schmidhuber 1997), in float32. It knows nothing of elman's network.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import math
import time

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from elman_models.law.tables import UNKNOWN_NATS
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.cost import WINDOW
from elman_models.training.batches import IGNORED, Batches
from elman_models.training.optimisers import BETAS, MOMENTUM, Muon, schedule
from elman_models.training.recipe import Recipe
from elman_models.training.run import random_network

LAYERS = 2
EMBEDDING = 64
State = tuple[Tensor, Tensor]  # (layers, rows, size) each


class CharacterLstm(nn.Module):
    """An LSTM over embedded characters; dropout between its layers and before the output."""

    def __init__(self, characters: int, size: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters + 1, EMBEDDING)
        self.lstm = nn.LSTM(EMBEDDING, size, LAYERS, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(size, characters)

    def forward(self, characters: Tensor, state: State) -> tuple[Tensor, State]:
        """(steps, rows) -> logits (steps, rows, characters), and the last state."""
        hidden, last = self.lstm(self.embedding(characters), state)
        return self.output(self.dropout(hidden)), last

    def start(self, rows: int) -> State:
        """Nothing read yet."""
        shape = (LAYERS, rows, self.lstm.hidden_size)
        return torch.zeros(shape), torch.zeros(shape)


def measure(training: str, held_out: str, recipe: Recipe) -> tuple[int, float, float, float]:
    """Weights, nats a character streaming and in windows, and seconds of training."""
    recipe = recipe.for_text(len(training))
    torch.set_num_threads(recipe.threads or 1)
    torch.manual_seed(recipe.seed)
    vocabulary = Vocabulary.of(training)
    network = CharacterLstm(len(vocabulary), size_for(recipe, vocabulary), recipe.dropout)
    start = time.monotonic()
    train(network, training, vocabulary, recipe)
    seconds = time.monotonic() - start
    windows = [held_out[first : first + WINDOW] for first in range(0, len(held_out), WINDOW)]
    return weights(network), nats(network, vocabulary, [held_out]), nats(network, vocabulary, windows), seconds


def size_for(recipe: Recipe, vocabulary: Vocabulary) -> int:
    """The largest size with no more weights than the recipe's Elman network."""
    elman = weights(random_network(recipe, vocabulary))
    return max(size for size in range(8, 4096) if weights_of(size, len(vocabulary)) <= elman)


def weights_of(size: int, characters: int) -> int:
    """Of a CharacterLstm."""
    first, second = 4 * size * (EMBEDDING + size + 2), 4 * size * (2 * size + 2)
    return (characters + 1) * EMBEDDING + first + second + (size + 1) * characters


def weights(network: nn.Module) -> int:
    """How many weights."""
    return sum(weight.numel() for weight in network.parameters())


def train(network: CharacterLstm, training: str, vocabulary: Vocabulary, recipe: Recipe) -> None:
    """All steps."""
    rows, window = recipe.batch_size or 1, recipe.window or 1
    batches = Batches([training], vocabulary, rows, window, recipe.seed, recipe.restarts)
    steps = batches.per_epoch * (recipe.epochs or 1)
    rates = (recipe.learning_rate or 0.0, recipe.matrix_rate or 0.0)
    matrices = [weight for name, weight in network.lstm.named_parameters() if "weight" in name]
    others = [*network.embedding.parameters(), *network.output.parameters()]
    others += [weight for name, weight in network.lstm.named_parameters() if "bias" in name]
    optimisers: list[tuple[torch.optim.Optimizer, float]] = [
        (torch.optim.AdamW(others, rates[0], betas=BETAS, weight_decay=0.0), rates[0]),
        (Muon(matrices, rates[1], MOMENTUM, recipe.weight_decay, torch.float32), rates[1]),
    ]
    state = network.start(rows)
    for step in range(steps):
        read = batches.window(step)
        state = network.start(rows) if batches.is_first(step) else (state[0].detach(), state[1].detach())
        if 0 in read.resets:
            state = (state[0] * read.resets[0], state[1] * read.resets[0])
        logits, state = network(read.characters, state)
        loss = cross_entropy(logits.flatten(0, 1), read.targets.flatten(), ignore_index=IGNORED)
        network.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        for optimiser, peak in optimisers:
            optimiser.param_groups[0]["lr"] = peak * schedule(recipe, step, steps)
            optimiser.step()
    network.eval()


@torch.no_grad()
def nats(network: CharacterLstm, vocabulary: Vocabulary, texts: list[str]) -> float:
    """A character, each text from the start; an unknown one is charged ln(1,114,112)."""
    total = 0.0
    longest = max(map(len, texts))
    same = [text for text in texts if len(text) == longest]
    for group in (same, *([text] for text in texts if len(text) < longest)):
        codes = torch.stack([torch.tensor(vocabulary.encode("\n" + text), dtype=torch.int64) for text in group], dim=1)
        logits = network(codes[:-1], network.start(len(group)))[0]
        targets = codes[1:]
        known = targets != vocabulary.unknown
        total += float(cross_entropy(logits[known].double(), targets[known], reduction="sum"))
        total += UNKNOWN_NATS * int((~known).sum())
    return total / math.fsum(map(len, texts))
