"""Hard weather: more load than a server carries, greedy neighbours, callers who leave, and what they make it hold.

    python benchmarks/weather.py [--model NAME|PATH] [--seconds 5] [--json]
                                 [--only overload fairness reset streams memory readers exit log restarts]

Overload: calls for 256 characters with deadlines of 1 s, at random times, at 1, 1.5 and 3 times what a closed loop of 16
callers carries; goodput is the share of that which ends in time. Recovery: from 3 s at 1.5 times on, at 0.7 times, until nine
tenths of the calls of half a second end in time.
Fairness: from a key to its first suggested character over Follow, p99, beside 200 and 400 streams that never end, and beside 16
calls of 16 alternatives each.
Reset: 8 callers of 64 characters beside one who begins calls and resets them at once (resets.py).
Streams: the share of calls that fail of 80, 95 and 200 callers on one connection, which may have 100 at a time; then with
the policy of retries that deploy/README.md gives.
Memory: the most that is resident under 17 calls of two million stop strings, 150 at once with prefixes of 1 MiB, of ASCII and
with one character beyond it, and then 3,000 connections that say nothing, of which the server keeps as many as it may.
Readers: what 300 who stop reading cost each, what is kept of it once they are gone, and how much more after 300 again.
Log: of 1,500 calls to a server whose standard error nobody reads, how many take longer than a tenth of a second.
Restarts: the share of calls that fail in four rolling restarts, and in six roll-outs of another model, of some kinds of callers
(restarts.py).
Exit: from SIGTERM to the end, beyond the notice, with an idle document.

Floors: the same of a server of grpc.aio alone (floor_server.py), which computes nothing and writes as many messages: callers
take their share of the same cores, and what they wait for there is not ours. Of refusals there are two: where all are refused
and nothing else runs; and where as many calls are served as by ours, in as many messages, beside a process that burns what the
engine had of a core (`engine_busy_300`). `goodput_300_bound`: a third of three times the load goes to our server, and the rest
to one of grpc.aio alone, which refuses it unread. So much is left where to refuse costs both sides the least that it can.
`loop_busy_300`: the share of a core that the event loop had at three times the load.
`callers_late_p99_ms`: how late the callers' own loop began a call then, which is in every figure of theirs, and once more until
they see an answer.

Loopback only, and bounded in calls and time. The callers live in a process of their own (storm.py).
"""

import argparse
import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import open_streams
import restarts
from process import Cpu, Process, running
from storm import METHOD, Ended, Task
from table import show

import elman
from elman.languages import PROSE
from elman.v1 import completion_service_pb2 as pb

HERE = Path(__file__).parent
DEADLINE, CAPACITY_CALLERS = 1.0, 16
LOADS = (1.0, 1.5, 3.0)
WINDOW_SECONDS, RECOVERED = 0.5, 0.9
ENDLESS = 1 << 20
KEYS = 200
MIB = 1 << 20
READERS = 300
SILENT, SILENT_SECONDS, OWN_FILES = 3000, 1.0, 100
ON_ONE_CONNECTION = (80, 95, 200)
LOGGED, DELAYED_SECONDS = 1500, 0.1
NOTICE_SECONDS = 2.0
OTHER = PROSE
"""What is rolled out."""
BURN = """
import os, sys, time
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
share = float(sys.argv[1])
while True:
    began, spent = time.perf_counter(), time.process_time()
    while time.process_time() < spent + 0.003:
        pass
    time.sleep(max(0.0, 0.003 / share - (time.perf_counter() - began)))
"""
"""What takes a share of a core: 3 ms of it at a time."""
TRIMMED_SECONDS = 6.0
"""After which the server has given back what is free: it does so every five seconds."""
Figures = dict[str, float]


def main() -> None:
    """Measure, and print a table or JSON."""
    options = parse()
    figures: Figures = {}
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            if name in QUESTIONS:
                with serving(options.model, Path(folder) / "log") as server:
                    figures |= QUESTIONS[name](server, options.seconds)
            else:
                figures |= OTHERS[name](options.model, Path(folder))
    if options.json:
        print(json.dumps({"figures": figures}, indent=2))
    else:
        show("Hard weather", ["figure", "value"], [[name, float(value)] for name, value in figures.items()])


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="shakespeare", help="a shipped model or a file")
    parser.add_argument(
        "--only", nargs="+", choices=[*QUESTIONS, *OTHERS], default=[*QUESTIONS, *OTHERS], help="what to measure"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each load lasts, at most 60")
    parser.add_argument("--json", action="store_true", help="print JSON, with the map `figures`")
    options = parser.parse_args()
    options.seconds = min(options.seconds, 60.0)
    return options


@contextmanager
def serving(model: str, log: Path | None) -> Generator[Process]:
    """A server of the model, as it is started by default; without a log, nobody reads what it says."""
    arguments = ["-m", "elman", "serve", "--model", model, "--port", "{port}", "--metrics-port", "0"]
    with running(arguments, log) as server:
        yield server


@contextmanager
def floor(interval: float, served: float = 0.0, messages: int = 0) -> Generator[Process]:
    """The server that computes nothing: a message every so many seconds to an endless call.

    With an interval of 0 it refuses all but a share of the calls, which it serves in so many messages.
    """
    arguments = [str(HERE / "floor_server.py"), "{port}", str(interval), str(served), str(messages)]
    with tempfile.NamedTemporaryFile() as log, running(arguments, Path(log.name)) as server:
        yield server


@contextmanager
def burning(share: float) -> Generator[None]:
    """A process that takes such a share of a core in pieces of a tick, as the engine does, beside the block."""
    with subprocess.Popen([sys.executable, "-c", BURN, str(share)]) as burner:
        try:
            yield
        finally:
            burner.kill()


class Blowing:
    """A storm in a process of its own."""

    def __init__(self, task: Task) -> None:
        self._file = tempfile.NamedTemporaryFile("w", suffix=".json")  # noqa: SIM115 # closed in `ended`
        json.dump(asdict(task), self._file)
        self._file.flush()
        command = [sys.executable, str(HERE / "storm.py"), self._file.name]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)

    def ended(self) -> list[Ended]:
        """How its calls ended, once it is over."""
        said, _ = self._process.communicate(timeout=300)
        self._file.close()
        return [Ended(**each) for each in json.loads(said)]

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._file.close()


def storm(task: Task) -> list[Ended]:
    """How the calls of a task ended."""
    return Blowing(task).ended()


def in_time(ended: Sequence[Ended]) -> list[Ended]:
    """Those that ended well before their deadline."""
    return [each for each in ended if each.status == "OK" and each.seconds <= DEADLINE]


def refused_of(ended: Sequence[Ended]) -> list[Ended]:
    """Those that were told to come back."""
    return [each for each in ended if each.status == "RESOURCE_EXHAUSTED"]


def p99_ms(ended: Sequence[Ended]) -> float:
    """Of the times from due to ended; not a number where there is none."""
    return 1000 * float(np.quantile([each.seconds for each in ended] or [np.nan], 0.99))


def overload(server: Process, seconds: float) -> Figures:
    """What of the capacity ends in time under more and more load, and how soon all is well after it."""

    def closed(callers: int) -> float:
        ended = storm(Task(server.address, seconds, callers=callers, deadline_seconds=30))
        return sum(each.status == "OK" for each in ended) / seconds

    closed(CAPACITY_CALLERS)  # warms up
    capacity, crowd = closed(CAPACITY_CALLERS), closed(256)
    figures = {"capacity_calls_a_second": capacity, "throughput_256_vs_16": crowd / capacity}
    for load in LOADS:
        before = server.cpu()
        ended = storm(Task(server.address, rates=[(seconds, load * capacity)]))
        spent = server.cpu().since(before)
        figures[f"loop_busy_{100 * load:.0f}"] = spent.loop / seconds
        figures[f"engine_busy_{100 * load:.0f}"] = spent.engine / seconds
        figures[f"goodput_{100 * load:.0f}"] = len(in_time(ended)) / seconds / capacity
        figures |= {"admitted_p99_ms": p99_ms(in_time(ended)), "refusal_p99_ms": p99_ms(refused_of(ended))}
        figures["callers_late_p99_ms"] = 1000 * float(np.quantile([each.late for each in ended], 0.99))
        others = Counter(each.status for each in ended if each.status not in {"OK", "RESOURCE_EXHAUSTED"})
        figures[f"other_statuses_{100 * load:.0f}"] = sum(others.values()) / len(ended)
        if load == LOADS[-1]:
            figures |= refusal_floors(ended, spent, seconds)
            figures[f"goodput_{100 * load:.0f}_bound"] = refused_elsewhere(server, seconds, capacity, load) / seconds / capacity
    storms = [(3.0, 1.5 * capacity), (6.0, 0.7 * capacity)]
    calm = [replace(each, due=each.due - 3.0) for each in storm(Task(server.address, rates=storms)) if each.due >= storms[0][0]]
    return figures | {"recovery_s": recovery(calm)}


def refusal_floors(ended: Sequence[Ended], spent: Cpu, seconds: float) -> Figures:
    """What a refusal takes at a server that computes nothing, under the calls of a storm that ended so."""
    served = [each.messages for each in ended if each.status == "OK"]
    rates = [(seconds, len(ended) / seconds)]
    with floor(0.0) as refusing:
        alone = storm(Task(refusing.address, rates=rates))
    with (
        floor(0.0, len(served) / len(ended), round(sum(served) / len(served))) as serving_some,
        burning(spent.engine / seconds),
    ):
        beside = storm(Task(serving_some.address, rates=rates))
    return {"refusal_floor_ms": p99_ms(refused_of(alone)), "refusal_busy_floor_ms": p99_ms(refused_of(beside))}


def refused_elsewhere(server: Process, seconds: float, capacity: float, load: float) -> int:
    """How many calls end in time if what is beyond the capacity goes to a server that refuses all of it."""
    with floor(0.0) as refusing:
        surplus = Blowing(Task(refusing.address, rates=[(seconds, (load - 1) * capacity)]))
        ended = storm(Task(server.address, rates=[(seconds, capacity)]))
        surplus.ended()
    return len(in_time(ended))


def recovery(ended: Sequence[Ended]) -> float:
    """The first moment from which on the calls of a window end in time."""
    for start in np.arange(0, 6 - WINDOW_SECONDS, 0.1):
        window = [each for each in ended if start <= each.due < start + WINDOW_SECONDS]
        if len(in_time(window)) >= RECOVERED * len(window):
            return float(start)
    return float("inf")


def fairness(server: Process, seconds: float) -> Figures:
    """From a key to its first suggested character, beside greedy neighbours."""
    neighbours = {
        "typist_alone": None,
        "typist_200": Task(server.address, seconds + 2, ENDLESS, callers=200, deadline_seconds=0),
        "typist_400": Task(server.address, seconds + 2, ENDLESS, callers=400, deadline_seconds=0),
        "typist_16x16": Task(server.address, seconds + 2, ENDLESS, 16, callers=16, deadline_seconds=0),
    }
    figures: Figures = {}
    for name, task in neighbours.items():
        times, messages = keys_beside(server, seconds, task)
        figures[name] = 1000 * float(np.quantile(times, 0.99))
        interval = task.callers / messages if task else 1.0
        with floor(interval) as still:
            times, _ = keys_beside(still, seconds, replace(task, address=still.address, alternatives=1) if task else None)
        figures[f"{name}_floor"] = 1000 * float(np.quantile(times, 0.99))
    return figures


def keys_beside(server: Process, seconds: float, task: Task | None) -> tuple[list[float], float]:
    """The times of a typist's keys beside a storm, and how many messages a second the storm was sent."""
    if task is None:
        return keys(server, seconds), 0.0
    blowing = Blowing(task)
    try:
        time.sleep(2)  # until all have begun
        times = keys(server, seconds)
        return times, sum(each.messages for each in blowing.ended()) / task.seconds
    finally:
        blowing.stop()


def keys(server: Process, seconds: float) -> list[float]:
    """From each of a typist's keys to the first character suggested for it, in seconds."""
    found: list[float] = []
    with elman.Client(server.address) as client, client.document("", min_confidence=0) as document:
        end = time.perf_counter() + seconds
        for character in "the quick brown fox " * KEYS:
            if len(found) == KEYS or time.perf_counter() > end:
                break
            began = time.perf_counter()
            document.insert(character)
            next(iter(document.suggestions()), None)
            found.append(time.perf_counter() - began)
    return found


def reset(server: Process, seconds: float) -> Figures:
    """Who begins calls and resets them disturbs nobody."""
    ended = beside_resets(server, seconds)
    failed = sum(each.status != "OK" for each in ended) / len(ended)
    with floor(1.0) as still:
        least = p99_ms(beside_resets(still, seconds))
    return {"reset_failures": failed, "reset_p99_ms": p99_ms(ended), "reset_floor_ms": least}


def beside_resets(server: Process, seconds: float) -> list[Ended]:
    """How the calls of steady callers end beside one who resets its own."""
    port = server.address.rpartition(":")[2]
    with subprocess.Popen(
        [sys.executable, str(HERE / "resets.py"), port, str(seconds + 2)], stdout=subprocess.PIPE
    ) as resetting:
        time.sleep(1)
        ended = storm(Task(server.address, seconds, 64, callers=8, deadline_seconds=30))
        resetting.communicate(timeout=60)
    if resetting.returncode:
        raise RuntimeError("resets.py did not get to its end")
    return ended


def streams(server: Process, seconds: float) -> Figures:
    """The share of calls that gRPC refuses who has many at a time on one connection."""
    (advised,) = re.findall(r"```json\n(.*?)```", (HERE.parent / "deploy/README.md").read_text(), re.DOTALL)
    figures: Figures = {}
    for callers in ON_ONE_CONNECTION:
        for kind, config in (("failed", ""), ("failed_retried", advised)):
            ended = storm(Task(server.address, seconds, 16, 1, 30.0, 1, callers, service_config=config))
            figures[f"streams_{kind}_{callers}"] = sum(each.status != "OK" for each in ended) / len(ended)
    return figures


def memory(server: Process, _: float) -> Figures:
    """The most that is resident whatever is sent."""
    bomb = pb.CompleteRequest(limits=pb.Limits(stop=[""] * 1_999_000)).SerializeToString()
    longest = [pb.CompleteRequest(prefix=start + "a" * (MIB - 4)).SerializeToString() for start in ("aaaa", "😀")]
    peak = asyncio.run(peak_bytes(server, [[bomb]] * 17 + [[each] * 150 for each in longest]))
    return {"peak_rss_mb": peak / 1e6}


async def peak_bytes(server: Process, bursts: Sequence[Sequence[bytes]]) -> int:
    """The most that was resident during bursts of calls, one after the other."""
    peak = 0

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, server.resident_bytes())
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    async with grpc.aio.insecure_channel(server.address) as channel:
        unary: Any = channel.unary_stream
        method = unary(METHOD)
        for burst in bursts:
            await asyncio.gather(*(ask(method, request) for request in burst))
    await say_nothing(server)
    watching.cancel()
    return peak


async def say_nothing(server: Process) -> None:
    """Open many connections, one after the other, and keep what the server leaves of them for a moment."""
    host, _, port = server.address.rpartition(":")
    writers: list[asyncio.StreamWriter] = []
    for _ in range(min(SILENT, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OWN_FILES)):
        _, writer = await asyncio.open_connection(host, int(port))
        writers.append(writer)
    await asyncio.sleep(SILENT_SECONDS)
    for writer in writers:
        writer.close()


async def ask(method: Any, request: bytes) -> None:
    """Ask and read to the end, whatever it is."""
    call = method(request, timeout=20.0)
    with suppress(grpc.aio.AioRpcError):
        async for _ in call:
            pass
    call.cancel()


def readers(server: Process, _: float) -> Figures:
    """What readers who stop cost, what is kept of it, and how much more after as many again."""
    held, opened = [server.resident_bytes() / 1e6], list[float]()
    for _ in range(2):
        opened.append(asyncio.run(open_streams.measure("slow", server, [READERS], 10.0))[-2].megabytes)
        time.sleep(TRIMMED_SECONDS)
        held.append(server.resident_bytes() / 1e6)
    before, first, second = held
    return {
        "reader_mb": (opened[0] - before) / READERS,
        "readers_kept_mb": first - before,
        "readers_kept_again_mb": second - first,
    }


def exit_seconds(server: Process, _: float) -> Figures:
    """From SIGTERM to the end, beyond the notice."""
    with elman.Client(server.address) as client, client.document("abc") as document:
        list(document.suggestions())  # its stream stays open
        began = time.perf_counter()
        os.kill(server.identifier, signal.SIGTERM)
        while not has_ended(server) and time.perf_counter() < began + 60:
            time.sleep(0.01)
    return {"exit_s": time.perf_counter() - began - NOTICE_SECONDS}


def has_ended(server: Process) -> bool:
    """Whether it waits for nothing but to be noticed, proc(5): field 3 of stat."""
    return Path(f"/proc/{server.identifier}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def blocked_log(model: str, _: Path) -> Figures:
    """Calls that are delayed where nobody reads standard error."""
    with serving(model, None) as server, elman.Client(server.address) as client:
        delayed = 0
        for _number in range(LOGGED):  # several times what a pipe holds
            began = time.perf_counter()
            client.score("a")
            delayed += time.perf_counter() - began > DELAYED_SECONDS
    return {"blocked_log_delayed": delayed}


def rolling_restarts(model: str, folder: Path) -> Figures:
    """The share of calls that fail."""
    rolled = restarts.measure_rollouts((model, OTHER), folder, restarts.SERVERS)["statuses"]
    kinds = {"restart": restarts.measure(model, folder), "rollout": rolled}
    return {f"{kind}_failed_{name}": one for kind, ended in kinds.items() for name, one in restarts.failed(ended).items()}


QUESTIONS: Mapping[str, Callable[[Process, float], Figures]] = {
    "overload": overload,
    "fairness": fairness,
    "reset": reset,
    "streams": streams,
    "memory": memory,
    "readers": readers,
    "exit": exit_seconds,
}
"""About a server that is running."""
OTHERS: Mapping[str, Callable[[str, Path], Figures]] = {"log": blocked_log, "restarts": rolling_restarts}
"""About a model, of which they start servers as they need them."""


if __name__ == "__main__":
    main()
