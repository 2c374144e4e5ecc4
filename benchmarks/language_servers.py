"""What a language server costs, without an editor (language_client.py), beside one of pygls that computes nothing.

keys      from a key (an edit and a question) to its answer, in turns with the empty server (empty_server.py)
start     from the start of the process to the first answer
memory    what the server holds with three models and ten documents, in each of which something was suggested
"""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from language_client import LanguageClient
from process import Process

HERE = Path(__file__).parent
ELMAN = (sys.executable, "-m", "elman", "lsp")
EMPTY = (sys.executable, str(HERE / "empty_server.py"))
TEXT = (HERE / "language_client.py").read_text()
TYPED = "    def answers(self, numbers: list[int]) -> list[Any]:"
URI = "file:///texts/{}.{}"
TALE, PLAY = (
    "It was the best of times, it was the worst of times.\n" * 20,
    "ROMEO:\nBut, soft! what light through yonder\n" * 20,
)
SHAKESPEARE: dict[str, Any] = {"models": {"*.play": "shakespeare"}}
DOCUMENTS = [("python", "py", TEXT)] * 4 + [("plaintext", "txt", TALE)] * 3 + [("plaintext", "play", PLAY)] * 3
"""Ten, of three models: language, suffix and text."""
MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure."""

    rounds: int  # of turns: a line that is typed at each server
    starts: int


FULL, QUICK = Effort(20, 9), Effort(3, 2)


def measure(is_quick: bool) -> Mapping[str, float]:
    """All figures, by name."""
    effort = QUICK if is_quick else FULL
    return {**keys(effort), **starts(effort), **memory()}


class Typist:
    """Types one line after another at the end of a document."""

    def __init__(self, client: LanguageClient) -> None:
        self._client, self._line = client, TEXT.count("\n")
        self._uri = URI.format("typed", "py")
        client.open(self._uri, "python", TEXT)
        client.ghosts(self._uri, self._line, 0)

    def type(self) -> list[float]:
        """Type a line; the milliseconds of each key."""
        spent: list[float] = []
        for unit, character in enumerate(TYPED):
            began = time.perf_counter()
            self._client.type(self._uri, self._line, unit, character)
            self._client.ghosts(self._uri, self._line, unit + 1)
            spent.append(1000 * (time.perf_counter() - began))
        self._client.type(self._uri, self._line, len(TYPED), "\n")
        self._line += 1
        return spent


def keys(effort: Effort) -> Mapping[str, float]:
    """Keys at both servers, in turns."""
    with LanguageClient(ELMAN) as elman, LanguageClient(EMPTY) as empty:
        for client in elman, empty:
            client.initialize()
        typists = {"elman": Typist(elman), "empty": Typist(empty)}
        before = {name: cpu_milliseconds(client) for name, client in (("elman", elman), ("empty", empty))}
        spent: dict[str, list[float]] = {name: [] for name in typists}
        for _ in range(effort.rounds):
            for name, typist in typists.items():
                spent[name] += typist.type()
        after = {name: cpu_milliseconds(client) for name, client in (("elman", elman), ("empty", empty))}
    found = {
        f"lsp_{name}_ms_p{percent}": float(np.percentile(each, percent)) for name, each in spent.items() for percent in (50, 95)
    }
    found |= {f"lsp_{name}_cpu_ms": (after[name] - before[name]) / len(each) for name, each in spent.items()}
    return found | {
        "lsp_vs_empty_p50": found["lsp_elman_ms_p50"] / found["lsp_empty_ms_p50"],
        "lsp_vs_empty_p95": found["lsp_elman_ms_p95"] / found["lsp_empty_ms_p95"],
        "lsp_over_empty_ms_p95": found["lsp_elman_ms_p95"] - found["lsp_empty_ms_p95"],
    }


def cpu_milliseconds(client: LanguageClient) -> float:
    """The processor time of its server: less noisy than what passes on a busy machine."""
    return 1000 * sum(Process(client.pid, "").cpu())


def starts(effort: Effort) -> Mapping[str, float]:
    """From the start of the process to the first answer, in turns."""
    seconds: dict[str, list[float]] = {"lsp_start_s": [], "lsp_empty_start_s": []}
    for _ in range(effort.starts):
        seconds["lsp_start_s"].append(start(ELMAN))
        seconds["lsp_empty_start_s"].append(start(EMPTY))
    return {name: median(each) for name, each in seconds.items()}


def start(command: Sequence[str]) -> float:
    """The seconds to the first answer, about a document with some text."""
    began = time.perf_counter()
    with LanguageClient(command) as client:
        client.initialize()
        uri = URI.format("first", "py")
        client.open(uri, "python", TEXT)
        client.ghosts(uri, TEXT.count("\n"), 0)
        return time.perf_counter() - began


def memory() -> Mapping[str, float]:
    """What the server holds with three models and ten documents, in each of which something was suggested."""
    with LanguageClient(ELMAN) as client:
        client.initialize(**SHAKESPEARE)
        for number, (language, suffix, text) in enumerate(DOCUMENTS):
            uri = URI.format(number, suffix)
            client.open(uri, language, text)
            client.ghosts(uri, text.count("\n"), 0)
        return {"lsp_memory_mb": Process(client.pid, "").resident_bytes() / MEGABYTE}
