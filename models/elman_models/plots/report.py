"""A report as a picture: what a character costs, what the typist saves, and calibration. Needs matplotlib; measures nothing."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from elman_models.measure.report import FLOAT_NETWORK, Evaluation, Figures
from elman_models.plots.sheet import picture

INCHES = (15.0, 4.8)
OWN, PLAIN, OTHER, LIMIT = "#1f5fae", "#7fa8d6", "#b9c4d0", "#8a8a8a"
LINES = {"Kneser-Ney 6": "#d9822b", "PPM-D 6 adapting": "#3a8f5c"}
"""Whose calibration is drawn beside the model's; all of them would hide each other."""


def draw(report: Evaluation, path: Path) -> None:
    """Write the picture. Raises OSError."""
    rows = [report.artifact, report.without_recall, *report.baselines]
    streaming = {row.name: row.costs.streaming for row in rows}
    if report.float_costs:
        streaming[FLOAT_NETWORK] = report.float_costs.streaming
    with picture(path, 3, INCHES, width_ratios=(1.1, 1.1, 1)) as (figure, axes):
        draw_bars(axes[0], streaming, "{:.3f}")
        axes[0].set(title="What a character costs, streaming", xlabel="nats a character (less is better)")
        draw_bars(axes[1], {row.name: row.keystrokes.saved for row in rows}, "{:.1%}")
        axes[1].set(title="What a typist saves", xlabel="keystrokes saved (more is better)")
        axes[1].xaxis.set_major_formatter(import_module("matplotlib.ticker").PercentFormatter(1.0))
        draw_calibration(axes[2], rows)
        figure.suptitle(title(report))


def title(report: Evaluation) -> str:
    """What was measured, and how the typist was shown ghost text."""
    return (
        f"{report.characters:,} characters; ghost text of at most {report.habits.max_characters},"
        f" probability at least {report.confidence:.3g}; model {report.digest[:16]}"
    )


def draw_bars(axis: Any, bar_of: Mapping[str, float], form: str) -> None:
    """A bar for each predictor by its name, the model's, which is the first, on top."""
    names, values = list(bar_of), list(bar_of.values())
    bars = axis.barh(names, values, color=[OWN, *[OTHER] * (len(names) - 1)])
    axis.bar_label(bars, [form.format(value) for value in values], padding=3, fontsize="small")
    axis.invert_yaxis()
    axis.set_xlim(0, 1.15 * max(values) or 1)
    axis.grid(axis="x", alpha=0.3)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def draw_calibration(axis: Any, rows: Sequence[Figures]) -> None:
    """How often the most probable character came, against its probability; the first two rows are the model's."""
    axis.plot([0, 1], [0, 1], linestyle="--", color=LIMIT, label="as often as predicted")
    colours = {rows[0].name: OWN, rows[1].name: PLAIN} | LINES
    for row in rows:
        if row.name in colours:
            line = [(each.predicted, each.observed) for each in row.calibration.bins]
            label = f"{row.name}: error {row.calibration.expected_error:.2%}"
            axis.plot(*zip(*line, strict=True), marker="o", markersize=4, label=label, color=colours[row.name])
    axis.set(title="Calibration", xlabel="predicted probability of the most probable character", ylabel="how often it came")
    axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False)  # off the curves
