"""How fast the server is over gRPC, beside an echo server that sends the same messages and computes nothing.

    python benchmarks/service.py [--models 1x512 2x512] [--instructions reference] [--callers 1 8 32 128] [--rates 50 200]
                                 [--quick] [--json] [--plot FILE.png]

Keystroke: one caller sends a state and one new character, and waits for the first character of the continuation.
Closed loop: a number of callers, each asking for 64 characters after a state and one new character, and then again.
Open loop: the same calls at random times (Poisson), whether or not earlier ones have ended; timed from when each was due.
The callers live in a process of their own (load.py); the servers take turns, so that noise meets both.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import conversation
import numpy as np
import picture
from load import Rounds, Task
from process import Cpu, Process, running
from random_model import Size, random_model
from table import show

from elman.v1 import completion_service_pb2 as pb
from elman_models.law.artifact import save

HERE = Path(__file__).parent
KEYSTROKE_CHARACTERS, COMPLETION_CHARACTERS = 16, 64
CALLERS_OF_FIGURE = 32
OPEN_SECONDS = 1.0
"""How long a round of the open loop takes."""
LOAD_SECONDS = 300.0
KEYSTROKE, CLOSED, OPEN = "keystroke", "closed loop", "open loop"


@dataclass(frozen=True, slots=True)
class Served:
    """What one server did under one task: times as p50, p90 and p99, in milliseconds; `cpu` is milliseconds a call."""

    first_character: list[float]
    between_characters: list[float]
    call: list[float]
    calls_per_second: float
    failures: int
    cpu: dict[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """One task at the server and at the echo."""

    model: str
    what: str
    callers: int  # of a closed loop
    rate: float  # of an open loop, calls a second
    calls: int  # at each
    messages_per_call: float
    server: Served
    echo: Served
    rate_vs_echo: float  # calls a second, the median over the rounds


def main() -> None:
    """Measure, and print a table or JSON."""
    options = parse()
    results: list[Result] = []
    for size in options.models:
        with tempfile.TemporaryDirectory() as folder:
            results += measure(size, options, Path(folder))
    if options.json:
        print(json.dumps({"results": [asdict(one) for one in results], "figures": figures(results)}, indent=2))
    else:
        present(results)
    if options.plot:
        plot(results, options.plot)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = [Size(1, 512), Size(2, 512)]
    parser.add_argument("--models", type=Size.parse, nargs="+", default=sizes, metavar="LxN", help="models of random weights")
    parser.add_argument(
        "--instructions", default="auto", help="what the server runs: auto, reference, ... (elman serve --help)"
    )
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8, 32, 128], metavar="N", help="callers of closed loops")
    parser.add_argument("--rates", type=float, nargs="*", default=[50, 200], metavar="N", help="calls a second of open loops")
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument("--json", action="store_true", help="print JSON, with the map `figures`")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw a picture")
    options = parser.parse_args()
    if options.plot:
        picture.check_installed()
    return options


def measure(size: Size, options: argparse.Namespace, folder: Path) -> list[Result]:
    """Start the server, and give it and the echo every task."""
    model = folder / "random.safetensors"
    save(random_model(size), model)
    arguments = ["-m", "elman", "serve", "--model", f"{size}={model}"]
    arguments += ["--port", "{port}", "--metrics-port", "0", "--instructions", options.instructions]
    with running(arguments, folder / "server.log") as server:
        planned = tasks(a_state(server, folder), options)
        return [compare(str(size), what, task, server, folder) for what, task in planned]


def tasks(state: str, options: argparse.Namespace) -> list[tuple[str, Task]]:
    """Everything that is asked of both."""
    rounds = 3 if options.quick else 15
    keystroke = Task([], calls=50, rounds=rounds, characters=KEYSTROKE_CHARACTERS, callers=1, state=state)
    completion = replace(keystroke, characters=COMPLETION_CHARACTERS)
    planned = [(KEYSTROKE, keystroke)]
    planned += [(CLOSED, replace(completion, callers=count, calls=max(2 * count, 16))) for count in options.callers]
    for rate in options.rates:
        planned.append((OPEN, replace(completion, callers=0, rate=rate, calls=max(1, round(rate * OPEN_SECONDS)))))
    return planned


def a_state(server: Process, folder: Path) -> str:
    """The state after some text, as the server returns it."""
    prefix = "The state travels with the call"
    found = record(Task([server.address], 1, 1, COMPLETION_CHARACTERS, callers=1, prefix=prefix), folder)
    return next(message.finished.state.hex() for message in found[0] if message.HasField("finished"))


def record(task: Task, folder: Path) -> list[list[pb.CompleteResponse]]:
    """What the server says to the task, call by call."""
    path = folder / "conversations.json"
    run_load(replace(task, record=str(path)), folder)
    return conversation.load(path, pb.CompleteResponse)


def compare(model: str, what: str, task: Task, server: Process, folder: Path) -> Result:
    """Record the server under the task, then run both under it."""
    found = record(replace(task, addresses=[server.address], rounds=2), folder)
    arguments = [str(HERE / "echo_server.py"), "Complete", str(folder / "conversations.json"), "{port}"]
    with running(arguments, folder / "echo.log") as echo:
        before = [one.cpu() for one in (server, echo)]
        rounds = run_load(replace(task, addresses=[server.address, echo.address]), folder)
        spent = [one.cpu().since(start) for one, start in zip((server, echo), before, strict=True)]
    return Result(
        model,
        what,
        task.callers,
        task.rate,
        task.calls * task.rounds,
        sum(map(len, found)) / len(found),
        served(rounds[0], task, spent[0]),
        served(rounds[1], task, spent[1]),
        median(theirs / own for own, theirs in zip(rounds[0].seconds, rounds[1].seconds, strict=True)),
    )


def run_load(task: Task, folder: Path) -> list[Rounds]:
    """Run the callers in a process of their own."""
    path = folder / "task.json"
    path.write_text(json.dumps(asdict(task)))
    arguments = [sys.executable, str(HERE / "load.py"), str(path)]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, timeout=LOAD_SECONDS, check=True)
    return [Rounds(**one) for one in json.loads(done.stdout)]


def served(rounds: Rounds, task: Task, cpu: Cpu) -> Served:
    """The sums of all rounds."""
    calls = task.calls * task.rounds
    spent = {who: 1000 * seconds / (calls + task.warm_up_calls) for who, seconds in cpu._asdict().items()}
    return Served(
        quantiles(rounds.first_character_seconds),
        quantiles(rounds.between_characters_seconds),
        quantiles(rounds.call_seconds),
        (calls - rounds.failures) / sum(rounds.seconds),
        rounds.failures,
        spent | {"callers": 1000 * rounds.client_cpu_seconds / calls},
    )


def quantiles(seconds: Sequence[float]) -> list[float]:
    """p50, p90 and p99, in milliseconds; not a number where there was nothing to time."""
    return [float(one) for one in 1000 * np.quantile(seconds or [np.nan], [0.5, 0.9, 0.99])]


def figures(results: Sequence[Result]) -> dict[str, float]:
    """The ratios that have a goal: times of the first character (less is better), completions a second (more is better).

    Those of the first character are of the first model; those of others end with the size. A ceiling is what the processor time
    allows of a ratio: below the goal, the time must fall; above it, what is missed is the processors' division.
    """
    named: dict[str, float] = {}
    for one in results:
        suffix = "" if one.model == results[0].model else f"_{one.model}"
        if one.what == KEYSTROKE:
            named[f"first_character_vs_echo_p50{suffix}"] = one.server.first_character[0] / one.echo.first_character[0]
            named[f"first_character_vs_echo_p99{suffix}"] = one.server.first_character[2] / one.echo.first_character[2]
        elif one.callers == CALLERS_OF_FIGURE:
            named[f"completions_vs_echo_{one.model}"] = one.rate_vs_echo
            named[f"completions_vs_echo_ceiling_{one.model}"] = ceiling(one)
    return named


def present(results: Sequence[Result]) -> None:
    """What a person reads."""
    print("Servers of random models, each beside an echo server that sends the same messages; they take turns.")
    both = [(one, who, by) for one in results for who, by in (("server", one.server), ("echo", one.echo))]
    head = ["what", "by", "p50", "p90", "p99"]
    lines = [[label(one), who, *by.first_character] for one, who, by in both]
    show("Milliseconds to the first character", head, lines)
    lines = [[label(one), who, *(1000 * time for time in by.between_characters)] for one, who, by in both]
    show("Microseconds between characters", head, lines)
    lines = [[label(one), who, *by.call] for one, who, by in both if one.what != KEYSTROKE]
    show("Milliseconds a completion of 64 characters", head, lines)
    lines = [
        [label(one), one.messages_per_call, one.server.calls_per_second, one.echo.calls_per_second, one.rate_vs_echo]
        for one in results
    ]
    show("Calls a second", ["what", "messages a call", "server", "echo", "ratio"], lines)
    lines = [[label(one), who, *by.cpu.values(), by.failures] for one, who, by in both]
    show(
        "Milliseconds of processor time a call, and calls that failed", ["what", "by", *results[0].server.cpu, "failed"], lines
    )
    lines = [
        [label(one), *(round(most_calls(by)) for by in (one.server, one.echo)), ceiling(one)] for one in results if one.callers
    ]
    show("Calls a second that the processor time allows", ["what", "server", "echo", "ratio"], lines)
    show("Against the echo", ["figure", "value"], [[name, value] for name, value in figures(results).items()])


def ceiling(one: Result) -> float:
    """The greatest ratio to the echo that the processor time allows."""
    return most_calls(one.server) / most_calls(one.echo)


def most_calls(by: Served) -> float:
    """How many calls a second fit: the loop and the callers have one thread each, and all share the processors.

    It grants what no scheduler gives: that every processor is always busy, and with nothing else.
    """
    longest = max(by.cpu["loop"], by.cpu["callers"], sum(by.cpu.values()) / (os.cpu_count() or 1))
    return 1000 / longest if longest else float("nan")


def label(one: Result) -> str:
    """The task, in a few words."""
    return f"{one.model}, {one.what}" + {KEYSTROKE: "", CLOSED: f" of {one.callers}", OPEN: f" at {one.rate:g}/s"}[one.what]


def plot(results: Sequence[Result], path: Path) -> None:
    """Completions and first characters over the callers of a closed loop, and first characters over the rate of an open one."""
    closed = {name: [(one.callers, by) for one, by in line] for name, line in by_server(results, CLOSED).items()}
    opened = {name: [(one.rate, by) for one, by in line] for name, line in by_server(results, OPEN).items()}
    rates = {name: [(callers, by.calls_per_second) for callers, by in line] for name, line in closed.items()}
    firsts = {name: [(callers, by.first_character[2]) for callers, by in line] for name, line in closed.items()}
    open_firsts = {name: [(rate, by.first_character[2]) for rate, by in line] for name, line in opened.items()}
    panels = [
        picture.Panel("Completions of 64 characters, closed loop", "callers", "completions a second", rates, is_linear=True),
        picture.Panel("The first character, closed loop, p99", "callers", "milliseconds", firsts),
        picture.Panel("The first character, open loop, p99", "completions asked for a second", "milliseconds", open_firsts),
    ]
    picture.draw("The server beside the echo", [panel for panel in panels if panel.lines], path)


def by_server(results: Sequence[Result], what: str) -> dict[str, list[tuple[Result, Served]]]:
    """The results of one kind, a line for each model and server."""
    lines: dict[str, list[tuple[Result, Served]]] = {}
    for one in results:
        if one.what == what:
            lines.setdefault(f"{one.model}, server", []).append((one, one.server))
            lines.setdefault(f"{one.model}, echo", []).append((one, one.echo))
    return lines


if __name__ == "__main__":
    main()
