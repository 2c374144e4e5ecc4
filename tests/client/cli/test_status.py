"""`elman status` shows what the real server is doing, of each server that is named, and why one does not tell."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import elman
from elman import AsyncClient, ElmanError
from elman_server.config import ServerConfig
from elman_server.server import Server

NOBODY = "127.0.0.1:1"


@pytest.fixture
async def server(artifact: Path) -> AsyncIterator[Server]:
    """A real server of one model and four rows, in this event loop."""
    server = Server(ServerConfig((f"tiny={artifact}",), port=0, metrics_port=0, rows=4, drain_notice_seconds=0))
    await server.start()
    yield server
    server.leave()
    server.hurry()
    await server.until_stopped()


async def status_of(server: Server, *flags: str) -> tuple[int | None, str, str]:
    """Exit code, standard output and standard error of the command."""
    command = ["-m", "elman", "status", "--server", f"127.0.0.1:{server.port}", *flags]
    pipe = subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=pipe, stderr=pipe)
    output, error = await process.communicate()
    return process.returncode, output.decode(), error.decode()


async def test_it_shows_models_rows_queue_and_build(server: Server) -> None:
    code, output, error = await status_of(server)
    assert (code, error) == (0, "")
    line, headings, row = output.splitlines()
    assert re.fullmatch(
        rf"127\.0\.0\.1:\d+: elman {re.escape(version('elman'))} serves, up 0:0\d:\d\d, 1 call running,"
        r" 0\.0 of \d+ MB held for calls",
        line,
    )
    assert headings.split() == ["NAME", "DIGEST", "RUNS", "ON", "ROWS", "WAITING", "LONGEST", "STATE"]
    assert row.split()[0] == "tiny"
    assert re.search(r"0 of 4  0        0\.0 s    serves *$", row)


async def test_programs_read_what_the_library_tells(server: Server) -> None:
    code, output, _ = await status_of(server, "--json", "--server", NOBODY)
    told, missing = json.loads(output)["servers"]
    assert code == 8
    assert (missing["address"], missing["error"].startswith("no completion service")) == (NOBODY, True)
    async with AsyncClient(f"127.0.0.1:{server.port}") as client:
        status = await client.status()
        (model,) = await client.models()
    assert (status.models[0].name, status.models[0].digest) == (model.name, model.digest)
    assert told["models"] == [*status.to_json()["models"]]
    assert told["version"] == status.version == version("elman")
    assert told["up_seconds"] < status.up_seconds


async def test_what_calls_use_is_told(server: Server) -> None:
    async with AsyncClient(f"127.0.0.1:{server.port}") as client:
        completion = client.complete("a", max_characters=1_000_000, alternatives=2)
        await anext(completion)
        busy = await client.status()
        await completion.close()
    assert busy.calls == 2
    assert busy.held_bytes > 0


async def test_a_server_that_drains_says_so(artifact: Path) -> None:
    server = Server(ServerConfig((f"tiny={artifact}",), port=0, metrics_port=0, drain_notice_seconds=60))
    await server.start()
    server.leave()
    stopped = asyncio.create_task(server.until_stopped())
    await asyncio.sleep(0)
    code, output, error = await status_of(server, "--timeout", "20")
    server.hurry()
    await stopped
    assert (code, error) == (0, "")
    assert " is draining, up " in output


def test_who_does_not_tell_is_named_on_standard_error(scripted: Any) -> None:
    command = [sys.executable, "-m", "elman", "status", "--server", f"{scripted.address},{NOBODY}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    first, second = done.stderr.splitlines()
    assert first.startswith(f"elman: {scripted.address}: no status is told: the server is an older one")
    assert second.startswith(f"elman: {NOBODY}: no completion service")


def test_an_engine_in_this_process_has_none(artifact: Path) -> None:
    with elman.open(str(artifact), device="cpu") as client, pytest.raises(ElmanError, match="no status is told"):
        client.status()
