"""The curve of a run as a picture. Needs matplotlib; measures nothing."""

import math
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from elman_models.plots.sheet import picture
from elman_models.training.curve import Point

INCHES = (7.5, 4.6)
TRAINING, HELD_OUT = "#b9c4d0", "#1f5fae"


def draw(points: Sequence[Point], characters_per_step: int, path: Path) -> None:
    """Nats a character of the training and of the held-out text by characters read. Raises OSError."""
    with picture(path, 1, INCHES) as (_, (axis,)):
        for name, line, colour in lines(points, characters_per_step):
            axis.plot(*zip(*line, strict=True), label=name, color=colour, marker="o", markersize=3)
        axis.set(xlabel="characters read", ylabel="nats a character (less is better)", xlim=(0, None))
        axis.xaxis.set_major_formatter(import_module("matplotlib.ticker").StrMethodFormatter("{x:,.0f}"))
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)  # off the curves


def lines(points: Sequence[Point], characters_per_step: int) -> list[tuple[str, list[tuple[int, float]], str]]:
    """Name, (characters read, nats) and colour of each line; the held-out text has one where it was measured."""
    training = [(point.step * characters_per_step, point.training) for point in points]
    held_out = [(point.step * characters_per_step, point.held_out) for point in points if not math.isnan(point.held_out)]
    named = [("training text", training, TRAINING), (held_out_label(points), held_out, HELD_OUT)]
    return [(name, line, colour) for name, line, colour in named if line]


def held_out_label(points: Sequence[Point]) -> str:
    """The line's name and the lowest of it."""
    costs = [point.held_out for point in points if not math.isnan(point.held_out)]
    return f"held-out text, {min(costs):.4f} at its best" if costs else ""
