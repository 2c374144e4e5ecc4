"""What security costs, and what it withstands: TLS at a keystroke, renewals under load, callers who are not let in.

    python benchmarks/security.py [--quick] [--json]

- A keystroke, to its first suggestion, with TLS and without: two servers take turns.
- Certificates are replaced in place (so that a pair is half-way for a moment) and tokens rotated every few seconds, while
  callers come with new connections and with old ones: how many calls there were, and how many of them failed.
- Calls without a token and with a wrong one, at a rate and as fast as they come, beside somebody who types: how many were
  served, and the typist's p99 beside that of the same typist alone.

Everybody shares the machine: a typist beside intruders also waits for the intruders' own process. Loopback only.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
AT_A_TIME: Final = 32


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
    """What callers who are not let in got, and what somebody who types beside them had to wait."""

    calls: int
    served: int
    calls_a_second: float
    cpu_share: float  # of one core: what the server spent beyond what the typist costs it
    p50_ratio: float
    p99_milliseconds: float
    p99_ratio: float  # to the same typist alone, before


class Cost:
    """The processor time of a server from now on."""

    def __init__(self, server: Process) -> None:
        self._server, self._before = server, sum(server.cpu())

    def seconds(self) -> float:
        """So far."""
        return sum(self._server.cpu()) - self._before


def intrusion(files: Files, calls: int, rate: float, keys: int) -> Intrusion:
    """Type alone, then beside calls without a token and with a wrong one; `rate` a second, or as fast as they come if 0."""
    credentials = files.credentials(tls=False, token=True)
    with files.serving(*files.tokens) as server, Client(server.address, credentials=credentials) as client:
        typist = Typist(client)
        typist.type(WARM)
        cost = Cost(server)
        alone = typist.type(keys, PAUSE_SECONDS)
        for_a_key = cost.seconds() / keys
        command = [sys.executable, str(Path(__file__)), "--intrude", server.address, "--calls", str(calls), "--rate", str(rate)]
        cost, begun = Cost(server), time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as intruder:
            beside: list[float] = []
            while intruder.poll() is None:
                beside += typist.type(10, PAUSE_SECONDS)
            said = json.loads(intruder.stdout.read() if intruder.stdout else "{}")
        seconds = time.monotonic() - begun
        share = (cost.seconds() - for_a_key * len(beside)) / seconds
    p99 = [quantiles(each, n=100)[98] for each in (alone, beside)]
    return Intrusion(
        calls, said["served"], calls / seconds, share, median(beside) / median(alone), 1000 * p99[1], p99[1] / p99[0]
    )


async def intrude(address: str, calls: int, rate: float) -> Counter[str]:
    """Call with no token and with wrong ones, at all methods; whatever is no UNAUTHENTICATED is served."""
    counts = Counter[str](served=0)
    begun, numbers = time.monotonic(), iter(range(calls))
    wrong = new_token("nobody", Limits())[0]
    tokens = [(), (("authorization", f"Bearer {wrong}"),), (("authorization", "Bearer "),)]
    methods = [f"/elman.v1.CompletionService/{name}" for name in ("Complete", "Follow", "Score", "ListModels")]

    async with grpc.aio.insecure_channel(address) as channel:
        streaming: Any = channel.stream_stream

        async def work() -> None:
            for number in numbers:
                if rate:
                    await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
                call = streaming(methods[number % len(methods)])(metadata=tokens[number % len(tokens)])
                code = await call.code()
                counts["served" if code is not grpc.StatusCode.UNAUTHENTICATED else "refused"] += 1

        await asyncio.gather(*(work() for _ in range(AT_A_TIME)))
    return counts


def main() -> None:
    """Measure, and print."""
    options = parse()
    if options.intrude:
        print(json.dumps(asyncio.run(intrude(options.intrude, options.calls, options.rate))))
        return
    keys, seconds, calls = (500, 12.0, 2_000) if options.quick else (5_000, 60.0, 50_000)
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        tls = tls_costs(files, keys)
        with files.serving(*files.tls, *files.tokens) as server:
            renewed = asyncio.run(renewals(files, server.address, seconds))
        intrusions = [intrusion(files, calls, rate, min(keys, 1000)) for rate in (500, 0)]
    if options.json:
        print(json.dumps({"tls": tls, "renewals": renewed, "intrusions": [str(each) for each in intrusions]}))
        return
    show("A keystroke", ["milliseconds, plain", "TLS", "ratio"], [list(tls.values())])
    show("Renewals under load", ["", "number"], list(renewed.items()))
    head = ["calls", "served", "calls a second", "server's cores", "p50 ratio", "p99, ms", "p99 ratio"]
    rows = [
        [each.calls, each.served, each.calls_a_second, each.cpu_share, each.p50_ratio, each.p99_milliseconds, each.p99_ratio]
        for each in intrusions
    ]
    show("Calls without a token that is taken", head, rows)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of everything, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--intrude", metavar="ADDRESS", help=argparse.SUPPRESS)
    parser.add_argument("--calls", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=float, default=0.0, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
