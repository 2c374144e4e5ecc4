"""What a server holds for very many: idle documents that stay open, and requests one after the other.

    python benchmarks/endurance.py [--model NAME|PATH] [--only documents requests] [--documents 10000] [--memory-bytes N]
                                   [--requests 1000000] [--json]

Documents: each is opened at the end of 200 characters, gets a suggestion of 16, and then stays open while nobody types.
`held` is what the server counts against its budget (--memory-bytes), beyond which it refuses; `resident` is its process.
Requests: completions of one character, 32 at a time; memory is looked at ten times, and growth is from the first look on.
Loopback only.
"""

import argparse
import asyncio
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.request import urlopen

import grpc
import open_documents
import open_streams
from process import Process, free_port, running
from table import show

from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

METRICS_PORT: Final = free_port()
QUESTIONS: Final = ("documents", "requests")
PREFIX: Final = "The quick brown fox jumps over the lazy dog. " * 5
CHARACTERS: Final = 200
AT_A_TIME: Final = 32
LOOKS: Final = 10
TRIES, AGAIN_SECONDS = 4, 1.0
"""Of a document that is refused, as a client would; a server sees each second what it can do without."""
SETTLE_SECONDS: Final = 30.0
GIVEN_BACK_SECONDS: Final = 60
TRIMMED_SECONDS: Final = 6.0
"""After which the server has given back what is free: it does so every five seconds."""


Answer = TypeVar("Answer")


class Held(NamedTuple):
    """What the server held for documents."""

    documents: int
    refused: int
    held_megabytes: float
    budget_megabytes: float
    resident_megabytes: float
    kilobytes_a_document: float  # resident, beyond what it held for none


class Look(NamedTuple):
    """What was so after a number of requests."""

    requests: int
    resident_megabytes: float


def main() -> None:
    """Measure, and print tables or JSON."""
    options = parse()
    documents: list[Held] = []
    looks: list[Look] = []
    ended = Counter[str]()
    if "documents" in options.only:
        flags = [f"--memory-bytes={options.memory_bytes}"] if options.memory_bytes else []
        documents = served(options.model, flags, lambda server: asyncio.run(hold_documents(server, options.documents)))
    if "requests" in options.only:
        looks = served(options.model, [], lambda server: asyncio.run(ask(server, options.requests, ended)))
    figures = figures_of(documents, looks, ended)
    if options.json:
        print(json.dumps({"documents": documents, "requests": looks, "figures": figures}, indent=2))
        return
    if documents:
        show("Idle documents", ["open", "refused", "held, MB", "budget, MB", "resident, MB", "kB a document"], documents)
    if looks:
        show("Requests of one character", ["so far", "resident, MB"], looks)
    show("Figures", ["figure", "value"], list(figures.items()))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="shakespeare", help="a shipped model or a file")
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=QUESTIONS, metavar="QUESTION", help="not both of them")
    parser.add_argument("--documents", type=int, default=10_000, help="how many, at most 20,000")
    parser.add_argument("--memory-bytes", type=int, help="the server's budget, if not its default")
    parser.add_argument("--requests", type=int, default=1_000_000, help="how many, at most 2,000,000")
    parser.add_argument("--json", action="store_true", help="print JSON, with the map `figures`")
    options = parser.parse_args()
    options.documents, options.requests = min(options.documents, 20_000), min(options.requests, 2_000_000)
    return options


def served(model: str, flags: Sequence[str], measure: Callable[[Process], Answer]) -> Answer:
    """What is measured of a server of the model, as it is started by default but for the flags."""
    serve = ["-m", "elman", "serve", "--model", model, "--port", "{port}", "--metrics-port", str(METRICS_PORT), *flags]
    with tempfile.TemporaryDirectory() as folder, running(serve, Path(folder) / "log") as server:
        return measure(server)


async def hold_documents(server: Process, count: int) -> list[Held]:
    """One, a tenth, all, and none again."""
    opening = Opening(pb.Open(prefix=PREFIX[:CHARACTERS], limits=pb.Limits(max_characters=16)))
    streams = open_streams.Streams(server.address, opening.begin)
    found: list[Held] = []
    try:
        await streams.open_until(1)
        empty = server.resident_bytes()
        for number in (1, count // 10, count):
            await streams.open_until(number)
            found.append(await held(server, number - opening.refused, opening.refused, empty))
    finally:
        await streams.close()
    for _ in range(GIVEN_BACK_SECONDS):
        if memory_bytes()["held"] == 0:
            break
        await asyncio.sleep(1)
    return [*found, await held(server, 0, 0, empty)]


class Opening:
    """Opens documents, and counts those that the server has no memory for, though they come again as clients do."""

    def __init__(self, wanted: pb.Open) -> None:
        self._begin = open_documents.following(wanted)
        self.refused = 0

    async def begin(self, stub: Any) -> Any:
        """The call, or what stands for one that was refused."""
        for _ in range(TRIES):
            try:
                return await self._begin(stub)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
            await asyncio.sleep(AGAIN_SECONDS)
        self.refused += 1
        return Refused()


class Refused:
    """A call that has ended."""

    def cancel(self) -> None:
        """Nothing is left to do."""


async def held(server: Process, documents: int, refused: int, empty: int) -> Held:
    """What it holds once it does nothing."""
    await open_streams.settle(server, SETTLE_SECONDS)
    await asyncio.sleep(TRIMMED_SECONDS)
    counted = await asyncio.to_thread(memory_bytes)
    resident = server.resident_bytes()
    more = (resident - empty) / documents / 1e3 if documents else 0.0
    return Held(documents, refused, counted["held"] / 1e6, sum(counted.values()) / 1e6, resident / 1e6, more)


def memory_bytes() -> dict[str, float]:
    """What the server's metrics say of its budget: a server that is full has no room for a call that asks."""
    with urlopen(f"http://127.0.0.1:{METRICS_PORT}/metrics", timeout=30) as answer:
        found = re.findall(r'^elman_memory_bytes{state="([a-z]+)"} (.+)$', answer.read().decode(), re.MULTILINE)
    return {state: float(value) for state, value in found}


async def ask(server: Process, count: int, ended: Counter[str]) -> list[Look]:
    """Ask, and look now and then."""
    looks: list[Look] = []
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub: Any = CompletionServiceStub(channel)
        for part in range(1, LOOKS + 1):
            numbers = iter(range(count // LOOKS))
            await asyncio.gather(*(ask_in_turn(stub, numbers, ended) for _ in range(AT_A_TIME)))
            await asyncio.sleep(TRIMMED_SECONDS)
            looks.append(Look(part * (count // LOOKS), server.resident_bytes() / 1e6))
    return looks


async def ask_in_turn(stub: Any, numbers: Iterator[int], ended: Counter[str]) -> None:
    """One request after the other, as long as there are numbers."""
    for number in numbers:
        request = pb.CompleteRequest(prefix="e", sampling=pb.Sampling(seed=number), limits=pb.Limits(max_characters=1))
        try:
            async for _ in stub.Complete(request):
                pass
        except grpc.aio.AioRpcError as error:
            ended[error.code().name] += 1
        else:
            ended["OK"] += 1


def figures_of(documents: list[Held], looks: list[Look], ended: Counter[str]) -> dict[str, float]:
    """What has a goal: less is better."""
    figures: dict[str, float] = {}
    if documents:
        most = documents[-2]
        figures["documents_refused"] = most.refused
        figures["documents_held_share"] = most.held_megabytes / most.budget_megabytes
        figures["document_kb"] = most.kilobytes_a_document
    if looks:
        figures["requests_growth_mb"] = looks[-1].resident_megabytes - looks[0].resident_megabytes
        figures["requests_failed"] = ended.total() - ended["OK"]
    return figures


if __name__ == "__main__":
    main()
