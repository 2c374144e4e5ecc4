"""Servers that speak TLS and ask for tokens, and a real Envoy before them with the files of deploy/. Knows no test."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.request import Request, urlopen

import yaml

from elman.credentials import Credentials
from elman_server.security.limits import Limits
from elman_server.security.tokens import new_token

if TYPE_CHECKING:
    from tests.conftest import Authority

COMPONENT: Final = Path(__file__).parents[2] / "deploy" / "components" / "envoy"
CONFIGURATION: Final = "envoy.yaml"
DEADLINE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.05
ELMAN: Final = ("-m", "elman")


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so, in another process: a look now and then, and a deadline."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not come to be so in time"
        time.sleep(LOOK_SECONDS)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Replica:
    """A server that can be started anew on its port."""

    def __init__(self, log: Path, flags: Mapping[str, object], program: Sequence[str]) -> None:
        self.port = free_port()
        self.address = f"localhost:{self.port}"
        given = {"--port": self.port, "--metrics-port": 0, **flags}
        self._command = [sys.executable, *program, "serve", *(f"{name}={value}" for name, value in given.items())]
        self._log = log
        self.start()

    def start(self) -> None:
        """Start it; it is ready once it says so."""
        said = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("a") as file:
            self.process = subprocess.Popen(self._command, stderr=file)
        self._said = said

    def wait_until_ready(self) -> None:
        """Wait until it says that it serves."""
        until(lambda: self.process.poll() is not None or b'"serving"' in self._log.read_bytes()[self._said :])
        assert self.process.poll() is None, self._log.read_text()

    def leave(self) -> None:
        """Ask it to end, as Kubernetes does."""
        self.process.terminate()

    def restart(self) -> None:
        """Ask it to leave, and start it anew once it has."""
        self.leave()
        assert self.process.wait(DEADLINE_SECONDS) == 0
        self.start()
        self.wait_until_ready()

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait(DEADLINE_SECONDS)

    def calls(self) -> list[dict[str, Any]]:
        """The lines of its log about calls."""
        lines = map(json.loads, self._log.read_text().splitlines())
        return [line for line in lines if line["event"] == "call"]


class Envoy:
    """A running Envoy."""

    def __init__(self, program: str, folder: Path, ports: tuple[int, int, int]) -> None:
        self.port, self._probes, self.admin = ports
        self.address = f"localhost:{self.port}"
        self.folder = folder
        self._log = folder / "envoy.log"
        command = [program, "-c", CONFIGURATION, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
        command += ["--file-flush-interval-msec", "50", "--drain-time-s", "1"]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)

    def said(self) -> str:
        """All that it has written."""
        return self._log.read_text()

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so, while it runs."""
        until(lambda: self.process.poll() is not None or condition())
        assert self.process.poll() is None, self.said()

    def ask(self, path: str, method: str = "GET") -> str:
        """What its own port answers; "" while it does not."""
        try:
            with urlopen(Request(f"http://127.0.0.1:{self.admin}/{path}", method=method), timeout=10) as answer:
                return answer.read().decode()
        except URLError:
            return ""

    def probe(self, path: str) -> str:
        """What the port for probes answers."""
        with urlopen(f"http://127.0.0.1:{self._probes}/{path}", timeout=10) as answer:
            return answer.read().decode()

    def healthy(self) -> set[int]:
        """The ports of the servers that it sends calls to."""
        clusters = json.loads(self.ask("clusters?format=json"))["cluster_statuses"]
        (hosts,) = [one["host_statuses"] for one in clusters if one["name"] == "elman"]
        return {
            host["address"]["socket_address"]["port_value"]
            for host in hosts
            if host["health_status"].keys() == {"eds_health_status"}
        }

    def statistic(self, name: str) -> int:
        """One of its counters."""
        return int(self.ask(f"stats?filter=^{name}$").rpartition(":")[2])


class Behind:
    """Replicas, who may call them, and the Envoy before them."""

    envoy: Envoy

    def __init__(self, program: str, folder: Path, authority: Authority, replicas: Sequence[Replica]) -> None:
        self.authority, self.replicas = authority, replicas
        self._program, self._folder, self._envoys = program, folder, 0
        self.credentials = Credentials(certificate_authority=str(authority.certificate), token_file=str(folder / "alice.token"))
        self.token = (folder / "alice.token").read_text().strip()

    @contextmanager
    def another_envoy(self, change: Callable[[dict[str, Any]], None] = lambda _: None) -> Generator[Envoy]:
        """An Envoy before them, once it knows that they serve. `change` may change its configuration."""
        self._envoys += 1
        folder, ports = self._folder / f"envoy{self._envoys}", (free_port(), free_port(), free_port())
        configuration = yaml.safe_load((COMPONENT / CONFIGURATION).read_text())
        configuration = local(configuration, [replica.port for replica in self.replicas], ports)
        change(configuration)
        written(folder, configuration, self.authority)
        envoy = Envoy(self._program, folder, ports)
        try:
            envoy.wait_until(lambda: envoy.ask("ready").strip() == "LIVE" and len(envoy.healthy()) == len(self.replicas))
            yield envoy
        finally:
            envoy.process.terminate()
            envoy.process.wait(DEADLINE_SECONDS)


def local(configuration: Mapping[str, Any], servers: Sequence[int], ports: tuple[int, int, int]) -> dict[str, Any]:
    """The configuration of deploy/ for servers of this machine: other addresses, and nothing else."""
    callers, probes, admin = ports
    loopback = "127.0.0.1"
    copied: dict[str, Any] = json.loads(json.dumps(configuration))
    listeners = {one["name"]: one for one in copied["static_resources"]["listeners"]}
    clusters = {one["name"]: one["load_assignment"]["endpoints"][0] for one in copied["static_resources"]["clusters"]}

    def at(port: int) -> dict[str, Any]:
        return {"socket_address": {"address": loopback, "port_value": port}}

    listeners["callers"]["address"], listeners["probes"]["address"] = at(callers), at(probes)
    copied["admin"]["address"] = at(admin)
    clusters["admin"]["lb_endpoints"] = [{"endpoint": {"address": at(admin)}}]
    clusters["elman"]["lb_endpoints"] = [{"endpoint": {"address": at(port)}} for port in servers]
    return copied


def written(folder: Path, configuration: Mapping[str, Any], authority: Authority) -> None:
    """Lay out what Envoy reads, with a certificate for `localhost`."""
    shutil.copytree(COMPONENT, folder, ignore=shutil.ignore_patterns("*ization.yaml"))
    (folder / CONFIGURATION).write_text(yaml.safe_dump(configuration))
    for path, name in zip((*authority.issue("localhost", name="envoy"), authority.certificate), SECRETS, strict=True):
        shutil.copy(path, folder / name)


SECRETS: Final = ("tls.crt", "tls.key", "ca.crt")


@contextmanager
def behind_envoy(
    program: str,
    folder: Path,
    authority: Authority,
    model: str,
    program_of_servers: Sequence[str] = ELMAN,
    **flags: object,
) -> Generator[Behind]:
    """Three servers of a model behind an Envoy. Flags are the servers'."""
    certificate, key = authority.issue("localhost", "elman", name="servers")
    token, line = new_token("alice", Limits())
    (folder / "tokens").write_text(f"{line}\n")
    (folder / "alice.token").write_text(f"{token}\n")
    given = {"--model": model, "--tls-certificate": certificate, "--tls-key": key, "--tokens": folder / "tokens"}
    given |= {f"--{name.replace('_', '-')}": value for name, value in flags.items()}
    replicas = [Replica(folder / f"server{number}.log", given, program_of_servers) for number in range(3)]
    try:
        for replica in replicas:
            replica.wait_until_ready()
        behind = Behind(program, folder, authority, replicas)
        with behind.another_envoy() as behind.envoy:
            yield behind
    finally:
        for replica in replicas:
            replica.kill()
