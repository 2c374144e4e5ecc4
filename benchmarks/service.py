"""How fast the server is over gRPC, beside an echo server that sends the same messages and computes nothing.

    python benchmarks/service.py [--model 1x512] [--instructions reference] [--callers 1 8 32] [--quick] [--json]

Keystroke: one caller sends a state and one new character, and waits for the first character of the continuation.
Completions: a closed loop of callers, each asking for 64 characters after a state and one new character.
The callers live in a process of their own (load.py); the servers take turns, so that noise meets both.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import conversation
import numpy as np
from load import Rounds, Task
from process import Process, running
from random_model import Size, random_model
from table import show

from elman_models.artifact import save

HERE = Path(__file__).parent
KEYSTROKE_CHARACTERS, COMPLETION_CHARACTERS = 16, 64
MOST_CALLERS_OF_FIGURE = 32
LOAD_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Result:
    """One task at the server and at the echo; pairs are (server, echo)."""

    what: str
    callers: int
    calls: int  # at each
    messages_per_call: float
    first_character_milliseconds: tuple[list[float], list[float]]  # p50, p90, p99
    calls_per_second: tuple[float, float]
    rate_vs_echo: float  # the median over the rounds
    cpu_milliseconds_per_call: dict[str, float]  # loop and others of the server, the echo, the callers of each


def main() -> None:
    """Measure, and print a table or JSON."""
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(options, Path(folder))
    if options.json:
        found = [asdict(one) for one in results]
        print(json.dumps({"model": str(options.model), "results": found, "figures": figures(results, options.model)}, indent=2))
    else:
        present(results, options.model)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Size.parse, default=Size(1, 512), metavar="LxN", help="a model of random weights")
    parser.add_argument(
        "--instructions", default="auto", help="what the server runs: auto, reference, ... (elman serve --help)"
    )
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8, 32], metavar="N", help="callers of the closed loop")
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument("--json", action="store_true", help="print JSON, with the map `figures`")
    return parser.parse_args()


def measure(options: argparse.Namespace, folder: Path) -> list[Result]:
    """Start the server, and give it and the echo every task."""
    model = folder / "random.safetensors"
    save(random_model(options.model), model)
    rounds = 4 if options.quick else 20
    arguments = ["-m", "elman", "serve", "--model", f"random={model}", "--port", "{port}", "--metrics-port", "0"]
    arguments += ["--instructions", options.instructions]
    with running(arguments, folder / "server.log") as server:
        state = a_state(server, folder)
        keystroke = Task([], callers=1, calls=50, rounds=rounds, characters=KEYSTROKE_CHARACTERS, state=state)
        results = [compare("keystroke", keystroke, server, folder)]
        for count in options.callers:
            calls = max(4 * count, 16)
            task = Task([], count, calls, rounds, COMPLETION_CHARACTERS, state)
            results.append(compare("completions", task, server, folder))
    return results


def a_state(server: Process, folder: Path) -> str:
    """The state after some text, as the server returns it."""
    found = record(Task([server.address], 1, 1, 1, COMPLETION_CHARACTERS, prefix="The state travels with the call"), folder)
    return next(message.finished.state.hex() for message in found[0] if message.HasField("finished"))


def record(task: Task, folder: Path) -> list[conversation.Conversation]:
    """What the server says to the task, call by call."""
    path = folder / "conversations.json"
    run_load(replace(task, record=str(path)), folder)
    return conversation.load(path)


def compare(what: str, task: Task, server: Process, folder: Path) -> Result:
    """Record the server under the task, then run both under it."""
    found = record(replace(task, addresses=[server.address], rounds=2), folder)
    with running([str(HERE / "echo_server.py"), str(folder / "conversations.json"), "{port}"], folder / "echo.log") as echo:
        before = [one.cpu_seconds() for one in (server, echo)]
        rounds = run_load(replace(task, addresses=[server.address, echo.address]), folder)
        after = [one.cpu_seconds() for one in (server, echo)]
    calls = task.calls * task.rounds
    (loop, others), (echo_loop, echo_others) = [
        (end[0] - start[0], end[1] - start[1]) for start, end in zip(before, after, strict=True)
    ]
    spent = {"loop": loop, "others": others, "echo": echo_loop + echo_others}
    spent |= {"callers": rounds[0].client_cpu_seconds, "callers of echo": rounds[1].client_cpu_seconds}
    return Result(
        what,
        task.callers,
        calls,
        sum(map(len, found)) / len(found),
        (quantiles(rounds[0]), quantiles(rounds[1])),
        (calls / sum(rounds[0].seconds), calls / sum(rounds[1].seconds)),
        median(theirs / own for own, theirs in zip(rounds[0].seconds, rounds[1].seconds, strict=True)),
        {name: 1000 * seconds / calls for name, seconds in spent.items()},
    )


def run_load(task: Task, folder: Path) -> list[Rounds]:
    """Run the callers in a process of their own."""
    path = folder / "task.json"
    path.write_text(json.dumps(asdict(task)))
    arguments = [sys.executable, str(HERE / "load.py"), str(path)]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, timeout=LOAD_SECONDS, check=True)
    return [Rounds(**one) for one in json.loads(done.stdout)]


def quantiles(rounds: Rounds) -> list[float]:
    """p50, p90 and p99 of the time to the first character, in milliseconds."""
    return [float(one) for one in 1000 * np.quantile(rounds.first_character_seconds, [0.5, 0.9, 0.99])]


def figures(results: Sequence[Result], model: Size) -> dict[str, float]:
    """The ratios that have a goal: times of the first character (less is better), completions a second (more is better)."""
    named: dict[str, float] = {}
    for one in results:
        server, echo = one.first_character_milliseconds
        if one.what == "keystroke":
            named["first_character_vs_echo_p50"] = server[0] / echo[0]
            named["first_character_vs_echo_p99"] = server[2] / echo[2]
        elif one.callers == MOST_CALLERS_OF_FIGURE:
            named["completions_vs_echo"] = named[f"completions_vs_echo_{model}"] = one.rate_vs_echo
    return named


def present(results: Sequence[Result], model: Size) -> None:
    """What a person reads."""
    print(f"A server of a random {model} model and an echo server take turns; {results[0].calls} keystrokes at each.")
    lines = [
        [f"{one.what} by {who}", one.callers, *first]
        for one in results
        for who, first in zip(("server", "echo"), one.first_character_milliseconds, strict=True)
    ]
    show("Milliseconds to the first character", ["what", "callers", "p50", "p90", "p99"], lines)
    lines = [
        [one.what, one.callers, one.messages_per_call, *one.calls_per_second, one.rate_vs_echo]
        for one in results
        if one.what == "completions"
    ]
    show("Completions of 64 characters a second", ["what", "callers", "messages", "server", "echo", "ratio"], lines)
    names = list(results[0].cpu_milliseconds_per_call)
    lines = [[one.what, one.callers, *(one.cpu_milliseconds_per_call[name] for name in names)] for one in results]
    show("Milliseconds of processor time a call", ["what", "callers", *names], lines)
    show("Against the echo", ["figure", "value"], [[name, value] for name, value in figures(results, model).items()])


if __name__ == "__main__":
    main()
