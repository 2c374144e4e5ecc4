"""How fast the executions are, without a server, beside the plain loop of plain_loop.py in the same run, one thread each.

    python benchmarks/engine.py [--device cpu|cuda] [--sizes 1x512 2x512] [--rows 1 4 16 64] [--quick] [--json]

Decode: microseconds that one step takes (one more character for every row), and characters a second.
Prefill: characters a second of one text that is read and not continued.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

import argparse
import json
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import plain_loop
import torch
from contest import Contestant, Seconds, hold
from numpy.typing import NDArray
from random_model import CHARACTERS, Size, random_model
from table import show

from elman_models.artifact import Model
from elman_models.execution import Advance, Execution, Start
from elman_models.executions import has_extension, open_execution
from elman_models.reference import Reference
from elman_models.state import State

DECODE_STEPS = 64
PREFILL_CHARACTERS = 2048
CALLS = (32, 1)
"""Steps a call."""
PLAIN, WHOLE = "plain loop", "nn.RNN, whole sequence"
REFERENCE, NATIVE = "reference", "native"
FIGURE_SIZE = Size(1, 512)


class Measurement(NamedTuple):
    """What one contestant did: `characters_per_second` over all rows, `speed_up` over the plain loop (above 1: faster)."""

    size: str
    task: str
    rows: int
    contestant: str
    microseconds_per_step: float
    characters_per_second: float
    speed_up: float


def main() -> None:
    """Measure, and print a table or JSON."""
    options = parse()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    rounds = 5 if options.quick else 31
    found = [one for size in options.sizes for one in measure(size, options.rows, options.device, rounds)]
    if options.json:
        print(json.dumps(report(found, options.device), indent=2))
    else:
        present(found, options.device, rounds)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="what runs both")
    parser.add_argument("--sizes", type=Size.parse, nargs="+", default=[Size(1, 512), Size(2, 512)], metavar="LxN")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 4, 16, 64], metavar="N", help="batch sizes")
    parser.add_argument("--quick", action="store_true", help="5 rounds, not 31")
    parser.add_argument("--json", action="store_true", help="print JSON, with the map `figures`")
    return parser.parse_args()


def measure(size: Size, batches: list[int], device: str, rounds: int) -> list[Measurement]:
    """Decode at each number of rows, then prefill."""
    plain = plain_loop.CharacterRnn(len(CHARACTERS), size.layers, size.units).to(device)
    model = random_model(size)
    found: list[Measurement] = []
    for rows in batches:
        seconds = hold(decoders(plain, model, rows, device), rounds)
        found += compare(seconds, PLAIN, size, "decode", rows, DECODE_STEPS)
    seconds = hold(prefillers(plain, model, device), rounds)
    return found + compare(seconds, WHOLE, size, "prefill", 1, PREFILL_CHARACTERS)


def decoders(plain: plain_loop.CharacterRnn, model: Model, rows: int, device: str) -> dict[str, Contestant]:
    """Each draws DECODE_STEPS characters for every row."""
    text = torch.zeros(rows, 1, dtype=torch.int64, device=device)
    contestants: dict[str, Contestant] = {PLAIN: lambda: plain_loop.generate(plain, text, DECODE_STEPS).tolist()}
    for name, execution in loaded(model, rows, device).items():
        for steps in CALLS:
            contestants[f"{name}, {steps} a call"] = partial(draw, execution, rows, steps)
    return contestants


def loaded(model: Model, rows: int, device: str) -> dict[str, Execution]:
    """The executions, with a text in every row, each with a seed of its own."""
    executions: dict[str, Execution] = {REFERENCE: Reference(model, rows, device)}
    if device == "cpu" and has_extension():
        executions[NATIVE] = open_execution(model, rows, "cpu")
    for execution in executions.values():
        for row in range(rows):
            execution.load(row, Start(State.initial(model), seed=row))
    return executions


def draw(execution: Execution, rows: int, steps_per_call: int) -> None:
    """Draw DECODE_STEPS characters for every row, so many a call."""
    for _ in range(DECODE_STEPS // steps_per_call):
        outcome = execution.run([Advance(row, sampled=steps_per_call) for row in range(rows)])
        for row in range(rows):
            outcome.characters(row)


def prefillers(plain: plain_loop.CharacterRnn, model: Model, device: str) -> dict[str, Contestant]:
    """Each reads the same text of PREFILL_CHARACTERS and gives its state."""
    text = np.random.default_rng(1).integers(0, len(CHARACTERS), PREFILL_CHARACTERS, np.int32)
    batch = torch.from_numpy(text).to(device, torch.int64)[None]
    contestants: dict[str, Contestant] = {WHOLE: lambda: plain_loop.prefill(plain, batch).cpu()}
    for name, execution in loaded(model, 1, device).items():
        contestants[f"{name}, one run"] = partial(read, execution, text)
    return contestants


def read(execution: Execution, text: NDArray[np.int32]) -> State:
    """Consume the text; what it leads to."""
    return execution.run([Advance(0, skipped=text)]).state(0, 0)


def compare(seconds: Mapping[str, Seconds], yardstick: str, size: Size, task: str, rows: int, steps: int) -> list[Measurement]:
    """A measurement for each contestant, beside the yardstick."""
    return [
        Measurement(
            str(size),
            task,
            rows,
            contestant,
            1e6 * taken.median / steps,
            rows * steps / taken.median,
            seconds[yardstick].ratio_to(taken),
        )
        for contestant, taken in seconds.items()
    ]


def report(found: list[Measurement], device: str) -> dict[str, object]:
    """What a program reads."""
    machine = {"device": device, "torch": torch.__version__, "threads": torch.get_num_threads()}
    return {"machine": machine, "measurements": [one._asdict() for one in found], "figures": figures(found)}


def figures(found: list[Measurement]) -> dict[str, float]:
    """The speed-ups over the plain loop, of what serves: native where it is built. The reference's own begin with its name.

    Those of other sizes than 1x512 end with the size.
    """
    serving = NATIVE if any(one.contestant.startswith(NATIVE) for one in found) else REFERENCE
    named = {name: value for one in found for name, value in of_execution(one, serving).items()}
    return named | {f"{REFERENCE}_{name}": value for one in found for name, value in of_execution(one, REFERENCE).items()}


def of_execution(one: Measurement, execution: str) -> dict[str, float]:
    """The figures in a measurement, if it is of the execution."""
    suffix = "" if one.size == str(FIGURE_SIZE) else f"_{one.size}"
    if one.contestant == f"{execution}, {max(CALLS)} a call":
        return {f"decode_vs_nn_rnn_{one.rows}{suffix}": one.speed_up}
    if one.contestant == f"{execution}, one run":
        rate = {f"prefill_characters_per_second{suffix}": one.characters_per_second}
        return {f"prefill_vs_nn_rnn{suffix}": one.speed_up} | rate
    return {}


def present(found: list[Measurement], device: str, rounds: int) -> None:
    """What a person reads."""
    print(f"torch {torch.__version__} on {device}, one thread; contestants take turns, medians of {rounds} rounds.")
    print(f"decode: {DECODE_STEPS} steps at temperature 0.8; prefill: {PREFILL_CHARACTERS} characters, one row.")
    head = ["what", "rows", "by", "us a step", "characters/s", "times as fast"]
    lines = [[f"{one.task} {one.size}", *one[2:]] for one in found]
    show("Beside what a user would write (benchmarks/plain_loop.py)", head, lines)


if __name__ == "__main__":
    main()
