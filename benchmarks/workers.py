"""What a second worker brings, by processor time; what workers cost in memory and at the start; what their deaths cost callers.

    python benchmarks/workers.py [--model NAME|PATH] [--seconds N] [--quick] [--json] [--only capacity start memory kills]

Capacity: completions of 64 characters by each second of the busiest process, at one process and at two workers. Callers and
their connections are in two processes, one pinned to each core; of two workers one is pinned to each core, a single process to
the first. So whatever others do with the cores, what a completion costs is told, and nobody's share depends on where the
scheduler put it. The same callers at both, and half as many at the single process.
Start: from the command to the line of the log that says that all serve, with TLS and the models that come with elman; and
the processor seconds of what happens one after the other until then (the parent, the nursery, the slower worker), which is what
a start takes where nobody else is on the cores.
Memory: of all processes of an idle server with these, proportional (pages that several hold count once).
Kills: a worker is killed each second, the one that has served for longest; the callers are the library's.
Loopback only.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias

import trustme
from load import Rounds, Task
from process import Process, end
from table import show

import elman

HERE: Final = Path(__file__).parent
CHARACTERS: Final = 64
CALLERS: Final = 64
CONNECTIONS: Final = 128
"""Whose calls take turns among these: of fewer, by chance, many more than half may land at one worker."""
CALLS: Final = 512
LOAD_SECONDS: Final = 300.0
SETTLING_SECONDS: Final = 2.0
LIBRARY_CALLERS: Final = 8
KILLED_CHARACTERS: Final = 256
Figures: TypeAlias = dict[str, float]


class Serving:
    """A server, its workers if it has any, and what its log says."""

    def __init__(self, workers: int, *flags: str) -> None:
        command = [sys.executable, "-m", "elman", "serve", "--port=0", "--metrics-port=0", f"--workers={workers}", *flags]
        begun = time.perf_counter()
        self._process = subprocess.Popen([*command, "--log-level=info"], stderr=subprocess.PIPE)
        assert self._process.stderr is not None
        while (facts := json.loads(self._process.stderr.readline()))["event"] != "serving":
            pass
        self.start_seconds = time.perf_counter() - begun
        self.address = f"localhost:{facts['port']}"
        self._drain = subprocess.Popen(["cat"], stdin=self._process.stderr, stdout=subprocess.DEVNULL)
        self.parent = self._process.pid

    @property
    def workers(self) -> list[int]:
        """The processes that serve."""
        return [worker for nursery in children(self.parent) for worker in children(nursery)] or [self.parent]

    @property
    def processes(self) -> list[int]:
        """All processes."""
        return [self.parent, *children(self.parent), *(self.workers if self.workers != [self.parent] else [])]

    def seconds(self) -> dict[int, float]:
        """What each process has taken of the processors."""
        return {each: sum(Process(each, "").cpu()) for each in self.processes}

    def end(self) -> None:
        """Ask it to leave."""
        end(self._process)
        self._drain.wait()


@contextmanager
def serving(workers: int, *flags: str) -> Generator[Serving]:
    """A server that serves."""
    server = Serving(workers, "--drain-notice-seconds=0", *flags)
    try:
        yield server
    finally:
        server.end()


def children(process: int) -> list[int]:
    """The processes that a process has started, proc(5)."""
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def capacity(model: str, options: argparse.Namespace) -> Figures:
    """Completions by each second of the busiest process."""
    found: dict[str, list[float]] = {"one": [], "one_half": [], "two": []}
    cost: dict[str, list[float]] = {name: [] for name in found}
    shares: list[float] = []
    parents: list[float] = []
    task = Task([], CALLS // (4 if options.quick else 1), 1, CHARACTERS, CALLERS // 2)
    with serving(1, f"--model={model}") as one, serving(2, f"--model={model}") as two:
        for server in one, two:
            for core, process in enumerate(server.workers):
                pin(process, core)
        for _ in range(2 if options.quick else 5):
            for name, server, callers in (("one", one, CALLERS), ("one_half", one, CALLERS // 2), ("two", two, CALLERS)):
                spent, calls = load(server, replace(task, callers=callers // 2))
                found[name].append(calls / max(spent))
                cost[name].append(1000 * sum(spent) / calls)
                if name == "two":
                    shares.append(max(spent) / sum(spent))
                    parents.append(1000 * spent[0] / calls)
    capacities = {name: median(each) for name, each in found.items()}
    return {
        **{f"capacity_{name}": each for name, each in capacities.items()},
        **{f"cpu_ms_{name}": median(each) for name, each in cost.items()},
        "cpu_ms_parent": median(parents),
        "busiest_share": median(shares),
        "workers_2_vs_1": capacities["two"] / capacities["one"],
        "workers_2_vs_1_half": capacities["two"] / capacities["one_half"],
    }


def pin(process: int, core: int) -> None:
    """Have all threads of a process run on one core."""
    cores = sorted(os.sched_getaffinity(0))
    for thread in Path(f"/proc/{process}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {cores[core % len(cores)]})


def load(server: Serving, task: Task) -> tuple[list[float], int]:
    """The processor seconds of each process under two processes of callers, and the number of calls."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    tasks = [replace(task, addresses=[server.address], connections=CONNECTIONS // 2, core=core) for core in cores]
    before = server.seconds()
    rounds = run_loads(tasks)
    spent = [now - before[process] for process, now in server.seconds().items()]
    if failures := sum(each.failures for each in rounds):
        raise RuntimeError(f"{failures} calls failed")
    return spent, sum(each.calls + each.warm_up_calls for each in tasks)


def run_loads(tasks: Sequence[Task]) -> list[Rounds]:
    """Callers in processes of their own, all at a time."""
    with tempfile.TemporaryDirectory() as folder:
        running: list[subprocess.Popen[bytes]] = []
        for number, task in enumerate(tasks):
            path = Path(folder) / f"{number}.json"
            path.write_text(json.dumps(asdict(task)))
            running += [subprocess.Popen([sys.executable, str(HERE / "load.py"), str(path)], stdout=subprocess.PIPE)]
        said = [each.communicate(timeout=LOAD_SECONDS)[0] for each in running]
    return [Rounds(**one) for each in said for one in json.loads(each)]


def start(_model: str, options: argparse.Namespace) -> Figures:
    """Seconds until all serve."""
    taken: dict[int, list[float]] = {1: [], 2: []}
    path: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        flags = tls(Path(folder))
        for _ in range(2 if options.quick else 5):
            for workers, each in taken.items():
                with serving(workers, *flags) as server:
                    each.append(server.start_seconds)
                    spent = [*server.seconds().values()]
                    path[workers].append(sum(spent[:2]) + max(spent[2:], default=0.0))
    return {
        **{f"start_s_{workers}": median(each) for workers, each in taken.items()},
        **{f"start_cpu_s_{workers}": median(each) for workers, each in path.items()},
    }


def tls(folder: Path) -> list[str]:
    """The flags of a certificate."""
    leaf = trustme.CA().issue_cert("localhost")
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    (folder / "key.pem").write_bytes(leaf.private_key_pem.bytes())
    return [f"--tls-certificate={folder}/cert.pem", f"--tls-key={folder}/key.pem"]


def memory(_model: str, _options: argparse.Namespace) -> Figures:
    """Megabytes of all processes."""
    found: Figures = {}
    for workers in (1, 2):
        with serving(workers) as server:
            time.sleep(SETTLING_SECONDS)
            found[f"memory_mb_{workers}"] = sum(map(proportional_bytes, server.processes)) / 1e6
            if workers > 1:
                found["memory_mb_parent"] = proportional_bytes(server.parent) / 1e6
    return found


def proportional_bytes(process: int) -> int:
    """The resident memory, of which what several processes hold is divided among them."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("Pss:")))


def kills(model: str, options: argparse.Namespace) -> Figures:
    """How the library's callers fare while workers are killed."""
    with serving(2, f"--model={model}") as server:
        ended, longest = asyncio.run(kill_under_load(server, 10.0 if options.quick else options.seconds))
    return {
        "killed": ended.pop("killed"),
        "killed_calls": ended.total(),
        "killed_failed": ended.total() - ended["OK"],
        "killed_longest_s": longest,
    }


async def kill_under_load(server: Serving, seconds: float) -> tuple[Counter[str], float]:
    """How calls ended, beside how many workers were killed; and what the longest took."""
    ended = Counter[str](killed=0)
    took: list[float] = []
    is_over = False

    async def ask(client: elman.AsyncClient) -> None:
        while not is_over:
            begun = time.monotonic()
            try:
                text = await client.complete("e", max_characters=KILLED_CHARACTERS).read()
                ended["OK" if len(text) == KILLED_CHARACTERS else "SHORT"] += 1
            except elman.ElmanError as error:
                ended[type(error).__name__] += 1
            took.append(time.monotonic() - begun)

    clients = [elman.AsyncClient(server.address) for _ in range(LIBRARY_CALLERS)]
    asking = [asyncio.create_task(ask(client)) for client in clients]
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        await asyncio.sleep(1.0)
        os.kill(server.workers[0], signal.SIGKILL)  # they stand in the order in which they were started
        ended["killed"] += 1
    is_over = True
    await asyncio.gather(*asking)
    for client in clients:
        await client.close()
    return ended, max(took)


PARTS: Final[Mapping[str, Callable[[str, argparse.Namespace], Figures]]] = {
    "capacity": capacity,
    "start": start,
    "memory": memory,
    "kills": kills,
}


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="shakespeare", help="a shipped model or a file")
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long workers are killed")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    for name in options.only:
        found |= PARTS[name](options.model, options)
    if options.json:
        print(json.dumps({"figures": found}, indent=2))
    else:
        show("Workers", ["figure", "value"], [[name, value] for name, value in found.items()])


if __name__ == "__main__":
    main()
