"""What a model of one's own text is worth after minutes: from random weights, and from the best of the shipped models.

    python benchmarks/own_text.py [--only NAME ...] [--seconds 300] [--json]

A person's text are whole documents of projects that no shipped model has seen, 200,000 characters of them, and the model is
measured on 50,000 more of the same projects. `elman train` makes it as anybody would, by its defaults, `--from scratch` or not;
`shipped` is the model of that kind as it comes. A run that takes longer than --seconds is a fault. Nothing else should run.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import quality
from table import show

from elman_models.law.artifact import load
from elman_models.measure.report import Rest, report
from elman_models.measure.typist import Habits
from elman_models.shipped import shipped_models
from elman_models.shipyard.make import WRITTEN

OWN, MEASURED = 200_000, 50_000
"""Characters that are learned, and that are measured on."""
STARTS: Final[Mapping[str, tuple[str, ...]]] = {"scratch": ("--from", "scratch"), "best": ()}
BEGINS: Final = re.compile(r"begins from ([\w ]+):")


class Worth(NamedTuple):
    """What a model is worth on the text that is measured."""

    nats: float
    keys_saved: float
    seconds: float = 0.0  # that its training took
    begins_from: str = ""


def main() -> None:
    """Measure, and print a table or JSON."""
    options = parse()
    found = {name: dict(worths(name, options.seconds)) for name in options.only}
    figures = {
        f"own_{name}_{start}_{figure}": value
        for name, rows in found.items()
        for start, worth in rows.items()
        for figure, value in worth._asdict().items()
        if value
    }
    if options.json:
        print(json.dumps({"figures": figures}, indent=2))
        return
    rows = [[name, start, *worth] for name, models in found.items() for start, worth in models.items()]
    show(f"{OWN:,} characters of one's own", ["text", "model", "nats", "keys saved", "seconds", "begins from"], rows)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [name for name in WRITTEN if name in shipped_models()]
    parser.add_argument("--only", nargs="*", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--seconds", type=float, default=300.0, metavar="NUMBER", help="that a run may take")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def worths(name: str, seconds: float) -> Iterator[tuple[str, Worth]]:
    """What the shipped model is worth, and each of one's own."""
    own, measured = divided(quality.parts_of(name).unseen)
    with tempfile.TemporaryDirectory() as folder:
        for number, document in enumerate(own):
            (text := Path(folder, "text", f"{number}.txt")).parent.mkdir(exist_ok=True)
            text.write_text(document, encoding="utf-8")
        yield "shipped", worth_of(shipped_models()[name], measured)
        for start, flags in STARTS.items():
            model = Path(folder, f"{start}.safetensors")
            command = [sys.executable, "-m", "elman", "train", str(Path(folder, "text")), "-o", str(model), *flags]
            begun = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds)
            took, begins = time.perf_counter() - begun, BEGINS.search(done.stdout + done.stderr)
            yield start, worth_of(model, measured)._replace(seconds=took, begins_from=begins[1] if begins else "")


def divided(documents: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """One's own documents and others of the same projects, the largest of them: always the same."""
    projects = [[documents[name] for name in names] for names in quality.by_project(documents).values()]
    largest = sorted(projects, key=lambda texts: -characters(texts))
    own: list[str] = []
    measured: list[str] = []
    for texts in largest:
        for text in texts:
            part = measured if characters(measured) * OWN < characters(own) * MEASURED else own
            part.append(text)
            if characters(own) + characters(measured) > OWN + MEASURED:
                return own, measured
    return own, measured


def characters(texts: list[str]) -> int:
    """How long several texts are together."""
    return sum(map(len, texts))


def worth_of(path: Path, documents: list[str]) -> Worth:
    """What a model file is worth on documents."""
    found: Mapping[str, Any] = report(load(path), path, documents, Rest(), Habits()).to_json()["artifact"]
    return Worth(found["nats_per_character_streaming"], found["keystrokes_saved"])


if __name__ == "__main__":
    main()
