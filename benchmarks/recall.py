"""What recall costs: a step of a shipped model with recall beside a step of the same model without, in processor time.

    python benchmarks/recall.py [--model NAME] [--rows 1 16 64] [--instructions SET] [--quick] [--json]

On code, rows draw on from 9,000 characters of this project's own server. In the other texts, which were made to be as bad as
possible for a scan of the window, characters are given and scored, so that the text stays what it is: one repeated character,
repetitions with a period of 8, 33 and 500, two, five and all characters at random. Five are the worst that was found: the 64
sources lie here and there in the whole window.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from contest import Contestant, hold
from table import show

from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Advance, Start
from elman_models.law.artifact import Model, load
from elman_models.law.recall import Recall
from elman_models.law.sampling import Sampling
from elman_models.law.state import State, remembered
from elman_models.measure.predictor import Indices
from elman_models.shipped import shipped_models

SERVER = Path(__file__).parents[1] / "server"
CODE = "code"
BEFORE, STEPS, APART = 9_000, 32, 1_777
SETTLING = 100
"""Characters that the network reads before it is measured; of those before, only recall knows."""
LENGTH = 200_000
WITH, WITHOUT = "with", "without"


class Measurement(NamedTuple):
    """A text and a number of rows: microseconds a step, and how many times as long it takes with recall."""

    text: str
    rows: int
    microseconds_with: float
    microseconds_without: float
    ratio: float


def main() -> None:
    """Measure, and print a table or JSON."""
    options = parse()
    model = load(shipped_models()[options.model])
    found = [
        measure(model, name, text, rows, options.instructions, (11, 0.5) if options.quick else (101, 4.0))
        for name, text in texts(model).items()
        for rows in options.rows
    ]
    if options.json:
        print(json.dumps({"measurements": [one._asdict() for one in found], "figures": figures(found)}, indent=2))
        return
    show(f"{options.model}, a window of {model.recall.window}", list(Measurement._fields), [list(one) for one in found])
    show("Figures", ["figure", "value"], [[name, value] for name, value in figures(found).items()])


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=shipped_models(), default="python")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 16, 64], metavar="N", help="batch sizes")
    parser.add_argument("--instructions", default="auto", metavar="SET", help="the instruction set of both")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true", help="print JSON, with the map `figures`")
    return parser.parse_args()


def texts(model: Model) -> dict[str, Indices]:
    """Texts by name, as indices of the vocabulary."""
    random, outputs = np.random.default_rng(1), len(model.vocabulary)
    code = model.vocabulary.encode("".join(path.read_text(encoding="utf-8") for path in sorted(SERVER.rglob("*.py"))))
    made = {
        "one character": np.zeros(LENGTH, np.int32),
        "a period of 8": np.resize(random.integers(0, outputs, 8), LENGTH),
        "a period of 33": np.resize(random.integers(0, outputs, 33), LENGTH),
        "a period of 500": np.resize(random.integers(0, outputs, 500), LENGTH),
        "two characters": random.integers(0, 2, LENGTH),
        "five characters": random.integers(0, 5, LENGTH),
        "any characters": random.integers(0, outputs, LENGTH),
    }
    return {CODE: np.resize(code, LENGTH), **{name: text.astype(np.int32) for name, text in made.items()}}


def measure(model: Model, name: str, text: Indices, rows: int, instructions: str, limits: tuple[int, float]) -> Measurement:
    """Both in turns."""
    models = {WITH: model, WITHOUT: replace(model, recall=Recall.none())}
    contestants = {way: contestant(each, text, rows, instructions, name == CODE) for way, each in models.items()}
    taken = hold(contestants, *limits, clock=time.thread_time)
    microseconds = {way: 1e6 * seconds.median / STEPS for way, seconds in taken.items()}
    return Measurement(name, rows, microseconds[WITH], microseconds[WITHOUT], taken[WITH].ratio_to(taken[WITHOUT]))


def contestant(model: Model, text: Indices, rows: int, instructions: str, is_drawing: bool) -> Contestant:
    """Moves rows that stand at different places of a text by STEPS: drawn, or given and scored."""
    execution = open_execution(model, rows, "cpu", instructions)
    starts = [row * APART % (LENGTH // 2) for row in range(rows)]
    for row, start in enumerate(starts):
        settled = start + BEFORE - SETTLING
        state = State(model.initial_state, settled - start, remembered(model, text[start:settled]))
        execution.load(row, Start(state, Sampling.of(0.8), seed=row))
    execution.run([Advance(row, skipped=text[start + BEFORE - SETTLING : start + BEFORE]) for row, start in enumerate(starts)])
    moves = [drawn(row) if is_drawing else given(row, text, start + BEFORE) for row, start in enumerate(starts)]
    return lambda: execution.run([next(move) for move in moves])


def drawn(row: int) -> Iterator[Advance]:
    """Draw on."""
    while True:
        yield Advance(row, sampled=STEPS)


def given(row: int, text: Indices, start: int) -> Iterator[Advance]:
    """Read on."""
    while True:
        yield Advance(row, scored=text[start : start + STEPS])
        start = (start + STEPS) % (LENGTH - STEPS)


def figures(found: list[Measurement]) -> dict[str, float]:
    """On code by the number of rows, and of the most rows in the worst text."""
    most = max(one.rows for one in found)
    of_code = {f"recall_cost_{one.rows}": one.ratio for one in found if one.text == CODE}
    return of_code | {"recall_cost_worst": max(one.ratio for one in found if one.rows == most)}


if __name__ == "__main__":
    main()
