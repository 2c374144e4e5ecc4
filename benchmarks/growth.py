"""What grows with what: a keystroke with its document, memory with open streams, a step with its rows, a wait with neighbours.

    python benchmarks/growth.py [--model 1x512] [--only keystroke memory rows neighbours] [--quick] [--json] [--plot FILE.png]

Keystroke: one caller over gRPC, at the end of documents of 1 kB to 1 MB, with the document's state and without it.
Memory: what the server holds for up to 10,000 streams that wait for a row, and up to 1,000 whose readers are slow.
Rows: one step of the execution that serves, for 1 to 1,024 rows.
Neighbours: a prefix of 100 kB beside 63 rows that sample, at the engine.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keystrokes
import neighbours
import open_streams
import picture
from contest import Contestant, hold
from keystrokes import Keystroke
from neighbours import Neighbours
from open_streams import Memory
from process import Process, running
from random_model import Size, random_model
from table import show

from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Advance, Execution, Start
from elman_models.law.artifact import Model, save
from elman_models.law.state import State

QUESTIONS = ("keystroke", "memory", "rows", "neighbours")
LENGTHS, LONGEST_SENT = (1_000, 10_000, 100_000, 1_000_000), 100_000
WAITING, SLOW = (10, 100, 1_000, 10_000), (10, 100, 1_000)
ROWS = tuple(2**power for power in range(11))
STEPS = 32
"""Of a call."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure: rounds at most, seconds a question, streams at most."""

    rounds: int
    seconds: float
    streams: int


FULL, QUICK = Effort(51, 15.0, 10_000), Effort(5, 2.0, 100)


class Step(NamedTuple):
    """One step of a number of rows."""

    rows: int
    microseconds: float
    characters_per_second: float


class Growth(NamedTuple):
    """What was asked, answered."""

    keystrokes: list[Keystroke]
    memory: list[Memory]
    steps: list[Step]
    neighbours: list[Neighbours]  # one, or none


def main() -> None:
    """Measure, and print tables or JSON."""
    options = parse()
    found = measure(options.only, random_model(options.model), QUICK if options.quick else FULL)
    if options.json:
        answers = {question: [one._asdict() for one in answer] for question, answer in found._asdict().items()}
        print(json.dumps({"model": str(options.model), **answers, "figures": figures(found)}, indent=2))
    else:
        present(found, options.model)
    if options.plot:
        plot(found, options.plot)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Size.parse, default=Size(1, 512), metavar="LxN", help="a model of random weights")
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=QUESTIONS, metavar="QUESTION", help="not all of them")
    parser.add_argument("--quick", action="store_true", help="few rounds, at most 100 streams")
    parser.add_argument("--json", action="store_true", help="print JSON, with the map `figures`")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw a picture")
    options = parser.parse_args()
    if options.plot:
        picture.check_installed()
    return options


def measure(questions: Sequence[str], model: Model, effort: Effort) -> Growth:
    """One question after another."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "random.safetensors")
        save(model, path)
        return Growth(
            measure_keystrokes(path, effort) if "keystroke" in questions else [],
            measure_memory(path, effort) if "memory" in questions else [],
            measure_steps(model, effort) if "rows" in questions else [],
            [neighbours.measure(model, effort.rounds, effort.seconds)] if "neighbours" in questions else [],
        )


@contextmanager
def serving(model: Path, *arguments: str) -> Generator[Process]:
    """A server of the model."""
    command = ["-m", "elman", "serve", "--model", f"random={model}"]
    with running([*command, "--port", "{port}", "--metrics-port", "0", *arguments], model.with_name("server.log")) as server:
        yield server


def measure_keystrokes(model: Path, effort: Effort) -> list[Keystroke]:
    """One server, whose documents take turns."""
    with serving(model) as server:
        return keystrokes.measure(server.address, LENGTHS, LONGEST_SENT, effort.rounds, effort.seconds)


def measure_memory(model: Path, effort: Effort) -> list[Memory]:
    """A server for each kind of stream."""
    found: list[Memory] = []
    for kind, counts, rows, settle_seconds in (("waiting", WAITING, "1", 1.0), ("slow reader", SLOW, "256", 30.0)):
        with serving(model, "--rows", rows, "--waiting", str(2 * max(counts))) as server:
            few = [count for count in counts if count <= effort.streams]
            found += asyncio.run(open_streams.measure(kind, server, few, settle_seconds))
    return found


def measure_steps(model: Model, effort: Effort) -> list[Step]:
    """Batches of every size take turns."""
    contestants: dict[int, Contestant] = {}
    for rows in ROWS:
        execution = open_execution(model, rows, "cpu")
        for row in range(rows):
            execution.load(row, Start(State.initial(model), seed=row))
        contestants[rows] = partial(draw, execution, rows)
    taken = {rows: seconds.median for rows, seconds in hold(contestants, effort.rounds, effort.seconds).items()}
    return [Step(rows, 1e6 * seconds / STEPS, rows * STEPS / seconds) for rows, seconds in taken.items()]


def draw(execution: Execution, rows: int) -> None:
    """One call."""
    execution.run([Advance(row, sampled=STEPS) for row in range(rows)]).characters(0)


def figures(found: Growth) -> dict[str, float]:
    """The ratios that have a goal: less is better."""
    named: dict[str, float] = {}
    for one in found.keystrokes:
        if one.has_state and one.characters == max(LENGTHS):
            named["keystroke_growth"] = one.growth
    for one in found.neighbours:
        named["long_prefix_slowdown"] = one.long_prefix_slowdown
        named["neighbours_p99_slowdown"] = one.neighbours_p99_slowdown
    return named


def present(found: Growth, model: Size) -> None:
    """What a person reads."""
    print(f"A random {model} model. Contestants take turns; medians over the rounds.")
    if found.keystrokes:
        lines = [[f"{one.characters:,}", "state" if one.has_state else "whole text", *one[2:]] for one in found.keystrokes]
        show("A keystroke over gRPC", ["characters of document", "sent", "ms", "times the shortest"], lines)
    if found.memory:
        lines = [[one.kind, f"{one.streams:,}", *one[2:]] for one in found.memory]
        show("Memory of the server", ["streams", "open", "MB", "kB a stream"], lines)
    if found.steps:
        show("One step", ["rows", "us", "characters/s"], found.steps)
    for one in found.neighbours:
        title = f"A prefix of {neighbours.PREFIX_CHARACTERS:,} characters and {neighbours.NEIGHBOURS} rows that sample"
        prefix = ["prefix to its first character, s", one.prefix_seconds_alone, one.prefix_seconds_beside]
        others = ["p99 between neighbours' characters, us", one.p99_microseconds_without, one.p99_microseconds_beside]
        lines = [[*prefix, one.long_prefix_slowdown], [*others, one.neighbours_p99_slowdown]]
        show(title, ["what", "alone", "beside each other", "slowdown"], lines)
    show("Figures", ["figure", "value"], list(figures(found).items()))


def plot(found: Growth, path: Path) -> None:
    """A panel for each question that was asked and has a curve."""
    typed = {
        name: [(one.characters, one.milliseconds) for one in found.keystrokes if one.has_state == has_state]
        for name, has_state in (("keystroke with the document's state", True), ("keystroke with the whole text", False))
    }
    kinds = dict.fromkeys(one.kind for one in found.memory if one.streams)
    held = {
        f"streams: {kind}": [(one.streams, one.megabytes) for one in found.memory if one.kind == kind and one.streams]
        for kind in kinds
    }
    panels = [
        picture.Panel("A keystroke", "characters of document", "milliseconds", typed),
        picture.Panel("Memory of the server", "open streams", "MB", held),
        picture.Panel("One step", "rows", "microseconds", {"step of all rows": [one[:2] for one in found.steps]}),
    ]
    picture.draw("What grows with what", [panel for panel in panels if any(panel.lines.values())], path)


if __name__ == "__main__":
    main()
