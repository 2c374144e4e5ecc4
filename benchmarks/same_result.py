"""How long training takes to the same result: the loop that a user would write, and elman's, on the same text and processor.

    python benchmarks/same_result.py TEXT [--characters 300000] [--held-out 50000] [--layers 2] [--size 256] [--threads 2]

The plain loop (nn.RNN, cross entropy, Adam, carried states; plain_loop.py) trains for some epochs and is measured after each
on the characters that follow: its best is the result to be reached, at the time that it was. elman trains a network of as many
layers and outputs, without skips, from random weights for 1, 2, 3 ... epochs, each run with a schedule of its own, until one
ends as good. Measuring does not count, on either side.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false

import argparse
import json
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import ablation
import plain_loop
import torch
from table import show
from torch import Tensor

from elman_models.training.recipe import Recipe

ROWS, WINDOW = 32, 64


class Reached(NamedTuple):
    """What a training cost, and how good it was on text that it had not seen."""

    by: str
    epochs: int
    seconds: float
    nats: float  # a character, streaming


def main() -> None:
    """Measure, and print a table or JSON."""
    options = parse()
    text = options.text.read_text(encoding="utf-8")
    training, held_out = text[: options.characters], text[options.characters :][: options.held_out]
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    plain = list(plainly(training, held_out, options))
    best = min(plain, key=lambda one: one.nats)
    ours = list(until_as_good(training, held_out, options, best.nats))
    ratio = best.seconds / ours[-1].seconds
    if options.json:
        print(json.dumps({"runs": [one._asdict() for one in (*plain, *ours)], "speed_up": ratio}, indent=2))
        return
    show(f"{options.layers} x {options.size}, {len(training):,} characters", Reached._fields, [*plain, *ours])
    print(f"\nThe plain loop's best, {best.nats:.3f} nats, is reached {ratio:.1f} times as fast.")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    dials = {"characters": 300_000, "held-out": 50_000, "layers": 2, "size": 256, "epochs": 12, "threads": 2}
    for name, default in dials.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def plainly(training: str, held_out: str, options: argparse.Namespace) -> Iterator[Reached]:
    """The plain loop, after each epoch."""
    characters = sorted({*training, *held_out})
    codes, unseen = (torch.tensor([characters.index(one) for one in text]) for text in (training, held_out))
    model = plain_loop.CharacterRnn(len(characters), options.layers, options.size)
    seconds, start = 0.0, time.perf_counter()
    for epoch in plain_loop.train(model, codes, ROWS, WINDOW, options.epochs):
        seconds += time.perf_counter() - start
        yield Reached("nn.RNN and Adam", epoch, seconds, nats(model, unseen))
        start = time.perf_counter()


@torch.no_grad()
def nats(model: plain_loop.CharacterRnn, codes: Tensor) -> float:
    """Nats a character of a text (characters,), streaming; the first is given."""
    return float(model.loss(codes[None], None)[0])


def until_as_good(training: str, held_out: str, options: argparse.Namespace, enough: float) -> Iterator[Reached]:
    """elman's runs, each an epoch longer than the one before."""
    for epochs in count(1):
        recipe = Recipe(
            layers=options.layers,
            hidden_size=options.size,
            skips="none",
            epochs=epochs,
            dropout=0.0,
            batch_size=ROWS,
            window=WINDOW,
            threads=options.threads,
        )
        run = ablation.measure(training, held_out, recipe)
        reached = Reached("elman train", epochs, run.seconds, run.streaming)
        yield reached
        if reached.nats <= enough:
            return


if __name__ == "__main__":
    main()
