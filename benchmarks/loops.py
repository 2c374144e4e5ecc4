"""Free running must not circle: how much of what a model draws it has just drawn, with recall and without.

    python benchmarks/loops.py [--only NAME ...] [--models FOLDER] [--quick] [--json]

A run of 12 characters is repeated if the same text holds it earlier, too. Drawn text: 2,000 characters after a fixed prefix,
for each of 20 seeds; the prefix does not count, but recall may see it. Beside it the text that nothing has seen, in pieces of
2,000 characters. `figures` holds the shares under names of their own: loops_python_08 at temperature 0.8, ..._without_recall,
..._over_text as a multiple of the text's own.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from table import show

from elman.languages import PROSE
from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Advance, Start
from elman_models.law.artifact import Model, load
from elman_models.law.recall import Recall
from elman_models.law.sampling import Sampling
from elman_models.law.state import State
from elman_models.shipped import shipped_models
from elman_models.shipyard.make import TEXTS

RUN = 12
CHARACTERS = 2000
SEEDS, QUICK_SEEDS = 20, 4
TEMPERATURES = (0.5, 0.8, 1.0)
PREFIXES = {
    "shakespeare": "KING HENRY:\n",
    "python": '"""Read and write files of settings."""\n\nimport os\n',
    PROSE: "It was late in the evening when we came to the house. ",
    "javascript": '"use strict";\n\nconst path = require("path");\n\n',
    "go": 'package main\n\nimport "fmt"\n\n',
    "rust": "use std::io;\n\n",
    "c": "#include <stdio.h>\n\n",
    "shell": "#!/bin/bash\nset -e\n\n",
}


class Shares(NamedTuple):
    """Of the repeated runs: the mean, and the shares below which and above which a tenth of the texts lies."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Shares":
        """Those of several texts."""
        shares = [repeated(text) for text in texts]
        return cls(float(np.mean(shares)), *(float(each) for each in np.quantile(shares, (0.1, 0.9))))


class Loops(NamedTuple):
    """What one model draws at one temperature."""

    temperature: float
    recalling: Shares
    plain: Shares  # the same model without recall


def main() -> None:
    """Measure, and print tables or JSON."""
    options = parse()
    seeds = QUICK_SEEDS if options.quick else SEEDS
    figures: dict[str, float] = {}
    for name, path in chosen(options).items():
        text = Shares.of(pieces(TEXTS[name].read().unseen.values()))
        found = [loops(load(path), PREFIXES[name], temperature, seeds) for temperature in TEMPERATURES]
        figures |= figures_of(name, text, found)
        if not options.json:
            show_loops(name, text, found)
    if options.json:
        print(json.dumps({"seeds": seeds, "figures": figures}, indent=2))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=TEXTS, default=list(TEXTS), metavar="NAME", help=", ".join(TEXTS))
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="where the models are (default: the shipped ones)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SEEDS} seeds")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> dict[str, Path]:
    """The models to measure."""
    if options.models:
        return {name: options.models / f"{name}.safetensors" for name in options.only}
    return {name: path for name, path in shipped_models().items() if name in options.only}


def loops(model: Model, prefix: str, temperature: float, seeds: int) -> Loops:
    """The shares with recall and without."""
    plain = replace(model, recall=Recall.none())
    with_recall, without = (Shares.of(drawn(each, prefix, temperature, seeds)) for each in (model, plain))
    return Loops(temperature, with_recall, without)


def drawn(model: Model, prefix: str, temperature: float, seeds: int) -> list[str]:
    """What the model draws after the prefix, a text for each seed."""
    execution = open_execution(model, seeds, "cpu")
    for seed in range(seeds):
        execution.load(seed, Start(State.initial(model), Sampling.of(temperature), seed))
    given = model.vocabulary.encode(prefix)
    outcome = execution.run([Advance(row, skipped=given, sampled=CHARACTERS) for row in range(seeds)])
    return [model.vocabulary.decode(outcome.characters(row)) for row in range(seeds)]


def pieces(documents: Iterable[str]) -> list[str]:
    """The documents in pieces as long as what is drawn; what is left at an end does not count."""
    return [
        document[start : start + CHARACTERS]
        for document in documents
        for start in range(0, len(document) - CHARACTERS + 1, CHARACTERS)
    ]


def repeated(text: str) -> float:
    """The share of the runs that the text holds earlier, too."""
    runs = [text[start : start + RUN] for start in range(len(text) - RUN + 1)]
    return 1 - len(set(runs)) / len(runs)


def figures_of(name: str, text: Shares, found: Sequence[Loops]) -> dict[str, float]:
    """The mean shares, each under one name."""
    figures = {f"loops_{name}_text": text.mean}
    for each in found:
        figure = f"loops_{name}_{round(10 * each.temperature):02}"
        figures[figure] = each.recalling.mean
        figures[f"{figure}_without_recall"] = each.plain.mean
        figures[f"{figure}_over_text"] = each.recalling.mean / text.mean
    return figures


def show_loops(name: str, text: Shares, found: Sequence[Loops]) -> None:
    """One table a model."""
    lines = [[f"temperature {each.temperature:g}", *in_words(each.recalling), *in_words(each.plain)] for each in found]
    head = ["", "share", "low and high", "without recall", "low and high"]
    lines.append(["unseen text", *in_words(text), "", ""])
    show(f"{name}: repeated runs of {RUN} in {CHARACTERS:,} characters", head, lines)


def in_words(shares: Shares) -> tuple[str, str]:
    """The mean, and the two tenths."""
    return f"{shares.mean:.3f}", f"{shares.low:.3f} to {shares.high:.3f}"


if __name__ == "__main__":
    main()
