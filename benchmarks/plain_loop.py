"""What a user would write without elman: nn.RNN, nn.Linear, Adam; softmax and torch.multinomial, one character at a time.

It is the yardstick of the benchmarks, kept as a tutorial would have it. It knows nothing of elman.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

LEARNING_RATE = 2e-3
CLIP = 1.0


class CharacterRnn(nn.Module):
    """An Elman network over one-hot characters, as torch ships it."""

    def __init__(self, characters: int, layers: int, size: int) -> None:
        super().__init__()
        self.characters = characters
        self.rnn = nn.RNN(characters, size, layers, nonlinearity="tanh", batch_first=True)
        self.output = nn.Linear(size, characters)

    def forward(self, text: Tensor, hidden: Tensor | None) -> tuple[Tensor, Tensor]:
        """Characters (rows, steps) and hidden (layers, rows, size) -> logits of the last step (rows, characters), hidden."""
        y, last = self.read(text, hidden)
        return self.output(y[:, -1]), last

    def read(self, text: Tensor, hidden: Tensor | None) -> tuple[Tensor, Tensor]:
        """The same, but the top layer's outputs (rows, steps, size) in place of logits."""
        return self.rnn(one_hot(text, self.characters).to(torch.float32), hidden)

    def loss(self, text: Tensor, hidden: Tensor | None) -> tuple[Tensor, Tensor]:
        """Nats a character over a text (rows, steps + 1), the first being given; hidden."""
        y, last = self.read(text[:, :-1], hidden)
        return cross_entropy(self.output(y).flatten(0, 1), text[:, 1:].flatten()), last


def optimiser_of(model: CharacterRnn) -> torch.optim.Optimizer:
    """Adam."""
    return torch.optim.Adam(model.parameters(), LEARNING_RATE)


def train_step(model: CharacterRnn, optimiser: torch.optim.Optimizer, text: Tensor, hidden: Tensor | None) -> Tensor:
    """One step on a text (rows, steps + 1); hidden, for the text that follows."""
    loss, last = model.loss(text, hidden)
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimiser.step()
    return last.detach()


def train(model: CharacterRnn, text: Tensor, rows: int, window: int, epochs: int) -> Iterator[int]:
    """Epochs over a text (characters,), cut into rows whose hidden states carry on; yields each epoch that is done."""
    optimiser = optimiser_of(model)
    columns = (len(text) - 1) // rows // window * window
    inputs = torch.stack([text[row * columns : (row + 1) * columns + 1] for row in range(rows)])
    for epoch in range(epochs):
        hidden = None
        for start in range(0, columns, window):
            hidden = train_step(model, optimiser, inputs[:, start : start + window + 1], hidden)
        yield epoch + 1


@torch.inference_mode()
def prefill(model: CharacterRnn, text: Tensor) -> Tensor:
    """The hidden state after a text (rows, steps), in one forward over the whole sequence."""
    return model(text, None)[1]


@torch.inference_mode()
def generate(model: CharacterRnn, text: Tensor, steps: int, temperature: float = 0.8) -> Tensor:
    """Continue a text (rows, 1 or more); returns the new characters, (rows, steps)."""
    generated: list[Tensor] = []
    hidden = None
    for _ in range(steps):
        logits, hidden = model(text, hidden)
        probabilities = torch.softmax(logits / temperature, dim=1)
        text = torch.multinomial(probabilities, num_samples=1)
        generated.append(text)
    return torch.cat(generated, dim=1)
