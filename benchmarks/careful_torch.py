"""What an expert would write in torch without elman: float32 on the CPU, and nothing computed twice.

One-hot rows become a look-up, weights lie transposed and contiguous, every product adds to what is there, results go into
buffers made once, and the noise of all steps is drawn at a time: `argmax(logits / temperature + noise)` draws from the softmax
(the Gumbel trick). It knows nothing of elman.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false

import plain_loop
import torch
from torch import Tensor


class CarefulTorch:
    """The network of the plain loop, for a fixed number of rows that keep their hidden state from call to call."""

    def __init__(self, plain: plain_loop.CharacterRnn, rows: int) -> None:
        parameters = {name: value.detach() for name, value in plain.rnn.named_parameters()}
        layers = range(plain.rnn.num_layers)
        self._bias = [parameters[f"bias_ih_l{i}"] + parameters[f"bias_hh_l{i}"] for i in layers]
        self._embedding = parameters["weight_ih_l0"].T + self._bias[0]  # (characters, size)
        self._inputs = [parameters[f"weight_ih_l{i}"].T.contiguous() for i in layers]
        self._recurrent = [parameters[f"weight_hh_l{i}"].T.contiguous() for i in layers]
        self._output, self._output_bias = plain.output.weight.detach().T.contiguous(), plain.output.bias.detach()
        self._hidden = [torch.zeros(rows, plain.rnn.hidden_size) for _ in layers]
        self._spare = [torch.zeros_like(hidden) for hidden in self._hidden]
        self._text = torch.zeros(rows, dtype=torch.int64)

    @torch.inference_mode()
    def generate(self, steps: int, temperature: float = 0.8) -> Tensor:
        """Draw `steps` characters for every row, (steps, rows)."""
        shape = (steps, *self._text.shape, len(self._output_bias))
        noise = torch.empty(shape).exponential_().log_().neg_().add_(self._output_bias, alpha=1 / temperature)
        generated = torch.empty(shape[:2], dtype=torch.int64)
        for step in range(steps):
            top = self._advance()
            logits = torch.addmm(noise[step], top, self._output, alpha=1 / temperature, out=noise[step])
            self._text = torch.argmax(logits, 1, out=generated[step])
        return generated

    @torch.inference_mode()
    def read(self, text: Tensor) -> Tensor:
        """The last layer's hidden state after a text (steps), one row; each layer's inputs at all steps are one product."""
        below = self._embedding[text]
        for i, recurrent in enumerate(self._recurrent):
            if i:
                below = torch.addmm(self._bias[i], below, self._inputs[i])
            hidden = torch.zeros(1, below.shape[1])
            for step in range(len(text)):
                hidden = torch.addmm(below[step], hidden, recurrent, out=below[step : step + 1]).tanh_()
        return below[-1]

    def _advance(self) -> Tensor:
        """One step of every layer; returns the outputs of the last."""
        below = torch.index_select(self._embedding, 0, self._text)
        for i, hidden in enumerate(self._hidden):
            if i:
                below = torch.addmm(self._bias[i], below, self._inputs[i])
            torch.addmm(below, hidden, self._recurrent[i], out=self._spare[i]).tanh_()
            self._hidden[i], self._spare[i] = self._spare[i], hidden
            below = self._hidden[i]
        return below
