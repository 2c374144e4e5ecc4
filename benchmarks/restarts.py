"""Rolling restarts of real servers under load: what callers notice who know nothing of elman, and those of the library.

    python benchmarks/restarts.py [--model NAME|PATH]        prints a JSON object: how the calls ended

Three servers; one after the other is asked to leave (SIGTERM), ends, and is started anew on its port, four times in all. The
plain callers are gRPC's own round robin over the three addresses, as it comes: without a policy of retries and without health
checks. The advised ones have the service config of deploy/README.md, and no retries either. The others are the library's.
Loopback only.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
from process import end, free_port, wait_until_ready

import elman
from elman.channel import SERVICE_CONFIG
from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

SERVERS: Final = 3
RESTARTS: Final = 4
CALLERS: Final = 8  # of each kind
CHARACTERS: Final = 64
SETTLING_SECONDS: Final = 2.0
"""Before the first restart and after each: gRPC's clients look for a server that was away after a second."""
NOTICE_SECONDS: Final = 1
ROUND_ROBIN: Final[dict[str, object]] = {"loadBalancingConfig": [{"round_robin": {}}]}


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


async def restart_under_load(replicas: Sequence[Replica]) -> dict[str, Callers]:
    """What each kind of callers met."""
    addresses = [replica.address for replica in replicas]
    async with (
        channel_to(addresses, ROUND_ROBIN) as plain,
        channel_to(addresses, SERVICE_CONFIG) as advised,
        elman.AsyncClient(addresses) as client,
    ):
        callers = {
            "plain": Callers(lambda: ask(plain)),
            "advised": Callers(lambda: ask(advised)),
            "library": Callers(lambda: ask_library(client)),
        }
        await asyncio.sleep(SETTLING_SECONDS)
        for number in range(RESTARTS):
            await asyncio.to_thread(replicas[number % SERVERS].restart)
            await asyncio.sleep(SETTLING_SECONDS)
        await asyncio.gather(*(each.stop() for each in callers.values()))
    return callers


def channel_to(addresses: Sequence[str], service_config: Mapping[str, object]) -> grpc.aio.Channel:
    """A channel of gRPC to all of them."""
    options = [("grpc.service_config", json.dumps(service_config))]
    return grpc.aio.insecure_channel(f"ipv4:{','.join(addresses)}", options=options)


async def ask(channel: grpc.aio.Channel) -> str:
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


def measure(model: str, folder: Path) -> dict[str, Counter[str]]:
    """How the calls of each kind ended."""
    with serving(model, folder) as replicas:
        callers = asyncio.run(restart_under_load(replicas))
    return {name: each.statuses for name, each in callers.items()}


def failed(statuses: Counter[str]) -> float:
    """The share of the calls that failed."""
    return 1 - statuses["OK"] / statuses.total()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="shakespeare", help="a shipped model or a file")
    with tempfile.TemporaryDirectory() as made:
        print(json.dumps(measure(parser.parse_args().model, Path(made))))
