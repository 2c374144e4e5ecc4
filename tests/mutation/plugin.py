"""Instead of running the tests once, pytest runs them for each mutant of one module, each in a fork of the collected session.

So imports and collection are paid once. A first fork runs all tests to learn how long each takes and which lines it reaches; a
mutant meets those that reach it, file by file, the quickest of each first, until one fails.
"""

import importlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tests.mutation.graft import NotGrafted, graft
from tests.mutation.operators import Mutant, mutants, mutated

KILLED, SURVIVED, TIMEOUT, NOT_GRAFTED = range(4)
FATES = ("killed", "survived", "timeout", "not grafted")
LEAST_SECONDS, PATIENCE = 6.0, 5.0
"""A mutant may take PATIENCE times as long as its tests take without it, and LEAST_SECONDS more."""

BASELINE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Reach:
    """What one test does without a mutant."""

    seconds: float
    lines: list[int]


class Mutation:
    """One module, and where the verdicts go."""

    def __init__(self, module: str, results: Path, share: float, seed: int, slowest: float, again: bool) -> None:
        self._module = importlib.import_module(module)
        self._path = Path(str(self._module.__file__))
        self._source = self._path.read_text()
        self._results = results
        self._survivors = {one["number"] for one in verdicts(results) if one["fate"] == "survived"} if again else None
        if not again:
            results.write_text("")
        self._share, self._seed, self._slowest = share, seed, slowest

    def pytest_collection(self) -> None:
        """Before the tests are loaded, make their examples few and the same for every mutant."""
        from hypothesis import HealthCheck, Phase, settings  # not before pytest has prepared it

        settings.register_profile(
            "mutants",
            max_examples=25,
            phases=[Phase.explicit, Phase.generate],  # to shrink what fails takes time and tells nothing here
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """For every mutant, run what reaches it."""
        items = {item.nodeid: item for item in session.items}
        reaches = self._baseline(session)
        found = [mutant for mutant in mutants(self._source) if self._survivors is None or mutant.number in self._survivors]
        kept = random.Random(self._seed).sample(found, round(self._share * len(found)))

        def is_late(mutant: Mutant) -> bool:
            tests = [name for name, reach in reaches.items() if meets(reach, mutant)]
            seconds = LEAST_SECONDS + PATIENCE * sum(reaches[name].seconds for name in tests)
            return self._judge(session, mutant, [items[name] for name in tests], seconds) == TIMEOUT

        for mutant in [mutant for mutant in sorted(kept, key=lambda one: one.number) if is_late(mutant)]:
            is_late(mutant)  # once more, now that all others are judged: the machine may have been busy
        return True

    def _judge(self, session: pytest.Session, mutant: Mutant, tests: Sequence[pytest.Item], seconds: float) -> int:
        """The mutant's fate, which is also written down; the last one written counts."""
        began = time.monotonic()

        def run() -> int:
            try:
                graft(mutated(self._source, mutant.number), self._module)
            except NotGrafted:
                return NOT_GRAFTED
            except Exception:  # it does not even load
                return KILLED
            return KILLED if any(failures(session, tests)) else SURVIVED

        fate = forked(run, seconds) if tests else SURVIVED
        line = self._source.splitlines()[mutant.first_line - 1].strip()
        said = {"module": self._module.__name__, **asdict(mutant), "line": line}
        said["fate"] = FATES[fate] if fate < len(FATES) else "killed"
        took = {"tests": len(tests), "seconds": round(time.monotonic() - began, 2)}
        with self._results.open("a") as file:
            file.write(json.dumps({**said, **took}) + "\n")
        return fate

    def _baseline(self, session: pytest.Session) -> dict[str, Reach]:
        """What each test takes and reaches. Exits if one fails that reaches the module."""
        kept = self._results.with_suffix(".baseline")

        def run() -> int:
            reaches, failed = self._traced(session)
            kept.write_text(json.dumps({"reaches": reaches, "failed": failed}))
            return 0

        if forked(run, BASELINE_SECONDS) != 0:
            pytest.exit("the tests do not end without a mutant", 1)
        learned = json.loads(kept.read_text())
        if learned["failed"]:
            pytest.exit(f"fail without a mutant: {learned['failed']}", 1)
        reaches = {name: Reach(**reach) for name, reach in learned["reaches"].items()}
        quick = [name for name, reach in reaches.items() if reach.seconds <= self._slowest]
        files = list(dict.fromkeys(name.split("::")[0] for name in reaches))  # in the order in which they were named
        return {
            name: reaches[name]
            for name in sorted(quick, key=lambda name: (files.index(name.split("::")[0]), reaches[name].seconds))
        }

    def _traced(self, session: pytest.Session) -> tuple[dict[str, Any], list[str]]:
        reached = set[int]()
        name = str(self._path)

        def trace(frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
            if frame.f_code.co_filename != name:
                return None
            reached.add(frame.f_lineno)
            return trace

        sys.settrace(trace)
        threading.settrace(trace)
        reaches, failed = dict[str, Any](), list[str]()
        began = time.monotonic()
        for item, has_failed in zip(session.items, failures(session, session.items), strict=True):
            reaches[item.nodeid] = asdict(Reach(time.monotonic() - began, sorted(reached)))
            began = time.monotonic()
            reached.clear()
            if has_failed and reaches[item.nodeid]["lines"]:
                failed.append(item.nodeid)
        return reaches, failed


def verdicts(results: Path) -> list[dict[str, Any]]:
    """What became of the mutants of one module. Of one that was judged twice, the last."""
    judged = [json.loads(line) for line in results.read_text().splitlines()]
    return list({verdict["number"]: verdict for verdict in judged}.values())


def failures(session: pytest.Session, tests: Sequence[pytest.Item]) -> Any:
    """Whether each test fails, as it is run."""
    for place, item in enumerate(tests):
        before = session.testsfailed
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=tests[place + 1] if place + 1 < len(tests) else None)
        yield session.testsfailed > before


def meets(reach: Reach, mutant: Mutant) -> bool:
    """Whether a test may notice."""
    return mutant.is_always_run or any(mutant.first_line <= line <= mutant.last_line for line in reach.lines)


def forked(run: Callable[[], int], seconds: float) -> int:
    """What the function returns in a process of its own, in silence; TIMEOUT if it takes longer."""
    child = os.fork()
    if child == 0:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        try:
            os._exit(run())
        finally:
            os._exit(KILLED)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else KILLED
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return TIMEOUT
