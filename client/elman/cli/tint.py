"""A text coloured by a number from -1 to 1 for each character, for a terminal; without colour, a mark under each character.

Blue is -1, red is 1. Knows no model.
"""

import os
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from elman.terminal import is_terminal

BARS: Final = "▁▂▃▄▅▆▇█"
BLUE, PALE, RED = (33, 102, 172), (247, 247, 247), (178, 24, 43)
RESET: Final = "\x1b[0m"
RAMP: Final = (25, 67, 110, 153, 189, 231, 224, 217, 210, 167, 124)  # from blue to red: the nearest of 256 would change hue
LEGEND: Final = tuple(step / 10 for step in range(-10, 11))


class Palette(NamedTuple):
    """Whether there are colours, and whether they are true colours or 256."""

    has_colour: bool
    is_true: bool = False


def palette() -> Palette:
    """What standard output can show. https://no-color.org"""
    has_colour = is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Palette(has_colour, os.environ.get("COLORTERM") in ("truecolor", "24bit"))


def bar(value: float) -> str:
    """The higher, the larger the value."""
    return BARS[min(7, int((value + 1) * 4))]


def tinted(text: str, values: Sequence[float], palette: Palette, mark: Callable[[float], str] = bar) -> str:
    """The text line by line; the last line has a line end, too. `mark`: what stands under a character without colour."""
    lines: list[str] = []
    start = 0
    for line in text.split("\n"):
        end = start + len(line) + 1  # the line end has a value too
        shown, line_values = visible(text[start:end]), values[start:end]
        lines.append(coloured(shown, line_values, palette) if palette.has_colour else marked(shown, line_values, mark))
        start = end
    return "".join(f"{line}\n" for line in lines if line)


def legend(palette: Palette) -> str:
    """What the colours, or the bars, mean."""
    return f"-1 {colour_scale(palette) if palette.has_colour else BARS} 1"


def colour_scale(palette: Palette) -> str:
    """All colours, from -1 to 1."""
    return coloured(" " * len(LEGEND), LEGEND, palette)


def coloured(line: str, values: Sequence[float], palette: Palette) -> str:
    """Each character on the background of its value, with nothing in between, so that a line can be copied."""
    grounds = [ground(value, palette) for value in values]
    changes = [now if now != before else "" for before, now in zip(["", *grounds], grounds, strict=False)]
    return "".join(change + character for change, character in zip(changes, line, strict=True)) + (RESET if line else "")


def marked(line: str, values: Sequence[float], mark: Callable[[float], str]) -> str:
    """The line, and under it a mark for each character."""
    marks = (mark(value) * width(character) for character, value in zip(line, values, strict=True))
    return f"{line}\n{''.join(marks).rstrip()}" if line else ""


def ground(value: float, palette: Palette) -> str:
    """The escape for the background of a value, and for a foreground that is readable on it."""
    ink = 15 if abs(value) > 0.7 else 16
    colour = f"2;{true_colour(value)}" if palette.is_true else f"5;{RAMP[round((value + 1) / 2 * (len(RAMP) - 1))]}"
    return f"\x1b[38;5;{ink};48;{colour}m"


def true_colour(value: float) -> str:
    """The background of a value, as red, green and blue."""
    far = RED if value > 0 else BLUE
    return ";".join(str(round(pale + (end - pale) * abs(value))) for pale, end in zip(PALE, far, strict=True))


def visible(text: str) -> str:
    """The text with one harmless character for each of its own."""
    return "".join({"\n": "⏎", "\t": "→"}.get(each, each if each.isprintable() else "·") for each in text)


def width(character: str) -> int:
    """How many columns a terminal gives to a character."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
