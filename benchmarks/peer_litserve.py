"""A peer, by hand: the plain network (plain_loop.py) served by litserve, batched and streamed over HTTP, under the same load.

    python -m venv peer && peer/bin/pip install litserve torch
    peer/bin/python benchmarks/peer_litserve.py serve 8000 &        it takes some seconds to listen
    peer/bin/python benchmarks/peer_litserve.py load 8000           completions a second and the first character; JSON

The load is that of service.py: 64 characters a completion after one new character, by 32 callers in a closed loop and by one;
but no state travels. One worker, one torch thread, batches of up to 32 that wait 2 ms for company.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from statistics import median, quantiles
from typing import Any

import plain_loop
import torch

litserve: Any = import_module("litserve")

CHARACTERS = "\n !&',-.:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz()[]_"
COMPLETION, TEMPERATURE = 64, 0.8
BATCH, BATCH_SECONDS = 32, 0.002
ROUNDS, CALLS_PER_CALLER = 7, 4


class Characters(litserve.LitAPI):
    """One character of every text of the batch at a time."""

    def setup(self, device: str) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(1)
        self.model = plain_loop.CharacterRnn(len(CHARACTERS), 1, 512)

    def decode_request(self, request: dict[str, str]) -> int:
        return CHARACTERS.index(request["prefix"][-1])

    def batch(self, inputs: list[int]) -> torch.Tensor:
        return torch.tensor(inputs)[:, None]

    def unbatch(self, output: Iterator[list[int]]) -> Iterator[list[int]]:
        yield from output

    def predict(self, x: torch.Tensor) -> Iterator[list[int]]:
        hidden = None
        with torch.inference_mode():
            for _ in range(COMPLETION):
                logits, hidden = self.model(x, hidden)
                x = torch.multinomial(torch.softmax(logits / TEMPERATURE, 1), 1)
                yield x[:, 0].tolist()

    def encode_response(self, output: Iterator[list[int]]) -> Any:  # litserve would take a type for a schema
        for drawn in output:
            yield [CHARACTERS[one] for one in drawn]


def serve(port: int) -> None:
    """Serve until the process is ended."""
    api = Characters(max_batch_size=BATCH, batch_timeout=BATCH_SECONDS, stream=True)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=port, log_level="warning", generate_client_file=False)


async def call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """One completion over a connection that stays open; seconds to its first character."""
    body = json.dumps({"prefix": "e"}).encode()
    started, first = time.perf_counter(), 0.0
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await reader.readuntil(b"\r\n\r\n")
    while size := int(await reader.readline(), 16):
        first = first or time.perf_counter() - started
        await reader.readexactly(size + 2)
    await reader.readline()
    return first


async def caller(port: int, calls: int) -> list[float]:
    """Completions one after another."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return [await call(reader, writer) for _ in range(calls)]
    finally:
        writer.close()


async def load(port: int, callers: int) -> dict[str, float]:
    """Rounds of a closed loop; medians over the rounds, quantiles over the calls."""
    rates: list[float] = []
    firsts: list[float] = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        found = await asyncio.gather(*(caller(port, CALLS_PER_CALLER) for _ in range(callers)))
        rates.append(callers * CALLS_PER_CALLER / (time.perf_counter() - started))
        firsts += [one for several in found for one in several]
    cuts = quantiles(firsts, n=100)
    first = {"first_character_p50_ms": 1e3 * cuts[49], "first_character_p99_ms": 1e3 * cuts[98]}
    return {"callers": callers, "completions_per_second": median(rates[1:]), **first}


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        print(json.dumps([asyncio.run(load(int(sys.argv[2]), callers)) for callers in (1, 32)], indent=2))
