"""What a user would write without elman: nn.RNN, nn.Linear, softmax and torch.multinomial, one character at a time.

It is the yardstick of the benchmarks, kept as a tutorial would have it. It knows nothing of elman.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot


class CharacterRnn(nn.Module):
    """An Elman network over one-hot characters, as torch ships it."""

    def __init__(self, characters: int, layers: int, size: int) -> None:
        super().__init__()
        self.characters = characters
        self.rnn = nn.RNN(characters, size, layers, nonlinearity="tanh", batch_first=True)
        self.output = nn.Linear(size, characters)

    def forward(self, text: Tensor, hidden: Tensor | None) -> tuple[Tensor, Tensor]:
        """Characters (rows, steps) and hidden (layers, rows, size) -> logits of the last step (rows, characters), hidden."""
        x = one_hot(text, self.characters).to(torch.float32)
        y, last = self.rnn(x, hidden)
        return self.output(y[:, -1]), last


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
