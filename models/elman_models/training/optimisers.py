"""What moves the weights, and how fast: Muon for the layers' matrices, AdamW for the rest, a warm-up and half a cosine.

Muon is momentum whose directions all count alike (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/).

    m <- mu m + (1 - mu) g        u = (1 - mu) g + mu m        W <- W - rate sqrt(max(1, rows / columns)) orthogonal(u)

torch has a Muon of its own, which always computes in bfloat16: a processor without instructions for it takes a hundred times as
long. This one computes in the precision that the run has. This file knows no text.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from elman_models.training.network import Network
from elman_models.training.recipe import Recipe, required

BETAS = (0.9, 0.99)
MOMENTUM = 0.95
ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of Jordan's quintic: steep at nothing, so that five iterations bring every singular value to between 0.7 and 1.2."""


def optimisers_of(network: Network, recipe: Recipe, precision: torch.dtype) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, AdamW for the rest. Matrices decay; biases and what stands for a character do not."""
    layers = [weight for weight in (*network.recurrences, *network.inputs) if weight.numel()]
    plain: list[dict[str, Any]] = [
        {"params": [network.output, *([] if recipe.matrix_rate else layers)], "weight_decay": recipe.weight_decay},
        {"params": [*network.biases, network.output_bias], "weight_decay": 0.0},
    ]
    rate = required(recipe.learning_rate)
    optimisers: list[torch.optim.Optimizer] = [torch.optim.AdamW(plain, rate, betas=BETAS, fused=True)]
    if recipe.matrix_rate:
        optimisers.append(Muon(layers, recipe.matrix_rate, MOMENTUM, recipe.weight_decay, precision))
    for group in (group for optimiser in optimisers for group in optimiser.param_groups):
        group["peak"] = group["lr"]
    return optimisers


def set_rates(optimisers: Sequence[torch.optim.Optimizer], share: float) -> None:
    """Give every weight this share of its peak learning rate."""
    for group in (group for optimiser in optimisers for group in optimiser.param_groups):
        group["lr"] = share * group["peak"]


def schedule(recipe: Recipe, step: int, steps: int) -> float:
    """The share of the learning rates' peaks: a rise over the warm-up, and half a cosine down to nothing."""
    rise = min(1.0, (step + 1) / max(1, min(recipe.warmup, steps // 5)))
    return rise * 0.5 * (1 + math.cos(math.pi * step / steps))


class Muon(torch.optim.Optimizer):
    """For matrices alone. `weight_decay` is decoupled, as AdamW's."""

    def __init__(
        self, matrices: Iterable[Tensor], lr: float, momentum: float, weight_decay: float, precision: torch.dtype
    ) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._precision = precision

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # there is no closure
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._update(matrix, matrix.grad, group)

    def _update(self, matrix: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[matrix]
        if not state:
            state["momentum"] = torch.zeros_like(matrix)
        momentum = state["momentum"].lerp_(gradient, 1 - group["momentum"])
        direction = orthogonal(gradient.lerp(momentum, group["momentum"]), self._precision)
        rate = group["lr"] * max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
        matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(direction, alpha=-rate)


def orthogonal(matrix: Tensor, precision: torch.dtype) -> Tensor:
    """About U V^T of a matrix U S V^T, by a Newton-Schulz iteration in `precision`; float32."""
    first, second, third = COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.t() if is_tall else matrix).to(precision)
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.t()
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=second, alpha=third), x, beta=first)
    return (x.t() if is_tall else x).float()
