"""Rolling restarts of real servers under load: what callers notice who know nothing of elman, and those of the library.

    python benchmarks/restarts.py [--model NAME|PATH] [--restarts 4]        prints a JSON object: how the calls ended

Three servers; one after the other is asked to leave (SIGTERM), ends, and is started anew on its port, four times in all. The
plain callers are gRPC's own round robin over the three addresses, as it comes: without a policy of retries and without health
checks. The others are the library's. Both kinds are there once more behind an Envoy, if there is one (proxy.py). Loopback only.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
from process import end, free_port, wait_until_ready
from proxy import envoy_before

import elman
from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

SERVERS: Final = 3
RESTARTS: Final = 4
MOST_RESTARTS: Final = 100
CALLERS: Final = 8  # of each kind
CHARACTERS: Final = 64
SETTLING_SECONDS: Final = 2.0
"""Before the first restart and after each: gRPC's clients look for a server that was away after a second."""
NOTICE_SECONDS: Final = 1
ROUND_ROBIN: Final = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})


class Replica:
    """A server that can be started anew on its port."""

    def __init__(self, model: str, log: Path) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        given = {"--model": model, "--port": port, "--metrics-port": 0, "--drain-notice-seconds": NOTICE_SECONDS}
        self._command = [sys.executable, "-m", "elman", "serve", *(str(word) for pair in given.items() for word in pair)]
        self._log = log
        self._start()

    def _start(self) -> None:
        with self._log.open("a") as file:
            self._process = subprocess.Popen(self._command, stdout=file, stderr=file)
        wait_until_ready(self.address, self._process, self._log)

    def restart(self) -> None:
        """Ask it to leave, and start it anew once it has."""
        end(self._process)
        self._start()

    def end(self) -> None:
        """End it."""
        end(self._process)


@contextmanager
def serving(model: str, folder: Path) -> Generator[Sequence[Replica]]:
    """All servers."""
    replicas: list[Replica] = []
    try:
        for number in range(SERVERS):
            replicas += [Replica(model, folder / f"replica{number}")]
        yield replicas
    finally:
        for replica in replicas:
            replica.end()


class Callers:
    """Callers who ask again and again until they are told to stop."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, str]]) -> None:
        self._ask = ask
        self._is_over = False
        self.statuses = Counter[str]()
        self._asking = [asyncio.create_task(self._go_on()) for _ in range(CALLERS)]

    async def _go_on(self) -> None:
        while not self._is_over:
            self.statuses[await self._ask()] += 1

    async def stop(self) -> None:
        """Let the last calls end."""
        self._is_over = True
        await asyncio.gather(*self._asking)


async def restart_under_load(replicas: Sequence[Replica], restarts: int, between: str | None) -> dict[str, Callers]:
    """What each kind of callers met, directly and through what is between them and the servers."""
    callers: dict[str, Callers] = {}
    async with AsyncExitStack() as stack:
        callers |= await both_kinds(stack, [replica.address for replica in replicas], "")
        if between:
            callers |= await both_kinds(stack, [between], "_envoy")
        await asyncio.sleep(SETTLING_SECONDS)
        for number in range(restarts):
            await asyncio.to_thread(replicas[number % SERVERS].restart)
            await asyncio.sleep(SETTLING_SECONDS)
        await asyncio.gather(*(each.stop() for each in callers.values()))
    return callers


async def both_kinds(stack: AsyncExitStack, addresses: Sequence[str], suffix: str) -> dict[str, Callers]:
    """Callers of both kinds, by name."""
    options = [("grpc.service_config", ROUND_ROBIN)]
    channel = grpc.aio.insecure_channel(f"ipv4:{','.join(addresses)}", options=options)
    stub: Any = CompletionServiceStub(await stack.enter_async_context(channel))
    client = await stack.enter_async_context(elman.AsyncClient(addresses))
    return {
        f"plain{suffix}": Callers(lambda: ask_plainly(stub)),
        f"library{suffix}": Callers(lambda: ask_library(client)),
    }


async def ask_plainly(stub: Any) -> str:
    """How a call ended."""
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


def measure(model: str, folder: Path, restarts: int = RESTARTS) -> dict[str, Counter[str]]:
    """How the calls of each kind ended."""
    with serving(model, folder) as replicas:
        addresses = [replica.address for replica in replicas]
        with envoy_before(addresses, folder / "envoy") as between:
            callers = asyncio.run(restart_under_load(replicas, min(restarts, MOST_RESTARTS), between))
    return {name: each.statuses for name, each in callers.items()}


def failed(statuses: Counter[str]) -> float:
    """The share of the calls that failed."""
    return 1 - statuses["OK"] / statuses.total()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="shakespeare", help="a shipped model or a file")
    parser.add_argument("--restarts", type=int, default=RESTARTS, help=f"how many, at most {MOST_RESTARTS}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        print(json.dumps(measure(options.model, Path(made), options.restarts)))
