"""`elman inspect`: what a network's units follow, how far its memory reaches, which characters are alike to it, and what the
model recalls.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from elman.cli.configuration import ENGINE, Configuration
from elman.cli.engine import engine_of
from elman.cli.models import table
from elman.cli.tint import BARS, Palette, colour_scale, legend, palette, tinted
from elman.errors import MendRequest
from elman.extras import extra
from elman.languages import DEFAULT_MODEL
from elman.progress import Progress
from elman.settings import add_flags
from elman.terminal import read_text, use_utf8, write, write_json

if TYPE_CHECKING:
    from elman_models.inspection.characters import Characters
    from elman_models.inspection.gradients import Memory
    from elman_models.inspection.recall import LengthClass, RecalledText
    from elman_models.inspection.units import Unit, Units
    from elman_models.law.artifact import Model

SHOWN_UNITS: Final = 3
LOOKED_BACK: Final = 300
WRONG: Final = "×"
SIDES: Final[Mapping[Literal["read", "predicted"], str]] = {"read": "as it reads them", "predicted": "as it predicts them"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """WHAT, TEXT and the flags."""
    parser.add_argument("what", choices=VIEWS, help="units: a text coloured by hidden units; memory: how far gradients reach;"
                        " characters: which are alike; recall: a text coloured by what was recalled")  # fmt: skip
    text = "the text to read, for all but characters; without it, standard input, unless that is a terminal"
    parser.add_argument("text", nargs="?", metavar="TEXT", help=text)
    add_flags(parser, [replace(ENGINE["model"], help="a model file or a shipped model", default_words=DEFAULT_MODEL)])
    parser.add_argument("--layer", type=int, metavar="NUMBER", help="the layer of the unit to show, from 0; needs --unit")
    chosen = f"the unit to show, from 0; without it, the {SHOWN_UNITS} that best follow something that has a name"
    parser.add_argument("--unit", type=int, metavar="NUMBER", help=chosen)
    looked = f"how many characters back memory looks (default: {LOOKED_BACK}, or half of a shorter text)"
    parser.add_argument("--steps", type=int, metavar="NUMBER", help=looked)
    parser.add_argument(
        "--nearest", type=int, default=5, metavar="NUMBER", help="how many of the nearest characters to show (default: 5)"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="also draw what was found; needs elman[plot]")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print what was found."""
    use_utf8()
    if (arguments.layer is None) != (arguments.unit is None):
        raise MendRequest("--layer and --unit name a unit together; give both or neither")
    if arguments.plot:
        with extra("plot"):
            import_module("matplotlib")  # asked for before anything takes long
    with extra("serve"):
        from elman_models.law.artifact import load
        from elman_models.shipped import find

    _, path = find(engine_of(arguments, Configuration.read()).model or DEFAULT_MODEL)
    VIEWS[arguments.what](arguments, load(path))
    return 0


def units(arguments: argparse.Namespace, model: "Model") -> None:
    """A text in the colours of some units."""
    from elman_models.inspection.states import states_of
    from elman_models.inspection.units import best_units, one_unit

    text = read_text(arguments.text)
    with Progress("reading") as progress:
        states = states_of(model, text, progress.tell)[1:]
    with Progress("comparing units"):
        if arguments.unit is None:
            found = best_units(model, states, text, SHOWN_UNITS)
        else:
            found = one_unit(model, states, text, arguments.layer, arguments.unit)
    if arguments.plot and found.shown:
        from elman_models.plots.inspection import draw_units

        draw_units(text, [(unit_in_words(unit), values) for unit, values in found.shown], arguments.plot)
    if arguments.json:
        write_json(found.to_json())
    else:
        write(units_in_words(text, found))


def unit_in_words(unit: "Unit") -> str:
    """Which unit, and what it follows."""
    return f"layer {unit.layer}, unit {unit.unit}: follows {unit.follows}, correlation {unit.correlation:+.2f}"


def units_in_words(text: str, found: "Units") -> str:
    """The text once for each unit that is shown, and a table of all that were found."""
    colours = palette()
    parts = [f"{unit_in_words(unit)}\n{tinted(text, values.tolist(), colours)}\n" for unit, values in found.shown]
    rows = [(each.follows, str(each.layer), str(each.unit), f"{each.correlation:+.2f}") for each in found.followers]
    heading = ("FOLLOWS", "LAYER", "UNIT", "CORRELATION")
    return f"{''.join(parts)}{legend(colours)}\n\n{table([heading, *rows])}"


def memory(arguments: argparse.Namespace, model: "Model") -> None:
    """How gradients shrink or grow on their way back through the text."""
    from elman_models.inspection import gradients
    from elman_models.inspection.states import states_of

    text = read_text(arguments.text)
    steps = max(1, min(LOOKED_BACK, len(text) // 2)) if arguments.steps is None else arguments.steps
    with Progress("reading") as progress:
        states = states_of(model, text, progress.tell)
    with Progress("looking back") as progress:
        found = gradients.memory(model, states, text, steps, progress.tell)
    if arguments.plot:
        from elman_models.plots.inspection import draw_memory

        draw_memory(found, arguments.plot)
    if arguments.json:
        write_json(found.to_json())
    else:
        write(memory_in_words(found))


def memory_in_words(found: "Memory") -> str:
    """A table: a row for each layer."""
    steps = found.steps
    shown = [back for back in (0, 1, 10, 100, 300) if back <= steps]
    heading = ("LAYER", *(f"K = {back}" for back in shown), "GROWTH A STEP", "STEPS TO A HUNDREDTH", "STATE SIZE")
    rows = [
        (str(layer), *(f"{norms[back]:.2g}" for back in shown), f"{found.growth_a_step[layer]:.3f}",
         str(found.steps_to_a_hundredth[layer] or f"over {steps}"), f"{mean(found.state_sizes[layer]):.2f}")
        for layer, norms in enumerate(found.mean_norms)
    ]  # fmt: skip
    return f"|dL(t) / dh(t - k)|, mean of {found.positions} positions\n{table([heading, *rows])}"


def mean(values: Sequence[float]) -> float:
    """The mean of at least one value."""
    return sum(values) / len(values)


def characters(arguments: argparse.Namespace, model: "Model") -> None:
    """The nearest characters of each one."""
    from elman_models.inspection.characters import alike, embedding, plane

    found = alike(model, arguments.nearest)
    if arguments.plot:
        from elman_models.plots.inspection import draw_characters

        planes = [(f"Characters {words}", *plane(embedding(model, side))) for side, words in SIDES.items()]
        draw_characters(planes, model.vocabulary.characters, arguments.plot)
    if arguments.json:
        write_json(found.to_json())
    else:
        write(characters_in_words(found))


def characters_in_words(found: "Characters") -> str:
    """A table with a row for each character."""
    rows = [
        (shown(character), *(" ".join(f"{shown(each.character)} {each.cosine:.2f}" for each in near[character])
                             for near in (found.read, found.predicted)))
        for character in found.read
    ]  # fmt: skip
    return table([("CHARACTER", *(f"NEAREST {words.upper()}" for words in SIDES.values())), *rows])


def shown(character: str) -> str:
    """The character as a table shows it."""
    return (
        character if character.isprintable() and not character.isspace() else repr(character)[1:-1] if character != " " else "␣"
    )


def recall(arguments: argparse.Namespace, model: "Model") -> None:
    """A text in the colours of what was recalled before each character."""
    from elman_models.inspection.recall import recall

    text = read_text(arguments.text)
    with Progress("reading"):
        found = recall(model, text)
    if arguments.plot:
        from elman_models.plots.inspection import draw_recall

        draw_recall(text, found, arguments.plot)
    if arguments.json:
        write_json(found.to_json())
    else:
        write(recall_in_words(text, found))


def recall_in_words(text: str, found: "RecalledText") -> str:
    """The text, what its colours mean, and a table by length."""
    colours = palette()
    shown = tinted(text, [place.tint for place in found.places], colours, recall_mark)
    figures = (
        f"something is recalled before {found.recalled} of {len(found.places)} characters ({found.recalled_share:.0%});"
        f" it comes {found.right} times ({found.right_share:.0%}); mean L {found.mean_length:.1f}.\n"
        f"L: length of the earlier run found again, in the last {found.window:,} characters; lambda: the share of recall in the"
        " prediction\n"
    )
    heading = ("L", "PLACES", "RIGHT", "SHARE RIGHT", "MEAN LAMBDA")
    rows = [
        (lengths_in_words(each), str(each.places), str(each.right), f"{each.right_share:.0%}", f"{each.mean_probability:.0%}")
        for each in found.by_length
    ]
    return f"{shown}{recall_legend(colours)}\n\n{figures}\n{table([heading, *rows])}"


def recall_mark(tint: float) -> str:
    """What stands under a character without colour: a bar as high as the run is long; a cross where another character came."""
    return " " if not tint else WRONG if tint > 0 else BARS[round(-tint * (len(BARS) - 1))]


def recall_legend(colours: Palette) -> str:
    """What the colours, or the marks, mean; L is the length of the run that was found again."""
    if colours.has_colour:
        return f"right, L = 32 or more {colour_scale(colours)} wrong, L = 32 or more; paler: shorter; palest: nothing recalled"
    return f"{BARS[2:]} right, the higher the longer L; {WRONG} wrong; blank: nothing recalled"


def lengths_in_words(each: "LengthClass") -> str:
    """The lengths of a class."""
    if each.longest is None:
        return f"{each.shortest} or more"
    return str(each.shortest) if each.shortest == each.longest else f"{each.shortest} to {each.longest}"


VIEWS: Mapping[str, Callable[[argparse.Namespace, "Model"], None]] = {
    "units": units,
    "memory": memory,
    "characters": characters,
    "recall": recall,
}
