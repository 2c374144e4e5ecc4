"""How fast training is, beside the loop that a user would write (nn.RNN, cross entropy, Adam), in the same run, on the CPU.

    python benchmarks/training.py [--layers 2] [--size 512] [--rows 64] [--window 128] [--threads 2] [--json]

A step reads `rows` texts over `window` characters: forward, backward, clipping, optimiser; none drops anything out.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import plain_loop
import torch
from table import show

from elman_models.corpus import Corpus
from elman_models.training.recipe import Recipe
from elman_models.training.run import new_run

ALPHABET = "\n abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,;:!?'-"
ROUNDS = 7


def main() -> None:
    """Measure, and print a table or JSON."""
    options = parse()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    contestants = {
        "nn.RNN and Adam, float32": plain_step(options),
        "elman train, AdamW, float32": elman_step(options, precision="float32", matrix_rate=0.0),
        "elman train, AdamW, bfloat16": elman_step(options, precision="bfloat16", matrix_rate=0.0),
        "elman train, Muon, bfloat16": elman_step(options, precision="bfloat16"),
    }
    seconds = {name: median_seconds(step) for name, step in contestants.items()}
    plain = next(iter(seconds.values()))
    lines = [(name, options.rows * options.window / taken, plain / taken) for name, taken in seconds.items()]
    if options.json:
        print(json.dumps([{"contestant": a, "characters_per_second": b, "speed_up": c} for a, b, c in lines], indent=2))
    else:
        title = f"Training {options.layers} layers of {options.size}, {options.threads} threads, median of {ROUNDS} steps"
        show(title, ["contestant", "characters/s", "speed-up"], lines)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("layers", 2), ("size", 512), ("rows", 64), ("window", 128), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def plain_step(options: argparse.Namespace) -> Callable[[], object]:
    """One step of the tutorial's loop."""
    characters = len(ALPHABET)
    model = plain_loop.CharacterRnn(characters, options.layers, options.size)
    optimiser = plain_loop.optimiser_of(model)
    text = torch.randint(0, characters, (options.rows, options.window + 1))
    return lambda: plain_loop.train_step(model, optimiser, text, None)


def elman_step(options: argparse.Namespace, **dials: Any) -> Callable[[], object]:
    """One step of elman's own, of the same structure."""
    characters = 8 * options.rows * options.window  # enough that no row is dropped
    text = "".join(ALPHABET[place] for place in torch.randint(0, len(ALPHABET), (characters,)).tolist())
    recipe = Recipe(
        layers=options.layers,
        hidden_size=options.size,
        batch_size=options.rows,
        window=options.window,
        threads=options.threads,
        epochs=1000,
        skips="none",
        dropout=0.0,
        **dials,
    )
    return new_run(Corpus((text,)), Corpus(()), recipe, torch.device("cpu")).advance


def median_seconds(step: Callable[[], object]) -> float:
    """Of one step, after two that warm up."""
    taken: list[float] = []
    for _ in range(ROUNDS + 2):
        start = time.perf_counter()
        step()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[2:])


if __name__ == "__main__":
    main()
