"""What more weights buy: nats and keys saved, with recall, beside what a first character costs at a server.

    python benchmarks/frontier.py FOLDER [--text prose] [--only SIZE ...] [--characters 1500000] [--epochs 2] [--json]

Each size learns the same pages of a text of the shipyard, by the recipe of its model, and is measured on projects that nothing
has seen. Models stay in FOLDER and are not trained again; a run that was cut off goes on where it was. `weights read` are those
that one step of one text reads: of the rows that the layers have for characters, one each. A first character is timed as in
quality.py.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import quality
from table import show

from elman_models.corpus import Corpus, spread
from elman_models.law.artifact import Model, load
from elman_models.measure.report import Rest, report
from elman_models.measure.typist import Habits
from elman_models.shipyard.make import RECIPES, TEXTS, WRITTEN, Source, make
from elman_models.shipyard.texts import DividedText
from elman_models.training.checkpoint import checkpoint_path
from elman_models.training.recipe import read_recipe

SIZES: Final[Mapping[str, tuple[int, int]]] = {
    "8x144": (8, 144),  # 0.5 million weights
    "8x256": (8, 256),  # 1.4
    "8x384": (8, 384),  # 2.8
    "8x560": (8, 560),  # 5.6
    "4x384": (4, 384),  # 1.4, wider
    "16x168": (16, 168),  # 1.4, deeper
}


class Point(NamedTuple):
    """What one size is worth, and what it costs."""

    weights_read: int
    bytes: int
    nats: float
    keys_saved: float
    first_character_us: float  # at a server
    against_1x512: float


def main() -> None:
    """Train what is not there, measure, and print a table or JSON."""
    options = parse()
    options.folder.mkdir(parents=True, exist_ok=True)
    divided = quality.parts_of(options.text)
    pages = spread(Corpus(tuple(divided.training.values())), options.characters)
    text = DividedText({"pages": pages}, divided.validation, quality.sampled(divided.unseen))
    points = {name: point(name, text, options) for name in options.only}
    if options.json:
        figures = {
            f"frontier_{name}_{figure}": value for name, each in points.items() for figure, value in each._asdict().items()
        }
        print(json.dumps({"figures": figures}, indent=2))
        return
    head = ["size", "weights read", "bytes", "nats", "keys saved", "first character, us", "against 1x512"]
    rows = [
        [name, f"{each.weights_read:,}", f"{each.bytes:,}", f"{each.nats:.3f}", f"{each.keys_saved:.1%}", *each[4:]]
        for name, each in points.items()
    ]
    show(f"{len(pages):,} characters of {options.text}, {options.epochs} epochs", head, rows)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--text", choices=WRITTEN, default="prose", metavar="NAME", help=", ".join(WRITTEN))
    parser.add_argument("--only", nargs="*", choices=SIZES, default=list(SIZES), metavar="SIZE", help=", ".join(SIZES))
    parser.add_argument("--characters", type=int, default=1_500_000, metavar="NUMBER")
    parser.add_argument("--epochs", type=int, default=2, metavar="NUMBER")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def point(name: str, text: DividedText, options: argparse.Namespace) -> Point:
    """One size, trained if it is not there yet."""
    path = options.folder / f"{options.text}-{options.characters}-{options.epochs}-{name}.safetensors"
    if not path.exists():
        layers, units = SIZES[name]
        recipe = replace(read_recipe(RECIPES / f"{options.text}.json"), layers=layers, hidden_size=units, epochs=options.epochs)
        source = Source(lambda: text, "pages of it", TEXTS[options.text].licence)
        make(source, recipe, path, "cpu", resume=checkpoint_path(path).exists())
    model = load(path)
    found: Mapping[str, Any] = report(model, path, list(text.unseen.values()), Rest(), Habits()).to_json()["artifact"]
    times = quality.first_characters(path)
    return Point(
        weights_read(model),
        path.stat().st_size,
        found["nats_per_character_streaming"],
        found["keystrokes_saved"],
        times["first_character_at_a_server_us"],
        times["first_character_at_a_server_vs_small"],
    )


def weights_read(model: Model) -> int:
    """The matrices, and one row of each layer's biases."""
    return sum(layer.weight.size for layer in model.layers) + model.output.weight.size + model.structure.state_size


if __name__ == "__main__":
    main()
