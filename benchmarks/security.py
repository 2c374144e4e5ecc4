"""What security costs, and what it withstands: TLS at a keystroke, renewals under load, callers who are not let in.

    python benchmarks/security.py [--quick] [--only tls renewals intruders] [--json]

- A keystroke, to its first suggestion, with TLS and without: two servers take turns.
- Certificates are replaced in place (so that a pair is half-way for a moment) and tokens rotated every few seconds, while
  callers come with new connections and with old ones: how many calls there were, and how many of them failed.
- 50,000 calls without a token or with a wrong one, a fifth of them at a rate and the others as fast as they come, beside
  somebody who types: how many were served, and the typist's p99. In turns, the same typist is alone, and the same intruders
  ask another server: everybody shares the machine, and a typist beside intruders also waits for these.

All of it takes less than 300 seconds on two quiet cores. Loopback only.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import grpc
import trustme
from process import Process, running
from table import show

from elman import AsyncClient, Client, Credentials, ElmanError
from elman_server.security.limits import Limits
from elman_server.security.tokens import new_token

TEXT: Final = "ROMEO:\nBut, soft! what light through yonder window breaks?\n"
TURN: Final = 50
"""Keystrokes before the other server's turn."""
WARM: Final = 50
CALLERS: Final = 8
STEP_SECONDS: Final = 3.5
"""From a token in the server's file to callers who have it, and to the old one's end: a server looks every second."""
PAUSE_SECONDS: Final = 0.02
"""Between two keystrokes of somebody who types beside intruders: a fast burst."""
AT_A_TIME: Final = 160
"""Of the intruders' calls: who is refused waits for it for a tenth of a second."""
OWN_CONNECTION: Final = (("grpc.use_local_subchannel_pool", 1),)
TURNS: Final = 20
ALONE_KEYS: Final = 30
"""In each turn."""
DROPPED: Final = "dropped"
REFUSED_STREAM: Final = "RST_STREAM with error code 7"
RATE: Final = 500
KINDS: Final = {f"{RATE} a second": (RATE, 0.2), "as fast as they come": (0, 0.8)}
"""Of intruders: how many calls a second, and their share of all."""
QUESTIONS: Final = ("tls", "renewals", "intruders")
HEAD: Final = (
    *("calls", "number", "served", "dropped by gRPC", "a second", "server's ms each"),
    *("a key alone, p50", "p99", "intruders elsewhere, p99", "here, p50", "p99", "p99 here to elsewhere"),
)


class Files:
    """What a server is started with, which is renewed while it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._ca = folder, trustme.CA()
        self._ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        self.renew_certificate()
        self.renew_token()

    def renew_certificate(self) -> None:
        """Another certificate and key, in place: for a moment one does not belong to the other."""
        leaf = self._ca.issue_cert("localhost")
        (self.folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        (self.folder / "key.pem").write_bytes(leaf.private_key_pem.bytes())

    def renew_token(self) -> None:
        """Another token, before all callers have it."""
        self.token, line = new_token("caller", Limits())
        before = (self.folder / "tokens").read_text().splitlines()[-1:] if (self.folder / "tokens").exists() else []
        (self.folder / "new").write_text("".join(f"{each}\n" for each in (*before, line)))
        (self.folder / "new").rename(self.folder / "tokens")
        if not before:
            self.hand_out()

    def hand_out(self) -> None:
        """Callers have the token from now on."""
        (self.folder / "own").write_text(self.token)
        (self.folder / "own").rename(self.folder / "token")

    def revoke_old(self) -> None:
        """Only the newest token is taken from now on."""
        last = (self.folder / "tokens").read_text().splitlines()[-1]
        (self.folder / "tokens").write_text(f"{last}\n")

    @property
    def tls(self) -> Sequence[str]:
        return (f"--tls-certificate={self.folder}/cert.pem", f"--tls-key={self.folder}/key.pem")

    @property
    def tokens(self) -> Sequence[str]:
        return (f"--tokens={self.folder}/tokens",)

    def credentials(self, *, tls: bool, token: bool) -> Credentials:
        """Of a caller."""
        return Credentials(
            certificate_authority=str(self.folder / "ca.pem") if tls else None,
            token_file=str(self.folder / "token") if token else None,
        )

    @contextmanager
    def serving(self, *flags: str) -> Generator[Process]:
        """A server of one model with some flags."""
        serve = ["-m", "elman", "serve", "--model=shakespeare", "--host=localhost", "--port={port}", "--metrics-port=0"]
        trusted = grpc.ssl_channel_credentials((self.folder / "ca.pem").read_bytes()) if "--tls" in "".join(flags) else None
        with running([*serve, *flags], self.folder / "log", trusted=trusted, host="localhost") as server:
            yield server


class Typist:
    """Types into a document, and waits for the first suggestion after each key."""

    def __init__(self, client: Client) -> None:
        self._document = client.document(TEXT)
        self._keys = 0

    def type(self, keys: int, pause_seconds: float = 0.0) -> list[float]:
        """How long each of some keys took, in seconds."""
        taken: list[float] = []
        for _ in range(keys):
            begun = time.perf_counter()
            self._document.insert(TEXT[self._keys % len(TEXT)])
            self._keys += 1
            next(self._document.suggestions(), None)
            taken.append(time.perf_counter() - begun)
            time.sleep(pause_seconds)
        return taken


def tls_costs(files: Files, keys: int) -> dict[str, float]:
    """The median keystroke with TLS and without, in milliseconds."""
    taken: dict[str, list[float]] = {"plain": [], "tls": []}
    with (
        files.serving() as plain,
        files.serving(*files.tls) as secured,
        Client(plain.address) as one,
        Client(secured.address, credentials=files.credentials(tls=True, token=False)) as other,
    ):
        typists = {"plain": Typist(one), "tls": Typist(other)}
        for typist in typists.values():
            typist.type(WARM)
        for _ in range(keys // TURN):
            for name, typist in typists.items():
                taken[name] += typist.type(TURN)
    medians = {f"{name}_milliseconds": 1000 * median(each) for name, each in taken.items()}
    return {**medians, "ratio": medians["tls_milliseconds"] / medians["plain_milliseconds"]}


async def renewals(files: Files, address: str, seconds: float) -> Counter[str]:
    """Calls and failures of callers, some of whom come anew each time, while all is renewed."""
    credentials, counts = files.credentials(tls=True, token=True), Counter[str](calls=0, failed=0, renewals=0)
    end = time.monotonic() + seconds

    async def count(work: Awaitable[object]) -> None:
        counts["calls"] += 1
        try:
            await work
        except ElmanError as error:
            counts["failed"] += 1
            counts[str(error)] += 1

    async def stay() -> None:
        async with AsyncClient(address, credentials=credentials) as client, client.document(TEXT) as document:
            while time.monotonic() < end:
                await count(client.complete(TEXT, max_characters=20).read())
                document.insert("a")
                await count(anext(document.suggestions(), None))

    async def come_and_go() -> None:
        while time.monotonic() < end:
            async with AsyncClient(address, credentials=credentials) as client:
                await count(client.complete(TEXT, max_characters=20).read())

    async def renew() -> None:
        while time.monotonic() < end:
            for step in files.renew_certificate, files.renew_token, files.hand_out, files.revoke_old:
                step()
                await asyncio.sleep(STEP_SECONDS)
            counts["renewals"] += 1

    await asyncio.gather(renew(), *(each() for each in (stay, come_and_go) for _ in range(CALLERS // 2)))
    return counts


@dataclass(frozen=True, slots=True)
class Intrusion:
    """What callers who are not let in got, and what somebody who types beside them had to wait, in milliseconds."""

    kind: str
    calls: int
    served: int
    dropped: int  # by gRPC itself, under too many of them (REFUSED_STREAM)
    calls_a_second: float
    call_milliseconds: float  # of a processor, that the server spent on a call that it refused
    alone_p50: float
    alone_p99: float
    elsewhere_p99: float  # while they ask another server on this machine
    here_p50: float
    here_p99: float

    @property
    def p99_ratio(self) -> float:
        """To the same typist while the same intruders ask another server."""
        return self.here_p99 / self.elsewhere_p99


class Cost:
    """The processor time of a server from now on."""

    def __init__(self, server: Process) -> None:
        self._server, self._before = server, sum(server.cpu())

    def seconds(self) -> float:
        """So far."""
        return sum(self._server.cpu()) - self._before


class Intruder:
    """A process that asks a server, when it is told to, with no token and with wrong ones."""

    def __init__(self, address: str, rate: float) -> None:
        command = [sys.executable, str(Path(__file__)), "--intrude", address, "--rate", str(rate)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._reader = ThreadPoolExecutor(1)

    def ask(self, calls: int) -> Future[str]:
        """Let it ask; what it says is how the calls ended."""
        if not (self._process.stdin and self._process.stdout):
            raise RuntimeError("there are no pipes")
        print(calls, file=self._process.stdin, flush=True)
        return self._reader.submit(self._process.stdout.readline)

    def end(self) -> None:
        """End it."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(10)
        self._reader.shutdown()


def intrusion(files: Files, kind: str, calls: int, rate: float) -> Intrusion:
    """Type in turns: alone, while the intruders ask another server, and while they ask this one."""
    with (
        files.serving(*files.tokens) as server,
        files.serving(*files.tokens) as other,
        Client(server.address, credentials=files.credentials(tls=False, token=True)) as client,
        closing_all(Intruder(other.address, rate), Intruder(server.address, rate)) as (elsewhere, here),
    ):
        typist = Typist(client)
        typist.type(WARM)
        for intruder in (elsewhere, here):
            intruder.ask(AT_A_TIME).result()
        taken: dict[str, list[float]] = {"alone": [], "elsewhere": [], "here": []}
        ends, spent, seconds, key_seconds = Counter[str](), 0.0, 0.0, 0.0
        for _ in range(TURNS):
            cost = Cost(server)
            taken["alone"] += typist.type(ALONE_KEYS, PAUSE_SECONDS)
            key_seconds += cost.seconds()
            taken["elsewhere"] += type_beside(typist, elsewhere.ask(calls // TURNS // 2))
            cost, begun, asking = Cost(server), time.monotonic(), here.ask(calls // TURNS)
            taken["here"] += type_beside(typist, asking)
            ends += Counter(json.loads(asking.result()))
            spent, seconds = spent + cost.seconds(), seconds + time.monotonic() - begun
    for_a_key = key_seconds / len(taken["alone"])
    p50s = {name: 1000 * median(each) for name, each in taken.items()}
    p99s = {name: 1000 * quantiles(each, n=100)[98] for name, each in taken.items()}
    return Intrusion(
        kind,
        calls // TURNS * TURNS,
        ends.total() - ends["UNAUTHENTICATED"] - ends[DROPPED],
        ends[DROPPED],
        calls / seconds,
        1000 * (spent - for_a_key * len(taken["here"])) / calls,
        p50s["alone"],
        p99s["alone"],
        p99s["elsewhere"],
        p50s["here"],
        p99s["here"],
    )


@contextmanager
def closing_all(*intruders: Intruder) -> Generator[Sequence[Intruder]]:
    """End them all when the block is left."""
    try:
        yield intruders
    finally:
        for intruder in intruders:
            intruder.end()


def type_beside(typist: Typist, asking: Future[str]) -> list[float]:
    """How long keys took while others ask."""
    taken: list[float] = []
    while not asking.done():
        taken += typist.type(1, PAUSE_SECONDS)
    return taken


async def intrude(address: str, rate: float) -> None:
    """For each number that is told, call that often, with no token and with wrong ones, and say how the calls ended.

    `rate` a second, or as fast as they come if 0.
    """
    wrong = new_token("nobody", Limits())[0]
    tokens = [(), (("authorization", f"Bearer {wrong}"),), (("authorization", "Bearer "),)]
    methods = [f"/elman.v1.CompletionService/{name}" for name in ("Complete", "Follow", "Score", "ListModels")]

    async with grpc.aio.insecure_channel(address) as one, grpc.aio.insecure_channel(address, OWN_CONNECTION) as another:
        channels = (one, another)  # each has a limited number of streams

        async def work(begun: float, numbers: Iterator[int]) -> Counter[str]:
            ends = Counter[str]()
            for number in numbers:
                if rate:
                    await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
                channel: Any = channels[number % 2]
                call = channel.stream_stream(methods[number % len(methods)])(metadata=tokens[number % len(tokens)])
                ends[DROPPED if REFUSED_STREAM in (await call.details() or "") else (await call.code()).name] += 1
            return ends

        while told := await asyncio.to_thread(sys.stdin.readline):
            begun, numbers = time.monotonic(), iter(range(int(told)))
            ended = await asyncio.gather(*(work(begun, numbers) for _ in range(AT_A_TIME)))
            print(json.dumps(sum(ended, Counter[str]())), flush=True)


def main() -> None:
    """Measure, and print."""
    options = parse()
    if options.intrude:
        asyncio.run(intrude(options.intrude, options.rate))
        return
    keys, seconds, calls = (500, 12.0, 2_000) if options.quick else (4_000, 42.0, 50_000)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        if "tls" in options.only:
            found["tls"] = tls_costs(files, keys)
        if "renewals" in options.only:
            with files.serving(*files.tls, *files.tokens) as server:
                found["renewals"] = asyncio.run(renewals(files, server.address, seconds))
        if "intruders" in options.only:
            found["intruders"] = [intrusion(files, kind, round(share * calls), rate) for kind, (rate, share) in KINDS.items()]
    if options.json:
        print(json.dumps(found, default=as_fields, indent=2))
        return
    if "tls" in found:
        show("A keystroke", ["milliseconds, plain", "TLS", "ratio"], [list(found["tls"].values())])
    if "renewals" in found:
        show("Renewals under load", ["", "number"], list(found["renewals"].items()))
    if "intruders" in found:
        rows = [list(as_fields(each).values()) for each in found["intruders"]]
        show("Calls without a token that is taken", HEAD, rows)


def as_fields(intrusion: Intrusion) -> dict[str, Any]:
    """With what is derived."""
    return asdict(intrusion) | {"p99_ratio": intrusion.p99_ratio}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of everything, to see that it runs")
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=QUESTIONS, metavar="QUESTION", help="not all of them")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--intrude", metavar="ADDRESS", help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=float, default=0.0, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
