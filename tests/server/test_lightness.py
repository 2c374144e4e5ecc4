"""Serving on a processor needs no torch, with or without the native extension: the server and the engine never import it."""

import subprocess
import sys

import pytest

from elman_models.execution.choice import NOT_BUILT, has_extension

EMBEDDED = """
import sys, elman
with elman.open("shakespeare") as client:
    assert len(client.complete("ROMEO:", max_characters=20).read()) == 20
"""

SERVED = """
import asyncio, sys, elman
from elman_server.config import ServerConfig
from elman_server.server import Server

async def main():
    server = Server(ServerConfig(port=0, metrics_port=0, drain_notice_seconds=0, grace_seconds=0))
    await server.start()
    async with elman.AsyncClient(f"127.0.0.1:{server.port}") as client:
        assert len(await client.complete("ROMEO:", max_characters=20).read()) == 20
    server.leave()
    await server.until_stopped()

asyncio.run(main())
"""

HIDE = "import sys; sys.modules['elman_models._native'] = None\n"
CHECK = "\nassert 'torch' not in sys.modules\n"

either = pytest.mark.parametrize("script", [EMBEDDED, SERVED], ids=["embedded", "served"])


def run(script: str) -> subprocess.CompletedProcess[str]:
    """The script, to its end."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)


def test_the_parent_of_workers_imports_neither_numpy_nor_grpc() -> None:
    done = run(
        "import sys, elman.cli.serve, elman_server.workers.parent; sys.exit(bool({'numpy', 'grpc'} & sys.modules.keys()))"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not has_extension(), reason="the native extension was not built")
@either
def test_serving_imports_no_torch(script: str) -> None:
    done = run(script + CHECK + "assert 'elman_models._native' in sys.modules\n")
    assert (done.returncode, done.stderr) == (0, "")


@either
def test_serving_without_the_native_extension_says_so_once_and_imports_no_torch(script: str) -> None:
    done = run(HIDE + script + CHECK)
    assert (done.returncode, done.stderr.count(NOT_BUILT), done.stderr.count("\n")) == (0, 1, 1)
