"""Editor sessions: what a keystroke costs over Follow, and how many editors a server keeps up with, beside an echo server.

    python benchmarks/editor.py [--model 1x512] [--only keystroke editors growth rewind memory] [--quick] [--json]
                                [--plot FILE.png] [--beside PYTHON ...]

Keystroke: one editor; from each key to the first character of the suggestion for it. The next comes when that has ended. With
--beside, servers of other checkouts, run by these interpreters, take turns with this one's: so small differences are seen.
Editors: the most who type 8 keys a second without a missed interval: each key's suggestion arrives before the next key is due.
Growth: a keystroke at the end of documents of 1 kB to 1 MB; rewind: going back from the end of a text. Both at the session and
the engine, without the transport (edits.py).
Memory: what the server holds for a stream at which nobody types, with an empty document and with 1 MB (open_documents.py).
The editors live in a process of their own (typists.py); the echo server repeats what the real one said to a typing session.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from math import inf, isfinite
from pathlib import Path
from statistics import median
from typing import NamedTuple

import edits
import numpy as np
import picture
from edits import Keystroke, Rewind, random_text
from open_documents import hold
from process import Process, running
from random_model import Size, random_model
from table import show
from typists import Rounds, Task

from elman.v1 import completion_service_pb2 as pb
from elman_models.law.artifact import save
from elman_server.embedded import open_embedded

HERE = Path(__file__).parent
QUESTIONS = ("keystroke", "editors", "growth", "rewind", "memory")
SERVER, ECHO = "server", "echo"
MAKE_MODEL = """
import sys
from pathlib import Path
import elman
sys.path.insert(0, str(Path(elman.__file__).parents[2] / "benchmarks"))
from elman_models.law.artifact import save
from random_model import Size, random_model
save(random_model(Size.parse(sys.argv[1])), Path(sys.argv[2]))
"""
DOCUMENT, SUGGESTED_CHARACTERS = 1_000, 16
KEYS = 200
"""A round of the one editor."""
KEYS_A_SECOND = 8.0
LEAST_EDITORS, MOST_EDITORS = 8, 4096
STEPS_TO_DOUBLE = 8
"""How finely the most editors are sought: in eighths of an octave."""
TRIES = 3
"""How often a number of editors may miss an interval before it counts as too many."""
LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
DISTANCES = (10, 100, 1_000, 3_000)
REWIND_OF_FIGURE = 1_000
TYPING_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure."""

    rounds: int  # at most
    seconds: float  # a question
    typing_seconds: float  # of each number of editors
    searches: int  # for the most editors
    empty_documents: int
    long_documents: int


FULL, QUICK = Effort(51, 15.0, 3.0, 3, 1_000, 16), Effort(5, 2.0, 1.0, 1, 100, 2)


class Latency(NamedTuple):
    """From a key to the first character of its suggestion, in microseconds."""

    by: str
    keys: int
    p50: float
    p90: float
    p99: float
    messages_per_key: float


class Attempt(NamedTuple):
    """This many editors at one server; processor time in microseconds a key."""

    search: int
    by: str
    editors: int
    missed: int
    p50_milliseconds: float
    p99_milliseconds: float
    messages_per_key: float
    loop: float
    engine: float
    transport: float
    typists: float


class Memory(NamedTuple):
    """A stream of one kind, in kB."""

    characters: int
    streams: int
    server: float
    echo: float


class Found(NamedTuple):
    """What was asked, answered."""

    latencies: list[Latency]
    attempts: list[Attempt]
    keystrokes: list[Keystroke]
    rewinds: list[Rewind]
    memory: list[Memory]


def main() -> None:
    """Measure, and print tables or JSON."""
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "random.safetensors")
        save(random_model(options.model), model)
        others = {python: model_of(python, options.model, Path(folder)) for python in options.beside}
        found = measure(options.only, model, QUICK if options.quick else FULL, others)
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
    parser.add_argument("--quick", action="store_true", help="few rounds, few streams, one short search")
    parser.add_argument("--json", action="store_true", help="print JSON, with the map `figures`")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw a picture")
    parser.add_argument("--beside", nargs="+", default=[], metavar="PYTHON", help="servers of other checkouts, for keystroke")
    options = parser.parse_args()
    if options.plot:
        picture.check_installed()
    return options


def model_of(python: str, size: Size, folder: Path) -> Path:
    """A model that another checkout makes for itself, with its interpreter: an older one cannot read ours."""
    path = Path(tempfile.mkdtemp(dir=folder), "random.safetensors")
    subprocess.run([python, "-c", MAKE_MODEL, str(size), str(path)], check=True)
    return path


def measure(questions: Sequence[str], model: Path, effort: Effort, beside: Mapping[str, Path]) -> Found:
    """One question after another."""
    embedded = open_embedded([str(model)], device="cpu")
    with tempfile.TemporaryDirectory() as folder, everybody(model, Path(folder), beside) as contest:
        return Found(
            measure_latencies(contest, effort) if "keystroke" in questions else [],
            measure_editors(contest, effort) if "editors" in questions else [],
            edits.measure_keystrokes(embedded, LENGTHS, effort.rounds, effort.seconds) if "growth" in questions else [],
            edits.measure_rewinds(embedded, DISTANCES, effort.rounds, effort.seconds) if "rewind" in questions else [],
            measure_memory(contest, effort) if "memory" in questions else [],
        )


@dataclass(frozen=True, slots=True)
class Contest:
    """The server and the echo, servers of other checkouts, and a folder for their files."""

    server: Process
    echo: Process
    others: Mapping[str, Process]
    folder: Path

    def each(self) -> list[tuple[str, Process]]:
        """Both by name."""
        return [(SERVER, self.server), (ECHO, self.echo)]


@contextmanager
def everybody(model: Path, folder: Path, beside: Mapping[str, Path]) -> Generator[Contest]:
    """A server, an echo of what it says to one editor, and the servers of other interpreters with their models."""
    recorded = folder / "conversations.json"
    echo = [str(HERE / "echo_server.py"), "Follow", str(recorded), "{port}"]
    with ExitStack() as stack:
        server = stack.enter_context(running(serve(model), folder / "server.log"))
        run_typists(replace(task([server], 1, KEYS, 1), record=str(recorded)), folder)
        echo_server = stack.enter_context(running(echo, folder / "echo.log"))
        others = {
            python: stack.enter_context(running(serve(other), folder / f"other-{number}.log", python))
            for number, (python, other) in enumerate(beside.items())
        }
        yield Contest(server, echo_server, others, folder)


def serve(model: Path) -> list[str]:
    """What to tell an interpreter to serve a model."""
    ports = ["--port", "{port}", "--metrics-port", "0"]
    return ["-m", "elman", "serve", "--model", f"random={model}", *ports, "--waiting", str(2 * MOST_EDITORS)]


def task(servers: Sequence[Process], editors: int, keys: int, rounds: int) -> Task:
    """What every question asks of editors alike."""
    addresses, identifiers = [one.address for one in servers], [one.identifier for one in servers]
    return Task(addresses, identifiers, editors, keys, rounds, SUGGESTED_CHARACTERS, DOCUMENT)


def run_typists(asked_for: Task, folder: Path) -> list[Rounds]:
    """Run the editors in a process of their own."""
    path = folder / "task.json"
    path.write_text(json.dumps(asdict(asked_for)))
    arguments = [sys.executable, str(HERE / "typists.py"), str(path)]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, timeout=TYPING_SECONDS, check=True)
    return [Rounds(**one) for one in json.loads(done.stdout)]


def measure_latencies(contest: Contest, effort: Effort) -> list[Latency]:
    """One editor at each; they take turns."""
    contestants = {**dict(contest.each()), **contest.others}
    met = run_typists(task([*contestants.values()], 1, KEYS, effort.rounds), contest.folder)
    return [latency(by, rounds) for by, rounds in zip(contestants, met, strict=True)]


def latency(by: str, rounds: Rounds) -> Latency:
    """The sums of all rounds."""
    keys = len(rounds.first_character_seconds)
    p50, p90, p99 = (1e6 * float(one) for one in np.quantile(rounds.first_character_seconds, [0.5, 0.9, 0.99]))
    return Latency(by, keys, p50, p90, p99, rounds.messages / keys)


def measure_editors(contest: Contest, effort: Effort) -> list[Attempt]:
    """Search at the server and at the echo, in turn."""
    keys, found = round(effort.typing_seconds * KEYS_A_SECOND), list[Attempt]()
    for number in range(effort.searches):
        for by, process in contest.each():
            search(Editors(contest, keys, number, by, process, found).are_sustained)
    return found


def search(are_sustained: Callable[[int], bool]) -> None:
    """Double the editors until they miss an interval, then halve the gap."""
    step, gap = 0, STEPS_TO_DOUBLE
    while editors_at(step) <= MOST_EDITORS and are_sustained(editors_at(step)):
        step += gap
    step -= gap
    while (gap := gap // 2) and step >= 0:
        step += gap if are_sustained(editors_at(step + gap)) else 0


def editors_at(step: int) -> int:
    """How many they are at a step of the search."""
    return round(LEAST_EDITORS * 2 ** (step / STEPS_TO_DOUBLE))


@dataclass(frozen=True, slots=True)
class Editors:
    """Types at one server, and writes down how it went."""

    contest: Contest
    keys: int
    search: int
    by: str
    process: Process
    found: list[Attempt]

    def are_sustained(self, editors: int) -> bool:
        """Whether this many miss no interval, in one of a few tries."""
        for _ in range(TRIES):
            self.found.append(self.attempt(editors))
            if not self.found[-1].missed:
                return True
        return False

    def attempt(self, editors: int) -> Attempt:
        """This many editors, on time."""
        asked_for = replace(task([self.process], editors, self.keys, 1), rate=KEYS_A_SECOND)
        (rounds,) = run_typists(asked_for, self.contest.folder)
        pressed = editors * self.keys
        seconds = np.array(rounds.first_character_seconds)
        p50, p99 = (1e3 * float(one) for one in np.quantile(seconds if len(seconds) else [np.nan], [0.5, 0.99]))
        return Attempt(
            self.search,
            self.by,
            editors,
            pressed - int(np.count_nonzero(seconds < 1 / KEYS_A_SECOND)),
            p50,
            p99,
            rounds.messages / pressed,
            *(1e6 * one / pressed for one in (*rounds.cpu_seconds, rounds.client_cpu_seconds)),
        )


def editors_vs_echo(attempts: Sequence[Attempt]) -> float:
    """The most editors without a missed interval, against the echo's: the median over the searches."""
    most = {(one.search, one.by): 0 for one in attempts}
    for one in attempts:
        if not one.missed:
            most[one.search, one.by] = max(most[one.search, one.by], one.editors)
    return median(most[search, SERVER] / max(1, most[search, ECHO]) for search, by in most if by == ECHO)


def measure_memory(contest: Contest, effort: Effort) -> list[Memory]:
    """Empty documents, then long ones."""
    found: list[Memory] = []
    for characters, streams in ((0, effort.empty_documents), (max(LENGTHS), effort.long_documents)):
        limits, sampling = pb.Limits(max_characters=SUGGESTED_CHARACTERS), pb.Sampling(seed=1)
        wanted = pb.Open(prefix=random_text(characters), limits=limits, sampling=sampling)
        held = [hold(process, wanted, streams).kilobytes_per_stream for _, process in contest.each()]
        found.append(Memory(characters, streams, *held))
    return found


def figures(found: Found) -> dict[str, float]:
    """What has a goal: less is better, but for editors_vs_echo."""
    named: dict[str, float] = {}
    if found.latencies:
        server, echo, *_ = found.latencies
        named["keystroke_p50_over_echo_us"] = server.p50 - echo.p50
        named["keystroke_p99_vs_echo"] = server.p99 / echo.p99
    if found.attempts:
        named["editors_vs_echo"] = editors_vs_echo(found.attempts)
    for one in found.keystrokes:
        if one.characters == max(LENGTHS):
            named["keystroke_growth"] = one.growth
    for one in found.rewinds:
        if one.characters == REWIND_OF_FIGURE:
            named["rewind_1000_ms"] = one.milliseconds
    for one in found.memory:
        named["any_stream_kb" if one.characters else "idle_stream_kb"] = one.server - one.echo
    return named


def present(found: Found, model: Size) -> None:
    """What a person reads."""
    print(f"A server of a random {model} model, and an echo server that sends the same messages.")
    if found.latencies:
        head = ["by", "keys", "p50", "p90", "p99", "messages a key"]
        show("Microseconds from a key to the first character suggested", head, found.latencies)
    if found.attempts:
        head = ["search", "by", "editors", "missed", "p50, ms", "p99, ms", "messages a key"]
        head += [f"{who}, us a key" for who in ("loop", "engine", "transport", "typists")]
        show(f"Editors at {KEYS_A_SECOND:g} keys a second", head, found.attempts)
    if found.keystrokes:
        lines = [[f"{one.characters:,}", *one[1:]] for one in found.keystrokes]
        show("A keystroke at the engine", ["characters of document", "us", "times the shortest"], lines)
    if found.rewinds:
        show("A rewind at the engine", ["characters", "ms", "longest, ms"], found.rewinds)
    if found.memory:
        lines = [[f"{one.characters:,}", *one[1:]] for one in found.memory]
        show("Memory of a stream, kB", ["characters of document", "streams", "server", "echo"], lines)
    show("Figures", ["figure", "value"], list(figures(found).items()))


def plot(found: Found, path: Path) -> None:
    """A panel for each question that was asked and has a curve; of several tries, the best."""
    doubled = [one for one in found.attempts if one.editors.bit_count() == 1 and isfinite(one.p99_milliseconds)]
    best: dict[str, dict[float, float]] = {}
    for one in sorted(doubled, key=lambda one: one.editors):
        by = best.setdefault(one.by, {})
        by[one.editors] = min(by.get(one.editors, inf), one.p99_milliseconds)
    firsts = {by: list(line.items()) for by, line in best.items()}
    keystrokes = {"keystroke at the engine": [(one.characters, one.microseconds) for one in found.keystrokes]}
    rewinds = {"rewind at the engine": [(one.characters, one.milliseconds) for one in found.rewinds]}
    panels = [
        picture.Panel("The first character, p99", f"editors at {KEYS_A_SECOND:g} keys a second", "milliseconds", firsts),
        picture.Panel("A keystroke", "characters of document", "microseconds", keystrokes),
        picture.Panel("A rewind", "characters", "milliseconds", rewinds),
    ]
    picture.draw("Editor sessions", [panel for panel in panels if any(panel.lines.values())], path)


if __name__ == "__main__":
    main()
