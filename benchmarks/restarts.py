"""Rolling restarts, and roll-outs of models, at real servers under load: what callers notice, plain ones and the library's.

    python benchmarks/restarts.py [--model NAME|PATH] [--other NAME|PATH] [--only restarts one three] [--restarts 4]

prints a JSON object: how the calls ended, and for roll-outs the time that loading took and the memory that was resident.

Restarts: of three servers, one after another is asked to leave (SIGTERM), ends, and is started anew on its port, four times in
all. Roll-outs: the model's file is replaced by the other's and back, and SIGHUP sent: four times at one server, and at three in
turn, six times. An old model answers for a second (--grace-seconds).

The plain callers are gRPC's own round robin over the addresses, as it comes: without a policy of retries and without health
checks. The advised ones have the service config of deploy/README.md but for its retries. The others are the library's:
completions; completions that go on from the state of the one before, and send the text again where they are told to
(`sent_again`); documents, a call for each key; and, in a roll-out, texts of several requests. Plain callers
and the library's completions are there once more behind an Envoy, if there is one (proxy.py). Loopback only.
"""

import argparse
import asyncio
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
from process import PAGE_BYTES, end, free_port, wait_until_ready
from proxy import envoy_before

import elman
from elman.channel import SERVICE_CONFIG
from elman.languages import PROSE
from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub
from elman_models.shipped import find

SERVERS: Final = 3
RESTARTS: Final = 4
MOST_RESTARTS: Final = 100
ROLLOUTS: Final = {1: 4, 3: 6}  # at as many servers
CALLERS: Final = 8  # plain, and of the library's completions
OTHERS: Final = 2  # of each other kind
CHARACTERS: Final = 64
CHAINED: Final = 1000
"""The characters that are sent again."""
LONG: Final = 300_000
"""More characters than one request has."""
GRACE_SECONDS: Final = 1
SETTLING_SECONDS: Final = 2.0
"""Before the first restart and after each: gRPC's clients look for a server that was away after a second."""
NOTICE_SECONDS: Final = 1
ROUND_ROBIN: Final[dict[str, object]] = {"loadBalancingConfig": [{"round_robin": {}}]}


class Replica:
    """A server that can be started anew on its port, and whose model's file can be replaced."""

    def __init__(self, model: str, folder: Path, **flags: float) -> None:
        folder.mkdir(parents=True)
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self._file, self._log = folder / "served.safetensors", folder / "log"
        shutil.copy(find(model)[1], self._file)
        given = {"port": port, "metrics_port": 0, "drain_notice_seconds": NOTICE_SECONDS, **flags}
        words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        self._command = [sys.executable, "-m", "elman", "serve", "--model", str(self._file), *words]
        self._start()

    def _start(self) -> None:
        with self._log.open("a") as file:
            self._process = subprocess.Popen(self._command, stdout=file, stderr=file)
        wait_until_ready(self.address, self._process, self._log)

    def restart(self) -> None:
        """Ask it to leave, and start it anew once it has."""
        end(self._process)
        self._start()

    def roll_out(self, model: str) -> None:
        """Put another model into its file, and have that read."""
        new = self._file.with_suffix(".new")
        shutil.copy(find(model)[1], new)
        new.rename(self._file)
        self._process.send_signal(signal.SIGHUP)

    def resident_bytes(self) -> int:
        """The memory that it holds."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * PAGE_BYTES

    def logged(self, event: str) -> list[dict[str, Any]]:
        """What its log says of an event."""
        return [line for line in map(json.loads, self._log.read_text().splitlines()) if line["event"] == event]

    def wait_until_loaded(self, times: int) -> None:
        """Wait until it has loaded a model so often."""
        while len(self.logged("model loaded")) < times:
            time.sleep(0.01)

    def end(self) -> None:
        """End it."""
        end(self._process)


@contextmanager
def serving(model: str, folder: Path, servers: int = SERVERS, **flags: float) -> Generator[Sequence[Replica]]:
    """All servers."""
    replicas: list[Replica] = []
    try:
        for number in range(servers):
            replicas += [Replica(model, folder / f"replica{number}of{servers}", **flags)]
        yield replicas
    finally:
        for replica in replicas:
            replica.end()


class Callers:
    """Callers who ask again and again until they are told to stop."""

    def __init__(self, begin: Callable[[], Callable[[], Coroutine[Any, Any, str]]], callers: int) -> None:
        self._is_over = False
        self.statuses = Counter[str]()
        self._asking = [asyncio.create_task(self._go_on(begin())) for _ in range(callers)]

    async def _go_on(self, ask: Callable[[], Coroutine[Any, Any, str]]) -> None:
        while not self._is_over:
            self.statuses[await ask()] += 1

    async def stop(self) -> None:
        """Let the last calls end."""
        self._is_over = True
        await asyncio.gather(*self._asking)


Statuses = Mapping[str, Counter[str]]


async def restart_under_load(replicas: Sequence[Replica], restarts: int, between: str | None) -> Statuses:
    """How the calls of all kinds ended, directly and through what is between them and the servers."""
    async with calling(replicas, between) as callers:
        for number in range(restarts):
            await asyncio.to_thread(replicas[number % SERVERS].restart)
            await asyncio.sleep(SETTLING_SECONDS)
    return callers


async def roll_out_under_load(
    replicas: Sequence[Replica], models: Sequence[str], between: str | None
) -> tuple[Statuses, list[int]]:
    """The same, and the memory of the first server after each roll-out and once the old model is gone."""
    resident = [replicas[0].resident_bytes()]
    async with calling(replicas, between, LONG) as callers:
        for number in range(ROLLOUTS[len(replicas)]):
            replica = replicas[number % len(replicas)]
            replica.roll_out(models[(number // len(replicas) + 1) % 2])
            await asyncio.to_thread(replica.wait_until_loaded, number // len(replicas) + 1)
            resident.append(replicas[0].resident_bytes())
            await asyncio.sleep(SETTLING_SECONDS)
            resident.append(replicas[0].resident_bytes())
    return callers, resident


@asynccontextmanager
async def calling(replicas: Sequence[Replica], between: str | None, long: int = 0) -> AsyncGenerator[dict[str, Counter[str]]]:
    """While all kinds of callers ask; how their calls ended is known afterwards."""
    addresses = [replica.address for replica in replicas]
    ended: dict[str, Counter[str]] = {}
    sent_again = Counter[str]()
    async with (
        channel_to(addresses, ROUND_ROBIN) as plain,
        channel_to(addresses, SERVICE_CONFIG) as advised,
        elman.AsyncClient(addresses) as client,
        elman.AsyncClient(f"ipv4:{','.join(addresses)}") as round_robin,
        AsyncExitStack() as stack,
    ):
        kinds = {
            "plain": Callers(lambda: lambda: ask_plainly(plain), CALLERS),
            "advised": Callers(lambda: lambda: ask_plainly(advised), CALLERS),
            "library": Callers(lambda: lambda: ask_library(client), CALLERS),
            "round_robin": Callers(lambda: lambda: ask_library(round_robin), OTHERS),
            "states": Callers(lambda: Chain(round_robin, sent_again).ask, OTHERS),
            "documents": Callers(lambda: Typist(round_robin).ask, OTHERS),
        }
        if between:
            through = await stack.enter_async_context(channel_to([between], ROUND_ROBIN))
            of_library = await stack.enter_async_context(elman.AsyncClient(between))
            kinds["plain_envoy"] = Callers(lambda: lambda: ask_plainly(through), CALLERS)
            kinds["library_envoy"] = Callers(lambda: lambda: ask_library(of_library), CALLERS)
        if long:
            kinds["long"] = Callers(lambda: lambda: ask_long(round_robin, long), 1)
        await asyncio.sleep(SETTLING_SECONDS)
        yield ended
        await asyncio.gather(*(each.stop() for each in kinds.values()))
    ended |= {name: each.statuses for name, each in kinds.items()}
    if sent_again:
        ended["sent_again"] = sent_again


class Chain:
    """Completions, each from the state of the one before; where that is not taken any more, of the text."""

    def __init__(self, client: elman.AsyncClient, sent_again: Counter[str]) -> None:
        self._client, self._state, self._text, self._sent_again = client, b"", "", sent_again

    async def ask(self) -> str:
        """How the next one ended."""
        try:
            return await self._complete("e", self._state)
        except elman.SendTextAgain:
            self._sent_again["texts"] += 1
        except elman.ElmanError as error:
            return type(error).__name__
        try:
            return await self._complete(f"{self._text}e", b"")
        except elman.ElmanError as error:
            return type(error).__name__

    async def _complete(self, prefix: str, state: bytes) -> str:
        completion = self._client.complete(prefix, state=state, max_characters=CHARACTERS)
        text = await completion.read()
        self._state = completion.state
        self._text = f"{self._text if state else ''}{prefix}{text}"[-CHAINED:]
        return "OK" if len(text) == CHARACTERS else "SHORT"


class Typist:
    """Types a document, and waits for each suggestion."""

    def __init__(self, client: elman.AsyncClient) -> None:
        self._document = client.document("", stop=[], min_confidence=0, max_characters=8)

    async def ask(self) -> str:
        """How the suggestion after one more key ended."""
        self._document.insert("e")
        last = ""
        try:
            async for suggestion in self._document.suggestions():
                last = suggestion.text
        except elman.ElmanError as error:
            return type(error).__name__
        return "OK" if len(last) == 8 else "SHORT"


async def ask_long(client: elman.AsyncClient, characters: int) -> str:
    """How a text of several requests ended."""
    try:
        score = await client.score("e" * characters)
    except elman.ElmanError as error:
        return type(error).__name__
    return "OK" if score.characters == characters else "SHORT"


def channel_to(addresses: Sequence[str], service_config: Mapping[str, object]) -> grpc.aio.Channel:
    """A channel of gRPC to all of them."""
    options = [("grpc.service_config", json.dumps(service_config))]
    return grpc.aio.insecure_channel(f"ipv4:{','.join(addresses)}", options=options)


async def ask_plainly(channel: grpc.aio.Channel) -> str:
    """How a call ended."""
    stub: Any = CompletionServiceStub(channel)
    try:
        async for _ in stub.Complete(pb.CompleteRequest(prefix="e", limits=pb.Limits(max_characters=CHARACTERS)), timeout=20):
            pass
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


async def ask_library(client: elman.AsyncClient) -> str:
    """The same of a completion of the library."""
    try:
        text = await client.complete("e", max_characters=CHARACTERS).read()
    except elman.ElmanError as error:
        return type(error).__name__
    return "OK" if len(text) == CHARACTERS else "SHORT"


def envoy(replicas: Sequence[Replica], folder: Path) -> AbstractContextManager[str | None]:
    """The address of an Envoy before them, if there is one."""
    return envoy_before([replica.address for replica in replicas], Path(tempfile.mkdtemp(dir=folder)) / "envoy")


def measure(model: str, folder: Path, restarts: int = RESTARTS) -> Statuses:
    """How calls ended beside restarts."""
    with serving(model, folder / "restarts") as replicas, envoy(replicas, folder) as between:
        return asyncio.run(restart_under_load(replicas, min(restarts, MOST_RESTARTS), between))


def measure_rollouts(models: Sequence[str], folder: Path, servers: int) -> dict[str, Any]:
    """How calls ended beside roll-outs of a model and another in turn, and what that took."""
    with serving(models[0], folder, servers, grace_seconds=GRACE_SECONDS) as replicas, envoy(replicas, folder) as between:
        statuses, resident = asyncio.run(roll_out_under_load(replicas, models, between))
        seconds = [line["seconds"] for replica in replicas for line in replica.logged("model loaded")]
        kept = [line for replica in replicas for line in replica.logged("model kept")]
    return {
        "statuses": statuses,
        "seconds": seconds,
        "kept": len(kept),
        "resident_mb": [round(each / 1e6, 1) for each in resident],
    }


def failed(ended: Statuses) -> dict[str, float]:
    """The share of the calls of each kind that failed."""
    return {name: 1 - each["OK"] / each.total() for name, each in ended.items() if name != "sent_again"}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="shakespeare", help="a shipped model or a file")
    parser.add_argument("--other", default=PROSE, help="the model that is rolled out")
    parser.add_argument("--only", nargs="+", choices=["restarts", "one", "three"], default=["restarts", "one", "three"])
    parser.add_argument("--restarts", type=int, default=RESTARTS, help=f"how many, at most {MOST_RESTARTS}")
    options = parser.parse_args()
    models = options.model, options.other
    with tempfile.TemporaryDirectory() as made:
        questions: dict[str, Callable[[], Any]] = {
            "restarts": lambda: measure(options.model, Path(made), options.restarts),
            "one": lambda: measure_rollouts(models, Path(made), 1),
            "three": lambda: measure_rollouts(models, Path(made), SERVERS),
        }
        print(json.dumps({name: questions[name]() for name in options.only}, indent=2))


if __name__ == "__main__":
    main()
