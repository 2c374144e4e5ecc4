"""The sheet on which `--plot` draws. Needs matplotlib, of elman[plot]; knows nothing of what is drawn."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

DOTS_PER_INCH = 110


@contextmanager
def picture(
    path: Path, columns: int, inches: tuple[float, float], rows: int = 1, **shape: Any
) -> Generator[tuple[Any, list[Any]]]:
    """A figure and its axes, written as PNG when all is drawn. Raises OSError. `shape` goes to `subplots`."""
    import_module("matplotlib").use("Agg")
    pyplot: Any = import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(rows, columns, figsize=inches, layout="constrained", squeeze=False, **shape)
    try:
        yield figure, list(axes.flat)
        figure.savefig(path, dpi=DOTS_PER_INCH, facecolor="white", format="png")
    finally:
        pyplot.close(figure)
