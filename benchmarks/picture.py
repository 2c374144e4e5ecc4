"""Pictures for people: lines, a panel for each question. Needs matplotlib, of the dependency group `benchmarks`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from math import ceil, floor, log10
from pathlib import Path
from typing import Any, TypeAlias

Line: TypeAlias = Sequence[tuple[float, float]]

MOST_COLUMNS = 3
INCHES = (5.2, 4.0)  # of a panel
DOTS_PER_INCH = 110
HINT = "--plot needs matplotlib; install it with: make bench-setup"


@dataclass(frozen=True, slots=True)
class Panel:
    """A named line for each contestant over the same axes; an axis is labelled with its unit, and logarithmic unless said."""

    title: str
    x: str
    y: str
    lines: Mapping[str, Line]
    is_linear: bool = False  # the vertical axis, which then begins at zero
    dashed: Sequence[str] = field(default_factory=tuple)  # lines that are limits, not contestants


def check_installed() -> None:
    """Raise SystemExit without matplotlib: before an hour of measuring, not after."""
    try:
        import_module("matplotlib")
    except ModuleNotFoundError:
        raise SystemExit(HINT) from None


def draw(title: str, panels: Sequence[Panel], path: Path) -> None:
    """Write a picture; the same name has the same colour in every panel, and one legend names all."""
    pyplot: Any = import_module("matplotlib.pyplot")
    columns = min(len(panels), MOST_COLUMNS)
    rows = ceil(len(panels) / columns)
    size = columns * INCHES[0], rows * INCHES[1] + 1
    figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    colours = {name: pyplot.get_cmap("tab20" if len(names) > 10 else "tab10")(place) for place, name in enumerate(names)}
    for panel, axis in zip(panels, axes.flat, strict=False):
        draw_panel(axis, panel, colours)
    for axis in list(axes.flat)[len(panels) :]:
        axis.set_visible(False)
    handles = {label: handle for axis in axes.flat for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.suptitle(title)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize="small", frameon=False)
    figure.savefig(path, dpi=DOTS_PER_INCH)
    pyplot.close(figure)


def draw_panel(axis: Any, panel: Panel, colours: Mapping[str, Any]) -> None:
    """One panel."""
    for name, line in panel.lines.items():
        style = {"linestyle": "--", "marker": ""} if name in panel.dashed else {"marker": "o", "markersize": 3.5}
        axis.plot(*zip(*line, strict=True), label=name, color=colours[name], **style)
    axis.set_xscale("log")
    places = sorted({x for line in panel.lines.values() for x, _ in line})
    axis.set_xticks(places, [f"{place:,.0f}" for place in places], minor=False)
    axis.minorticks_off()
    if panel.is_linear:
        axis.set_ylim(bottom=0)
    else:
        heights = [log10(y) for line in panel.lines.values() for _, y in line]
        axis.set_yscale("log")
        axis.set_ylim(10 ** floor(min(heights)), 10 ** ceil(max(heights)))
    axis.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
    axis.grid(alpha=0.3)
