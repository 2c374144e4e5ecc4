"""How a run goes: what a character of the training text and of the held-out text costs, which weights were the best so far,
and whether to stop (Prechelt 1998, "Early stopping - but when?": the rule of n measurements without a better one).

All of it travels in the checkpoint, so that a resumed run stops where the uninterrupted one does. This file knows no optimiser.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

BEST = "best."


class Point(NamedTuple):
    """A measurement; both costs are in nats a character, `held_out` is NaN where nothing is held out."""

    step: int
    training: float  # the mean loss of the steps since the point before
    held_out: float


class Curve:
    """The points of a run, and the weights at the best of them.

    A `patience` of 0 is endless. It counts after step `settling`: while the learning rate is high, what is held out often gets
    dearer for a while, and cheaper than ever as the rate falls.
    """

    def __init__(self, every: int, patience: int, settling: int = 0) -> None:
        self.points: list[Point] = []
        self.best_weights: dict[str, Tensor] = {}
        self._every, self._patience, self._settling = every, patience, settling
        self._loss, self._losses = 0.0, 0

    @property
    def best(self) -> Point | None:
        """The first of the points with the lowest cost of the held-out text."""
        measured = [point for point in self.points if not math.isnan(point.held_out)]
        return min(measured, key=lambda point: point.held_out, default=None)

    @property
    def is_over(self) -> bool:
        """Whether the last `patience` measurements brought nothing better."""
        if not self._patience or (best := self.best) is None:
            return False
        return sum(point.step > max(best.step, self._settling) for point in self.points) >= self._patience

    def add(self, loss: float) -> None:
        """Take a step's training loss into the next point."""
        self._loss, self._losses = self._loss + loss, self._losses + 1

    def is_due(self, step: int, steps: int) -> bool:
        """Whether to measure after this step: every so often, and at the end."""
        return step % self._every == 0 or step == steps

    def record(self, step: int, held_out: float, network: nn.Module) -> None:
        """Add a point, and keep the weights if it is the best."""
        point = Point(step, self._loss / max(1, self._losses), held_out)
        self.points.append(point)
        self._loss, self._losses = 0.0, 0
        if self.best is point:
            self.best_weights = {name: weight.detach().clone() for name, weight in network.state_dict().items()}

    def tensors(self) -> dict[str, Tensor]:
        """The curve as tensors by name, for a checkpoint."""
        points = torch.tensor(self.points, dtype=torch.float64).reshape(-1, len(Point._fields))
        pending = torch.tensor([self._loss, self._losses], dtype=torch.float64)
        best = {f"{BEST}{name}": weight for name, weight in self.best_weights.items()}
        return {"curve.points": points, "curve.pending": pending, **best}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors` gave; a checkpoint from before there were curves has none."""
        if "curve.points" not in tensors:
            return
        self.points = [Point(int(step), *costs) for step, *costs in tensors["curve.points"].tolist()]
        self._loss, losses = tensors["curve.pending"].tolist()
        self._losses = int(losses)
        self.best_weights = {n.removeprefix(BEST): weight for n, weight in tensors.items() if n.startswith(BEST)}
