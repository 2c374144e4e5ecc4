"""Serving on a processor needs no torch: neither the server nor the engine in one's own process imports it."""

import subprocess
import sys

import pytest

from elman_models.execution.choice import has_extension

pytestmark = pytest.mark.skipif(not has_extension(), reason="the native extension was not built: the reference needs torch")

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

CHECK = "\nassert 'elman_models._native' in sys.modules and 'torch' not in sys.modules\n"


@pytest.mark.parametrize("script", [EMBEDDED, SERVED], ids=["embedded", "served"])
def test_serving_imports_no_torch(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script + CHECK], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
