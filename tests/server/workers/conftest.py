"""Real workers under a real parent, and what can be done to them. Knows no test."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from elman import AsyncClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

SERVE = """
import json, sys
from elman_server.config import ServerConfig
from elman_server.workers import parent, process
for name, value in json.loads(sys.argv[2]).items():
    setattr(parent, name, value)
if sys.argv[3]:
    process.COMMAND = (sys.executable, "-c", sys.argv[3])
parent.serve(ServerConfig(**json.loads(sys.argv[1])))
"""
DEADLINE_SECONDS = 60.0
LOOK_SECONDS = 0.02


class Whole:
    """A parent and its workers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.lines.append(json.loads(line))  # whatever else the libraries say comes as such a line, too

    @property
    def facts(self) -> dict[str, Any]:
        """What the line of the log says by which it tells that it serves."""
        return next(line for line in self.lines if line["event"] == "serving")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.facts['port']}"

    def told(self, event: str) -> list[dict[str, Any]]:
        """The lines of an event."""
        return [line for line in self.lines if line["event"] == event]

    @property
    def workers(self) -> list[int]:
        """The processes of the workers."""
        return [worker for nursery in children(self.process.pid) for worker in children(nursery)]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():  # noqa: ASYNC110 # processes tell nobody that they changed
                await asyncio.sleep(LOOK_SECONDS)

    async def scrape(self) -> dict[str, float]:
        """The value of each series."""
        text = await asyncio.to_thread(self.get, "/metrics")
        families: Any = text_string_to_metric_families(text)
        return {series(one.name, **one.labels): one.value for family in families for one in family.samples}

    async def scraped(self, name: str, expected: float) -> dict[str, float]:
        """What is scraped once a series has a value."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (found := await self.scrape()).get(name) != expected:  # noqa: ASYNC110 # metrics tell nobody
                await asyncio.sleep(LOOK_SECONDS)
        return found

    def get(self, path: str) -> str:
        """What is answered at the port of the metrics. Raises HTTPError."""
        with urlopen(f"http://127.0.0.1:{self.facts['metrics_port']}{path}", timeout=20) as answer:
            return answer.read().decode()

    async def status(self, path: str) -> int:
        """How a probe is answered."""
        try:
            await asyncio.to_thread(self.get, path)
        except HTTPError as error:
            return error.code
        return 200

    async def serves(self, count: int) -> None:
        """Wait until as many workers take calls."""
        await self.scraped("elman_workers", count)

    async def end(self) -> int:
        """Ask it to leave; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            code = await self.process.wait()
            await self._reading
        return code

    async def close(self) -> None:
        """End it, whatever it does."""
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()


def children(process: int) -> list[int]:
    """The processes that a process has started, proc(5)."""
    with suppress(FileNotFoundError):
        return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def threads(process: int) -> int:
    """How many threads a process has."""
    return len(list(Path(f"/proc/{process}/task").iterdir()))


def runs(process: int) -> bool:
    """Whether a process is there, and not only its exit code."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def series(name: str, **labels: str) -> str:
    """A series as Prometheus writes it."""
    given = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{given}}}" if given else name


@pytest.fixture
def small(artifacts: dict[str, Path]) -> dict[str, Any]:
    """The configuration of two workers of a small model, who wait for nobody at their end."""
    models = [f"one={artifacts['one']}"]
    waits = {"drain_notice_seconds": 0, "grace_seconds": 0}
    return {"models": models, "port": 0, "metrics_port": 0, "rows": 4, "workers": 2, **waits}


@asynccontextmanager
async def starting(config: dict[str, Any], program: str = "", **constants: float) -> AsyncGenerator[Whole]:
    """A parent with its configuration, perhaps another program as its workers, and other constants in its module."""
    arguments = ("-c", SERVE, json.dumps(config), json.dumps(constants), program)
    whole = Whole(await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.PIPE))
    try:
        yield whole
    finally:
        await whole.close()


@asynccontextmanager
async def serving(config: dict[str, Any], program: str = "", **constants: float) -> AsyncGenerator[Whole]:
    """One whose workers all serve."""
    async with starting(config, program, **constants) as whole:
        await whole.until(lambda: whole.told("serving"))
        yield whole


async def completes(client: AsyncClient, characters: int = 20) -> str:
    """A completion. Raises ElmanError."""
    return await client.complete("a bad cab", max_characters=characters, seed=1).read()


def kill(process: int, number: signal.Signals = signal.SIGKILL) -> None:
    """A signal to a worker."""
    os.kill(process, number)
