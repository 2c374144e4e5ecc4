"""Plants small faults in what the law hangs on, one at a time, and counts how many the tests notice: `make mutants`.

    python -m tests.mutation                              all modules
    python -m tests.mutation elman_server.follow.attempt  one
    python -m tests.mutation --again                      those that survived the last time
    python -m tests.mutation --share 0.2 --seed 7         a fifth of each module's mutants

Every verdict is a line of build/mutants/MODULE.jsonl. `mutants_killed` is the share of mutants that made a test fail or hang.
Survivors that change nothing are named in equivalents.toml, each with a reason. They are printed and counted like any other.
"""

import argparse
import os
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.mutation.plugin import FATES, NOT_GRAFTED, Mutation, verdicts

RESULTS = Path("build/mutants")
EQUIVALENTS = Path(__file__).with_name("equivalents.toml")

FOLLOW = [
    "tests/server/follow/test_attempt_states.py",
    "tests/server/follow/test_editing.py",
    "tests/server/follow/test_checkpoints.py",
    "tests/server/follow/test_document.py",
    "tests/server/follow/test_session.py",
    "tests/laws/test_follow.py",
]
REQUESTS = ["tests/server/requests"]
DOCUMENT = ["tests/client/sync/test_document_by_hand.py", "tests/client/sync/test_document.py"]
TESTS: dict[str, Sequence[str]] = {
    "elman_models.law.sampling": ["tests/models/law/test_sampling.py", "tests/server/requests/test_completion.py"],
    "elman_models.law.state": ["tests/models/law/test_state.py"],
    "elman.protocol.retry": ["tests/client/protocol/test_retry.py"],
    "elman.protocol.exchange": ["tests/client/protocol/test_exchange.py"],
    "elman.sync.hedge": ["tests/client/sync/test_race.py", "tests/client/sync/test_hedge.py"],
    "elman.aio.hedge": ["tests/client/sync/test_race.py", "tests/client/aio/test_hedge.py"],
    "elman_server.engine.ending": ["tests/server/engine/test_ending.py"],
    "elman.protocol.draft": ["tests/client/protocol/test_draft.py", "tests/client/protocol/test_draft_states.py"],
    "elman.protocol.editable": ["tests/client/protocol/test_editable.py"],
    "elman.sync.document": DOCUMENT,
    "elman_server.requests.limits": REQUESTS,
    "elman_server.requests.completion": REQUESTS,
    "elman_server.engine.job": ["tests/server/engine/test_job.py", "tests/server/engine/test_ending.py"],
    "elman_server.follow.checkpoints": FOLLOW,
    "elman_server.follow.followed_text": FOLLOW,
    "elman_server.follow.attempt": FOLLOW,
    "elman_server.follow.editing": FOLLOW,
    "elman_server.follow.session": FOLLOW,
}
"""The modules and, for each, quick tests that are meant to notice."""

OPTIONS = ["-q", "--capture=no", "-p", "no:cacheprovider", "-o", "timeout=0"]
ONE_EXECUTION = ["-k", "not reference and not numpy and not programs and not cuda"]


def main(given: Sequence[str]) -> int:
    """Judge the mutants of every module asked for, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("modules", nargs="*", choices=[[], *TESTS], help="all by default")
    parser.add_argument("--share", type=float, default=1.0, help="how much of each module's mutants is tried")
    parser.add_argument("--seed", type=int, default=1, help="of the lot that chooses them")
    parser.add_argument("--again", action="store_true", help="only those that survived the last time; keep the other verdicts")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder of the verdicts")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)  # the process of one module
    parser.add_argument("--slowest", type=float, default=5.0, help="seconds; tests that take longer are left out")
    arguments = parser.parse_args(given)
    modules: list[str] = arguments.modules or list(TESTS)
    if arguments.one:
        return judge(modules[0], arguments)
    arguments.results.mkdir(parents=True, exist_ok=True)
    dials = ("results", "share", "seed", "slowest")
    passed_on = ["--one", *(f"--{dial}={getattr(arguments, dial)}" for dial in dials), *["--again"] * arguments.again]
    unjudged = [module for module in modules if not is_judged(module, passed_on)]
    print(report([verdict for module in modules for verdict in verdicts(arguments.results / f"{module}.jsonl")]))
    if unjudged:
        print("not judged, for their tests fail without a mutant:", ", ".join(unjudged))
    return len(unjudged)


def is_judged(module: str, passed_on: Sequence[str]) -> bool:
    """Whether the module's mutants were judged, in a process of its own: its tests may fail without any."""
    print(module, flush=True)
    return subprocess.run([sys.executable, "-m", "tests.mutation", module, *passed_on], env=environment()).returncode == 0


def environment() -> dict[str, str]:
    """One thread for the numbers: a fork has none of its parent's."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def judge(module: str, dials: argparse.Namespace) -> int:
    """The mutants of one module."""
    mutation = Mutation(module, dials.results / f"{module}.jsonl", dials.share, dials.seed, dials.slowest, dials.again)
    return int(pytest.main([*OPTIONS, *ONE_EXECUTION, *TESTS[module]], plugins=[mutation]))


def report(judged: Sequence[dict[str, Any]]) -> str:
    """The survivors, and a table by module."""
    fates = Counter((verdict["module"], verdict["fate"]) for verdict in judged)
    reasons = equivalents()
    lines = [
        f"{one['module']}:{one['first_line']}: {one['what']}  (not tried)"
        for one in judged
        if one["fate"] == FATES[NOT_GRAFTED]
    ]
    lines += [
        f"{one['module']}:{one['first_line']}: {one['what']}{remark(one, reasons)}"
        for one in judged
        if one["fate"] == "survived"
    ]
    lines += ["", f"{'module':35} mutants killed timeouts survived  share"]
    totals = [0, 0, 0]
    for module in dict.fromkeys(verdict["module"] for verdict in judged):
        counts = [fates[module, "killed"], fates[module, "timeout"], fates[module, "survived"]]
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        lines.append(row(module, counts))
    share = 1 - totals[2] / max(1, sum(totals))
    return "\n".join([*lines, row("all", totals), f"mutants_killed {share:.3f}"])


def equivalents() -> dict[tuple[str, str, str], str]:
    """Why a mutant changes nothing that a caller sees, by its module, its line's text and its fault."""
    entries = tomllib.loads(EQUIVALENTS.read_text())["equivalent"]
    return {(entry["module"], entry["line"], entry["what"]): entry["reason"] for entry in entries}


def remark(survivor: dict[str, Any], reasons: Mapping[tuple[str, str, str], str]) -> str:
    reason = reasons.get((survivor["module"], survivor["line"], survivor["what"]))
    if reason:
        return f"  (equivalent: {reason})"
    return "" if survivor["tests"] else "  (no test reaches it)"


def row(name: str, counts: Sequence[int]) -> str:
    """One line of the table."""
    killed, timeouts, survived = counts
    return f"{name:35} {sum(counts):7} {killed:6} {timeouts:8} {survived:8}  {1 - survived / max(1, sum(counts)):5.3f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
