"""The Elman network in floating point, for training alone: exact tanh recurrence over a window, fast on a few CPU cores.

    x_t = [h_i,t for i in inputs] ++ h_t-1        h_t = tanh(W x_t + bias[character])        y_t = softmax(V [h_t ...] + c)

(Elman 1990.) A window is worked through layer by layer: what a layer gets from the character and from the layers below is
one product for all steps; only its own recurrence is a loop; the weights' gradients are one product each after the loop.
Weights are float32; products may run in bfloat16 where the processor has instructions for them. This file knows nothing of
texts, optimisers or artifacts.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from elman_models.law.structure import Structure

Resets = Mapping[int, Tensor]
"""Where documents begin within a window: step -> (rows, 1), 0 for the rows whose past ends there, otherwise 1."""


FEW_PRODUCTS = 1 << 20
"""A step of fewer takes longer in bfloat16 than in float32: oneDNN needs 20 us to begin, and tanh is slower."""


@dataclass(frozen=True, slots=True)
class Window:
    """What one training step sees: the characters of `rows` texts over `steps`, time first."""

    characters: Tensor  # (steps, rows) int64, UNK is the last index
    targets: Tensor  # (steps, rows) int64, -100 where the next character has no output
    resets: Resets

    def to(self, device: torch.device) -> "Window":
        """The window on the network's device."""
        if device.type == "cpu":
            return self
        resets = {step: keep.to(device) for step, keep in self.resets.items()}
        return Window(self.characters.to(device), self.targets.to(device), resets)


class Network(nn.Module):
    """The network of a structure over a vocabulary of `characters` (UNK not counted)."""

    def __init__(self, structure: Structure, characters: int, generator: torch.Generator) -> None:
        super().__init__()
        self.structure = structure
        self.recurrences = nn.ParameterList()
        self.inputs = nn.ParameterList()  # of each layer, (size, width of the layers it reads)
        self.biases = nn.ParameterList()  # of each layer, (characters + 1, size) or (1, size)
        for index, layer in enumerate(structure.layers):
            width = structure.layer_width(index) - layer.size
            self.recurrences.append(_orthogonal(layer.size, generator))
            self.inputs.append(_uniform((layer.size, width), max(width, 1), generator))
            rows = characters + 1 if layer.reads_character else 1
            self.biases.append(_uniform((rows, layer.size), layer.size, generator))
        self.output = _uniform((characters, structure.output_width), structure.output_width, generator)
        self.output_bias = nn.Parameter(torch.zeros(characters))

    def forward(
        self, window: Window, states: Sequence[Tensor], masks: Sequence[Tensor | None], precision: torch.dtype
    ) -> tuple[Tensor, list[Tensor]]:
        """The logits (steps, rows, characters) of a window, float32, and each layer's last output (rows, size).

        `masks` holds a layer's dropout (rows, size), the same for all steps of the window, for those who read it; its own
        recurrence is never dropped.
        """
        outputs: list[Tensor] = []
        last: list[Tensor] = []
        for index, state in enumerate(states):
            drive = self._drive(index, window.characters, outputs, precision)
            hidden = recur(drive, self.recurrences[index], state, window.resets)
            last.append(hidden[-1].detach())
            mask = masks[index]
            outputs.append(hidden if mask is None else hidden * mask.to(precision))
        return self._logits(outputs, precision), last

    def _drive(self, index: int, characters: Tensor, outputs: list[Tensor], precision: torch.dtype) -> Tensor:
        layer = self.structure.layers[index]
        bias = self.biases[index]
        drive = nn.functional.embedding(characters if layer.reads_character else torch.zeros_like(characters), bias)
        drive = drive.to(precision)
        sizes = [self.structure.layers[i].size for i in layer.inputs]
        for i, weight in zip(layer.inputs, self.inputs[index].to(precision).split(sizes, dim=1), strict=True):
            drive = drive + outputs[i] @ weight.t()
        return drive

    def _logits(self, outputs: list[Tensor], precision: torch.dtype) -> Tensor:
        inputs = self.structure.output_inputs
        sizes = [self.structure.layers[i].size for i in inputs]
        logits = self.output_bias
        for i, weight in zip(inputs, self.output.to(precision).split(sizes, dim=1), strict=True):
            logits = logits + (outputs[i] @ weight.t()).float()
        return logits

    def zero_states(self, rows: int, device: torch.device | None = None) -> list[Tensor]:
        """The states of rows that have read nothing: zeros, (rows, size) for each layer."""
        return [torch.zeros(rows, layer.size, device=device) for layer in self.structure.layers]


def recur(drive: Tensor, weight: Tensor, state: Tensor, resets: Resets) -> Tensor:
    """h_t = tanh(drive_t + W h_t-1) for all steps of `drive` (steps, rows, size), from `state` (rows, size)."""
    precision = drive.dtype
    if drive.is_cuda:
        return recur_in_one_call(drive, weight.to(precision), state.to(precision), resets)
    is_small = drive.shape[1] * weight.numel() < FEW_PRODUCTS
    inner = torch.float32 if is_small and precision == torch.bfloat16 else precision
    hidden = cast("Tensor", _Recurrence.apply(drive.to(inner), weight.to(inner), state.to(inner), resets))
    return hidden.to(precision)


def recur_in_one_call(drive: Tensor, weight: Tensor, state: Tensor, resets: Resets) -> Tensor:
    """As `recur`, by torch's own recurrence, which is cuDNN's on a GPU: a call from one document's start to the next."""
    size = weight.shape[0]
    identity = torch.eye(size, dtype=weight.dtype, device=weight.device)
    flat = torch.cat([identity.flatten(), weight.flatten()])  # in one piece, as cuDNN wants its weights
    weights = [part.view(size, size) for part in flat.split(size * size)]
    starts = sorted({0, *resets})
    outputs: list[Tensor] = []
    for start, end in zip(starts, [*starts[1:], len(drive)], strict=True):
        state = state * resets[start].to(state.dtype) if start in resets else state
        hidden, last = torch.rnn_tanh(drive[start:end], state.unsqueeze(0), weights, False, 1, 0.0, True, False, False)
        state = last.squeeze(0)
        outputs.append(hidden)
    return torch.cat(outputs)


class _Recurrence(torch.autograd.Function):
    """The loop over time, forwards and backwards, without a graph node a step."""

    @staticmethod
    def forward(ctx: Any, drive: Tensor, weight: Tensor, state: Tensor, resets: Resets) -> Tensor:
        steps, rows, size = drive.shape
        history = drive.new_empty(steps + 1, rows, size)  # history[t] is what step t reads, history[t + 1] what it writes
        history[0] = state
        transposed = weight.t()
        for step in range(steps):
            previous, present = history[step], history[step + 1]
            if step in resets:
                previous = previous * resets[step].to(previous.dtype)
            squash(torch.addmm(drive[step], previous, transposed, out=present))
        ctx.save_for_backward(weight, history)
        ctx.resets = resets
        return history[1:]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        weight, history = cast("tuple[Tensor, Tensor]", ctx.saved_tensors)
        resets = cast("Resets", ctx.resets)
        size = weight.shape[0]
        delta = _through_time(gradients[0].contiguous(), weight, history[1:], resets)
        before = history[:-1].clone() if resets else history[:-1]
        for step, keep in resets.items():
            before[step] *= keep.to(before.dtype)
        return delta, delta.view(-1, size).t() @ before.view(-1, size), None, None


def squash(argument: Tensor) -> None:
    """tanh, in place. torch's own of bfloat16 takes longer than a float32 one and both conversions."""
    if argument.dtype == torch.bfloat16:
        argument.copy_(argument.float().tanh_())
    else:
        argument.tanh_()


def _through_time(gradient: Tensor, weight: Tensor, hidden: Tensor, resets: Resets) -> Tensor:
    """The loss's derivative by each step's argument of tanh, last step first."""
    delta = torch.empty_like(gradient)
    for step in reversed(range(len(gradient))):
        present = delta[step]
        if step + 1 == len(gradient):
            present.copy_(gradient[step])
        else:
            later = delta[step + 1]
            later = later * resets[step + 1].to(later.dtype) if step + 1 in resets else later
            torch.addmm(gradient[step], later, weight, out=present)
        torch.ops.aten.tanh_backward.grad_input(present, hidden[step], grad_input=present)
    return delta


def _orthogonal(size: int, generator: torch.Generator) -> nn.Parameter:
    """A rotation: at the start the recurrence neither forgets nor explodes (Saxe et al. 2014)."""
    q, r = torch.linalg.qr(torch.randn(size, size, generator=generator))
    return nn.Parameter((q * r.diagonal().sign()).contiguous())  # row by row, as a checkpoint brings it back


def _uniform(shape: tuple[int, int], width: int, generator: torch.Generator) -> nn.Parameter:
    bound = width**-0.5
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))
