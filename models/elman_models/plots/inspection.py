"""What `elman inspect` finds, as pictures: units over a text, gradients by steps back, characters on a plane, what is recalled.
Needs matplotlib; measures nothing.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman_models.inspection.gradients import Memory
from elman_models.inspection.recall import LengthClass, RecalledText
from elman_models.plots.sheet import picture

LEAST_COLUMNS, COLUMNS, MOST_LINES = 40, 72, 24
LEAST_GRADIENT = 1e-12  # below it nothing is learnt, and what is above would look flat
COLOURS = "RdBu_r"
CLASSES = {"#1f5fae": str.islower, "#c8502d": str.isupper, "#3a8f5c": str.isdigit, "#7a4fa0": str.isspace}
OTHER = "#777777"
RIGHT, WRONG = "#2166ac", "#b2182b"
LETTER = {"ha": "center", "va": "center", "fontsize": 15, "weight": "bold", "parse_math": False}


def draw_units(text: str, named: Sequence[tuple[str, NDArray[np.float64]]], path: Path) -> None:
    """The beginning of the text, once for each unit: a cell a character, coloured by the value after it, -1 to 1."""
    cells = cells_of(text)
    height, width = (1 + max(places) for places in zip(*cells, strict=True))
    inches = 2.0 + 0.13 * max(width, LEAST_COLUMNS), 0.5 + len(named) * (0.45 + 0.19 * height)
    with picture(path, 1, inches, rows=len(named)) as (figure, axes):
        image = None
        for axis, (title, values) in zip(axes, named, strict=True):
            image = draw_cells(axis, text, cells, values)
            axis.set_title(title, loc="left", fontsize="medium")
        figure.colorbar(image, ax=axes, label="value of the unit after the character", aspect=40, pad=0.01)


def draw_cells(axis: Any, text: str, cells: Sequence[tuple[int, int]], values: NDArray[np.float64]) -> Any:
    """One unit's heat map with the characters in it."""
    grid = np.full([1 + max(places) for places in zip(*cells, strict=True)], np.nan)
    for (row, column), value in zip(cells, values, strict=False):
        grid[row, column] = value
    image = axis.imshow(grid, cmap=COLOURS, vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    for (row, column), character, value in zip(cells, text, values, strict=False):
        shown, ink = shown_in_a_cell(character), "white" if abs(value) > 0.6 else "black"
        axis.text(column, row, shown, ha="center", va="center", color=ink, family="monospace", fontsize=8, parse_math=False)
    axis.set_axis_off()
    return image


def cells_of(text: str) -> list[tuple[int, int]]:
    """Row and column of each character that there is room for; a line end takes a cell, a long line goes on below."""
    cells: list[tuple[int, int]] = []
    row = column = 0
    for character in text:
        if row == MOST_LINES:
            break
        cells.append((row, column))
        column += 1
        if character == "\n" or column == COLUMNS:
            row, column = row + 1, 0
    return cells


def shown_in_a_cell(character: str) -> str:
    """The character, or what stands for it if it cannot be seen."""
    return {"\n": "⏎", "\t": "→", " ": ""}.get(character, character if character.isprintable() else "·")


def draw_memory(found: Memory, path: Path) -> None:
    """Gradients by steps back, of each layer and of all; the size of the states by position."""
    with picture(path, 3, (16.0, 4.8)) as (figure, axes):
        draw_layers(axes[0], found.mean_norms, [f"{each:.3f}" for each in found.growth_a_step])
        axes[0].set(title="Gradient by layer, mean over positions", yscale="log", ylabel="|dL(t) / dh(t - k)|")
        axes[0].set_ylim(bottom=max(LEAST_GRADIENT, axes[0].get_ylim()[0]))
        draw_total(axes[1], found.total_norms)
        draw_sizes(axes[2], found.state_sizes)
        for axis in axes[:2]:
            axis.set_xlabel("steps back, k")
        figure.suptitle(f"{found.positions} positions, {found.steps} steps back; model {found.digest[:16]}")


def draw_layers(axis: Any, lines: Sequence[Sequence[float]], notes: Sequence[str] | None) -> None:
    """A line for each layer, the lowest the darkest."""
    colours: Any = import_module("matplotlib").colormaps["viridis"]
    for index, line in enumerate(lines):
        label = f"layer {index}" + (f": x {notes[index]} a step" if notes else "")
        axis.plot(line, color=colours(0.9 * index / max(1, len(lines) - 1)), label=label, linewidth=1.2)
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small", frameon=False)


def draw_total(axis: Any, percentiles: Mapping[int, Sequence[float]]) -> None:
    """The middle and the spread over positions of all layers together."""
    low, middle, high = (percentiles[share] for share in (10, 50, 90))
    axis.fill_between(range(len(middle)), low, high, alpha=0.25, label="from 10% to 90% of positions")
    axis.plot(middle, label="median position")
    axis.set(title="Gradient of all layers, by position", yscale="log", ylabel="|dL(t) / dh(t - k)|")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small", frameon=False)


def draw_sizes(axis: Any, sizes: Sequence[Sequence[float]]) -> None:
    """The size of each layer's output by position, smooth enough to be seen."""
    width = min(len(sizes[0]), max(32, len(sizes[0]) // 100))
    draw_layers(axis, [np.convolve(each, np.full(width, 1 / width), "valid").tolist() for each in sizes], None)
    axis.set(title=f"Size of the state, mean of {width}", xlabel="position in the text", ylim=(0, 1))
    axis.set_ylabel("root mean square of a layer's outputs")


def draw_characters(planes: Sequence[tuple[str, NDArray[np.float64], float]], characters: str, path: Path) -> None:
    """Each plane with its title and the share of the variance that it shows; colours tell the kinds of characters apart."""
    with picture(path, len(planes), (8.0 * len(planes), 7.2)) as (_, axes):
        for axis, (title, places, seen) in zip(axes, planes, strict=True):
            axis.scatter(*places.T, s=0)
            for character, (x, y) in zip(characters, places, strict=True):
                shown = shown_in_a_cell(character) or "␣"
                axis.text(x, y, shown, color=colour(character), **LETTER)
            axis.set_title(f"{title}: {seen:.0%} of the variance")
            axis.grid(alpha=0.3)
            axis.margins(0.06)


def draw_recall(text: str, found: RecalledText, path: Path) -> None:
    """The beginning of the text: blue where the recalled character came, red where another did; and both by length."""
    cells = cells_of(text)
    height, width = (1 + max(places) for places in zip(*cells, strict=True))
    text_inches, inches = 0.6 + 0.19 * height, 2.0 + 0.13 * max(width, LEAST_COLUMNS)
    with picture(path, 1, (inches, text_inches + 3.0), rows=2, height_ratios=[text_inches, 3.0]) as (figure, axes):
        image = draw_cells(axes[0], text, cells, np.array([place.tint for place in found.places]))
        title = (
            f"Something is recalled before {found.recalled_share:.0%} of characters, right {found.right_share:.0%} of the time"
        )
        axes[0].set_title(title, loc="left", fontsize="medium")
        bar = figure.colorbar(image, ax=axes[0], ticks=[-1, 0, 1], aspect=20, pad=0.01)
        bar.ax.set_yticklabels(["right, long", "nothing", "wrong, long"])
        draw_lengths(axes[1], found.by_length)


def draw_lengths(axis: Any, classes: Sequence[LengthClass]) -> None:
    """How often recall was at work with runs of each length, how often it was right, and how much it weighed."""
    places = np.arange(len(classes))
    axis.bar(places, [each.right for each in classes], color=RIGHT, label="right")
    bottoms, wrong = [each.right for each in classes], [each.places - each.right for each in classes]
    axis.bar(places, wrong, bottom=bottoms, color=WRONG, label="wrong")
    axis.set_xticks(places, [f"{each.shortest}{'+' if each.longest is None else ''}" for each in classes])
    axis.set(xlabel="length L of the run that was found again, from", ylabel="places")
    weight = axis.twinx()
    means = [each.mean_probability for each in classes]
    weight.plot(places, means, color="black", marker=".", label="mean lambda (right scale)")
    weight.set_ylim(0, 1)
    handles = [part for shown in (axis, weight) for part in shown.get_legend_handles_labels()[0]]
    axis.legend(handles=handles, fontsize="small", frameon=False, loc="upper center")


def colour(character: str) -> str:
    """Blue for lower case, red for upper case, green for digits, violet for blanks, otherwise grey."""
    return next((ink for ink, is_kind in CLASSES.items() if is_kind(character)), OTHER)
