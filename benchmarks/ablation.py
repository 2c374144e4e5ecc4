"""What each idea of the training recipe is worth: the recipe, and the recipe without one of its ideas, over several seeds.

    python benchmarks/ablation.py TEXT [--characters 300000] [--held-out 50000] [--seeds 3] [--only NAME ...] [--json]

The first characters of a file are trained on, those that follow them are measured, streaming and in windows of 256, in
float. Of the text of a shipped model (`prose`, `python` and so on), pages of all its projects are trained on, and pages of all
unseen ones are measured. Every variant has about as many weights as the recipe, but for those that lack biases. `lstm` is
torch's LSTM, two layers, with the same optimisers.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import lstm
import torch
from table import show
from torch import nn

from elman_models.corpus import Corpus, spread
from elman_models.measure.cost import WINDOW
from elman_models.shipyard.make import TEXTS, WRITTEN
from elman_models.training.float_cost import float_nats_per_character
from elman_models.training.network import Network
from elman_models.training.recipe import Recipe
from elman_models.training.run import Run, new_run

RECIPE = Recipe(layers=8, skips="none", hidden_size=102, epochs=6, batch_size=16, window=64, held_out=0.0, threads=1)
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "the recipe": {},
    "AdamW for the matrices too": {"matrix_rate": 0.0},
    "AdamW, twice the rate": {"matrix_rate": 0.0, "learning_rate": 6e-3},
    "dense skips": {"skips": "dense", "hidden_size": 72},
    "12 layers": {"layers": 12, "hidden_size": 78},
    "6 layers": {"layers": 6, "hidden_size": 124},
    "6 layers, dense skips": {"layers": 6, "skips": "dense", "hidden_size": 96},
    "4 layers": {"layers": 4, "hidden_size": 161},
    "2 layers": {"layers": 2, "hidden_size": 258},
    "1 layer": {"layers": 1, "hidden_size": 456},
    "no restarts": {"restarts": 0.0},
    "dropout 0.1": {"dropout": 0.1},
    "dropout 0.2": {"dropout": 0.2},
    "windows of 32": {"window": 32, "batch_size": 32},
    "windows of 128": {"window": 128, "batch_size": 8},
    "weight decay 0.01": {"weight_decay": 0.01},
    "float32": {"precision": "float32"},
    "characters read by the first layer alone": {},
    "characters read by the first layer alone, 8 x 112": {"hidden_size": 112},
    "output without a bias": {},
}
WITHOUT: Mapping[str, Callable[[Network], Sequence[nn.Parameter]]] = {
    "characters read by the first layer alone": lambda network: [*network.biases][1:],
    "characters read by the first layer alone, 8 x 112": lambda network: [*network.biases][1:],
    "output without a bias": lambda network: [network.output_bias],
}
"""Which biases a variant leaves at zero. A layer has one for each character: they are its input."""


class Measured(NamedTuple):
    """One run."""

    weights: int
    streaming: float  # nats a character
    windows: float
    seconds: float


def main() -> None:
    """Train every variant with every seed, and print a table or JSON."""
    options = parse()
    training, held_out = parts_of(options.text, options.characters, options.held_out)
    contestants: dict[str, Callable[[int], Measured]] = {
        name: lambda seed, name=name, dials=dials: measure(
            training, held_out, replace(RECIPE, seed=seed, **dials), WITHOUT.get(name, nothing)
        )
        for name, dials in VARIANTS.items()
    }
    contestants["lstm"] = lambda seed: Measured(*lstm.measure(training, held_out, replace(RECIPE, seed=seed)))
    chosen = options.only or list(contestants)
    runs = {name: [contestants[name](seed) for seed in range(options.seeds)] for name in chosen}
    if options.json:
        print(json.dumps({name: [run._asdict() for run in several] for name, several in runs.items()}, indent=2))
    else:
        title = (
            f"{len(training):,} characters, {RECIPE.epochs} epochs, {options.seeds} seeds: nats a character, mean and deviation"
        )
        show(title, ["variant", "weights", "streaming", "±", "windows", "seconds"], [line(*each) for each in runs.items()])


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", metavar="TEXT", help=f"a file, or a model's: {', '.join(WRITTEN)}")
    for name, default in (("characters", 300_000), ("held-out", 50_000), ("seeds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", nargs="+", choices=[*VARIANTS, "lstm"], metavar="NAME", help=f"{', '.join(VARIANTS)}, lstm")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def parts_of(text: str, characters: int, held_out: int) -> tuple[str, str]:
    """What is trained on, and what is measured."""
    if text not in WRITTEN:
        whole = Path(text).read_text(encoding="utf-8")
        return whole[:characters], whole[characters:][:held_out]
    parts = TEXTS[text].read()
    learned, unseen = (Corpus(tuple(documents.values())) for documents in (parts.training, parts.unseen))
    return spread(learned, characters), spread(unseen, held_out)


def nothing(_: Network) -> Sequence[nn.Parameter]:
    """What a variant leaves at zero that lacks none."""
    return ()


def measure(
    training: str, held_out: str, recipe: Recipe, without: Callable[[Network], Sequence[nn.Parameter]] = nothing
) -> Measured:
    """Train to the end and measure the float network; some of its weights remain zero."""
    run = new_run(Corpus((training,)), Corpus(()), recipe, torch.device("cpu"))
    for weight in without(run.network):
        nn.init.zeros_(weight).requires_grad_(False)
    start = time.monotonic()
    while run.step < run.steps:
        if not math.isfinite(run.advance()):
            return Measured(0, math.nan, math.nan, math.nan)
    seconds = time.monotonic() - start
    return Measured(size(run.network), *both(run, held_out), seconds)


def both(run: Run, held_out: str) -> tuple[float, float]:
    """Streaming and windows."""
    windows = [held_out[start : start + WINDOW] for start in range(0, len(held_out), WINDOW)]
    return tuple(float_nats_per_character(run.network, run.vocabulary, texts) for texts in ([held_out], windows))  # pyright: ignore[reportReturnType]


def size(network: Network) -> int:
    """How many weights are learnt."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def line(name: str, runs: Sequence[Measured]) -> tuple[object, ...]:
    """One variant's line."""
    streaming = [run.streaming for run in runs]
    deviation = statistics.stdev(streaming) if len(runs) > 1 else 0.0
    windows = statistics.mean(run.windows for run in runs)
    seconds = statistics.median(run.seconds for run in runs)
    return name, f"{runs[0].weights:,}", f"{statistics.mean(streaming):.4f}", f"{deviation:.4f}", f"{windows:.4f}", seconds


if __name__ == "__main__":
    main()
