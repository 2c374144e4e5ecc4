"""A large document in an editor: how long it blocks, and how long until there is a ghost, with and without a bounded context.

    python benchmarks/large_documents.py [--characters 1000000] [--model python] [--rounds 3] [--json]

The text is this Python's standard library; the engine runs in the process. The two take turns.

opened:        Client.document, which is all that an editor waits for
first ghost:   from there to the first suggestion at the end
a key:         typed at the end, the whole of its suggestion included
edit at start: a line put in at the start, and its suggestion
back:          the cursor moved to the end again, and its first suggestion
read ahead:    what is done in a rest, and the same again after it
"""

import argparse
import json
import sysconfig
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Final

from table import show

import elman
from elman.sync.document import Document

CONTEXTS: Final[Mapping[str, int | None]] = {"whole": None, "65,536": 65_536}
KEYS: Final = "self, argument=None):"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--model", default="python")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    text = library(options.characters)
    found: dict[str, dict[str, list[float]]] = {name: {} for name in CONTEXTS}
    with elman.open(options.model) as client:
        for _ in range(options.rounds):
            for name, context in CONTEXTS.items():
                started = time.perf_counter()
                with client.document(text, context_characters=context) as document:
                    note(found[name], "opened, ms", 1e3 * (time.perf_counter() - started))
                    measure(document, found[name], rests=context is not None)
    result = {name: {what: median(times) for what, times in each.items()} for name, each in found.items()}
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        rows = [[what, *(result[name].get(what, "") for name in CONTEXTS)] for what in result["65,536"]]
        show(f"{len(text):,} characters, medians of {options.rounds}", ["", *CONTEXTS], rows)


def library(characters: int) -> str:
    """Python's standard library, up to a definition that is begun."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    text = "".join(file.read_text(errors="replace") for file in files)[:characters]
    return f"{text[: text.rindex(chr(10))]}\ndef begin("


def measure(document: Document, found: dict[str, list[float]], *, rests: bool) -> None:
    """One round with a document that was just opened."""
    end = document.cursor
    note(found, "first ghost, ms", timed(document, lambda: None, first=True))
    note(found, "a key, ms", median(timed(document, lambda key=key: document.insert(key)) for key in KEYS))
    end += len(KEYS)
    note(found, "edit at start, ms", timed(document, lambda: document.replace(0, 0, "import os\n")))
    end += len("import os\n")
    note(found, "back, ms", timed(document, lambda: document.move(end), first=True))
    if rests:
        note(found, "read ahead, s", rest(document))
        note(found, "start and back after it, ms", timed_jump(document, 0, end))
        note(found, "200,000 back after it, ms", timed_jump(document, 0, document.text.rindex("\n", 0, end - 200_000)))


def timed(document: Document, act: Callable[[], object], *, first: bool = False) -> float:
    """Milliseconds from an act to the suggestions, or to the first, if any comes."""
    started = time.perf_counter()
    act()
    suggestions = document.suggestions()
    taken = 0.0
    for _ in suggestions:
        taken = taken or time.perf_counter() - started
    return 1e3 * (taken if first and taken else time.perf_counter() - started)


def timed_jump(document: Document, start: int, end: int) -> float:
    """Milliseconds from a move to the first suggestion, after one to another place."""
    timed(document, lambda: document.move(start))
    return timed(document, lambda: document.move(end), first=True)


def rest(document: Document) -> float:
    """Do nothing until nothing is left to read; seconds."""
    waiting = threading.Thread(target=document.wait)
    started = time.perf_counter()
    waiting.start()
    while not document._is_read:  # pyright: ignore[reportPrivateUsage]  (nobody else needs to know)
        time.sleep(0.01)
    taken = time.perf_counter() - started
    document.insert(" ")
    waiting.join()
    return taken


def note(found: dict[str, list[float]], what: str, value: float) -> None:
    """One more value."""
    found.setdefault(what, []).append(value)


if __name__ == "__main__":
    main()
