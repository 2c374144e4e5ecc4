"""What callers do who mean harm or are broken: requests with bytes changed at random, and streams that are left at any moment.

    python benchmarks/abuse.py [--model NAME|PATH] [--requests 20000] [--streams 45000] [--seed 1]

Prints a JSON object. Of the requests: how they ended, as the server's log has it (grpc's client says INTERNAL also of itself,
where it is late); INTERNAL and UNKNOWN are defects. Of the streams: what the server holds more than before, in memory, open
files and threads, once it does nothing. Loopback only.
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Awaitable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final, Self

import grpc
import open_streams
from process import Process, running

from elman.v1 import completion_service_pb2 as pb

SERVICE: Final = "/elman.v1.CompletionService/"
AT_A_TIME: Final = 64
CHANNELS: Final = 4
SECONDS: Final = 2.0
"""The deadline of a request: one that is legal by chance may ask for much."""
ENDED: Final = (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError)
"""What grpc raises where a call has ended before what is asked of it."""
DEFECTS: Final = ("INTERNAL", "UNKNOWN")
TRIMMED_SECONDS: Final = 6.0
"""After which the server has given back what is free: it does so every five seconds."""
LEGAL: Final = (
    (
        "Complete",
        pb.CompleteRequest(
            model=pb.Model(name="shakespeare"),
            prefix="But, soft! what light — 😀",
            sampling=pb.Sampling(temperature=0.5, top_k=9, top_p=0.9, min_p=0.01, seed=1),
            limits=pb.Limits(max_characters=20, stop=["\n\n", "x"], min_confidence=0.01),
            alternatives=2,
            include_log_probabilities=True,
        ),
    ),
    ("Complete", pb.CompleteRequest(state=bytes(range(256)) * 4, limits=pb.Limits(max_characters=9))),
    ("Score", pb.ScoreRequest(text="To be, or not to be", include_log_probabilities=True)),
    ("Follow", pb.FollowRequest(revision=1, open=pb.Open(prefix="abc", limits=pb.Limits(max_characters=9)))),
)


def mutants(random: Random) -> Iterator[tuple[str, bytes]]:
    """Methods, and the bytes of requests that were legal, each with some changed, left out, doubled or put in."""
    while True:
        method, message = random.choice(LEGAL)
        data = bytearray(message.SerializeToString())
        for _ in range(random.randint(1, 4)):
            start = random.randrange(len(data) + 1)
            end = min(len(data), start + random.randint(0, 6))
            data[start:end] = random.choice(
                (b"", random.randbytes(end - start), 2 * data[start:end], random.randbytes(3), b"\xff" * (end - start))
            )
        yield method, bytes(data)


async def send_mutants(address: str, count: int, random: Random) -> None:
    """Send as many mutants."""
    async with Channels(address) as channels:

        async def send(method: str, data: bytes) -> None:
            call = channels.stream(method, SECONDS)
            try:
                await call.write(data)
                await call.done_writing()
                while isinstance(await call.read(), bytes):
                    pass
            except ENDED:
                pass  # the server's log tells how it ended
            finally:
                call.cancel()

        await at_a_time(send(*mutant) for mutant in islice(mutants(random), count))


def outcomes(log: Path) -> Counter[str]:
    """How calls ended, by the server's log."""
    lines = map(json.loads, log.read_text().splitlines())
    return Counter(line["outcome"] for line in lines if line["event"] == "call")


async def leave_streams(address: str, count: int, random: Random) -> None:
    """Begin as many streams, and leave each after some messages."""
    complete = pb.CompleteRequest(prefix="e", limits=pb.Limits(max_characters=1 << 20)).SerializeToString()
    follow = pb.FollowRequest(revision=1, open=pb.Open(prefix="e")).SerializeToString()
    async with Channels(address) as channels:

        async def leave(method: str, request: bytes, messages: int) -> None:
            call = channels.stream(method, None)
            try:
                await call.write(request)
                for _ in range(messages):
                    await call.read()
            except ENDED:
                pass  # refused: so much the sooner
            finally:
                call.cancel()

        kinds = (("Complete", complete), ("Follow", follow))
        await at_a_time(leave(*random.choice(kinds), random.randrange(4)) for _ in range(count))


class Channels:
    """Some connections, whose calls are raw bytes."""

    def __init__(self, address: str) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(CHANNELS)]
        self._begun = 0

    def stream(self, method: str, seconds: float | None) -> Any:
        """A call on the next connection."""
        self._begun += 1
        begin: Any = self._channels[self._begun % CHANNELS].stream_stream
        return begin(SERVICE + method)(timeout=seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels:
            await channel.close()


async def at_a_time(calls: Iterator[Awaitable[None]]) -> None:
    """Await all, some at a time."""

    async def work() -> None:
        for call in calls:
            await call

    await asyncio.gather(*(work() for _ in range(AT_A_TIME)))


async def held(server: Process) -> Counter[str]:
    """What the server holds once it does nothing."""
    await open_streams.settle(server, 20.0)
    await asyncio.sleep(TRIMMED_SECONDS)
    return Counter(kilobytes=server.resident_bytes() // 1000, files=entries(server, "fd"), threads=entries(server, "task"))


def entries(server: Process, folder: str) -> int:
    """How many entries a folder of the server's has, proc(5)."""
    return len(list(Path(f"/proc/{server.identifier}/{folder}").iterdir()))


async def measure(server: Process, log: Path, requests: int, streams: int, seed: int) -> dict[str, Any]:
    """How mutants ended, and what is kept of streams that were left, beyond what as many as warm up left behind."""
    random = Random(seed)
    await send_mutants(server.address, requests, random)
    await held(server)
    ended = outcomes(log)
    await leave_streams(server.address, streams // 10, random)
    before = await held(server)
    await leave_streams(server.address, streams, random)
    kept = await held(server)
    kept.subtract(before)
    return {"mutants": dict(ended), "defects": sum(ended[name] for name in DEFECTS), "kept": dict(kept)}


def main() -> None:
    """Measure, and print."""
    options = parse()
    serve = ["-m", "elman", "serve", "--model", options.model, "--port", "{port}", "--metrics-port", "0"]
    with tempfile.TemporaryDirectory() as folder, running(serve, Path(folder) / "log") as server:
        print(json.dumps(asyncio.run(measure(server, Path(folder) / "log", options.requests, options.streams, options.seed))))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="shakespeare", help="a shipped model or a file")
    parser.add_argument("--requests", type=int, default=20_000, help="how many mutants, at most 200,000")
    parser.add_argument("--streams", type=int, default=45_000, help="how many streams to leave, at most 200,000")
    parser.add_argument("--seed", type=int, default=1, help="of what is changed at random")
    options = parser.parse_args()
    options.requests, options.streams = min(options.requests, 200_000), min(options.streams, 200_000)
    return options


if __name__ == "__main__":
    main()
