"""Against the real server: a connection cut after any byte, a server that goes away, and the shell's way to both."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from elman.aio.client import AsyncClient
from elman.errors import GoElsewhere
from elman.protocol.retry import Retry
from elman_server.config import ServerConfig
from elman_server.server import Server

LENGTH = 1200
"""Even in one message, more bytes than any connection is cut after."""


class Servers:
    """Starts servers that leave without a grace, and ends those that have not left."""

    def __init__(self, artifact: Path) -> None:
        models = (f"tiny={artifact}",)
        self._config = ServerConfig(models, port=0, metrics_port=0, rows=4, drain_notice_seconds=0, grace_seconds=0)
        self._running: list[Server] = []

    async def start(self) -> Server:
        server = Server(self._config)
        await server.start()
        self._running.append(server)
        return server

    async def leave(self, server: Server) -> None:
        self._running.remove(server)
        server.leave()
        await server.until_stopped()

    async def close(self) -> None:
        for server in [*self._running]:
            await self.leave(server)


@pytest.fixture
async def servers(artifact: Path) -> AsyncIterator[Servers]:
    """Real servers in this event loop."""
    servers = Servers(artifact)
    yield servers
    await servers.close()


class CuttingProxy:
    """Passes bytes on, and cuts its first connection after a number of the server's."""

    def __init__(self, port: int, cut_after: int) -> None:
        self._port = port
        self._left: int | None = cut_after
        self._serving: set[asyncio.Task[None]] = set()
        self.connections = 0

    async def __aenter__(self) -> str:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return f"127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._serving.add(asyncio.create_task(self._serve(from_client, to_client)))

    async def _serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        left, self._left = self._left, None
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        requests = asyncio.create_task(pump(from_client, to_server, None))
        try:
            await pump(from_server, to_client, left)
        finally:
            requests.cancel()
            for writer in (to_client, to_server):
                writer.transport.abort()
            await asyncio.gather(requests, to_client.wait_closed(), to_server.wait_closed(), return_exceptions=True)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None) -> None:
    """Pass bytes on until they end, or until none is left to pass."""
    try:
        while data := await reader.read(left if left is not None else 65536):
            writer.write(data)
            await writer.drain()
            left = None if left is None else left - len(data)
            if left == 0:
                return
    except OSError:
        pass  # the other side is gone, which is what this is for


async def whole(server: Server) -> tuple[str, bytes]:
    """The unbroken completion."""
    async with AsyncClient(f"127.0.0.1:{server.port}") as client:
        completion = client.complete("a bad ", seed=8, max_characters=LENGTH, stop=["fade!"])
        return await completion.read(), completion.state


@pytest.mark.parametrize("cut_after", [1, 60, 150, 250, 400, 500, 600, 700, 900, 1100])
async def test_a_connection_cut_after_any_byte_is_resumed_to_the_same_bytes(cut_after: int, servers: Servers) -> None:
    server = await servers.start()
    proxy = CuttingProxy(server.port, cut_after)
    async with proxy as address, AsyncClient(address, retry=Retry(first_seconds=0.05)) as client:
        completion = client.complete("a bad ", seed=8, max_characters=LENGTH, stop=["fade!"])
        await completion.read()
    assert proxy.connections == 2
    assert (completion.text, completion.state) == await whole(server)


async def test_a_completion_goes_on_elsewhere_when_its_server_leaves(servers: Servers) -> None:
    leaving, staying = await servers.start(), await servers.start()
    async with AsyncClient([f"127.0.0.1:{leaving.port}", f"127.0.0.1:{staying.port}"]) as client:
        completion = client.complete("a bad ", seed=8, max_characters=500_000)
        await anext(completion)
        await servers.leave(leaving)
        await completion.read()
        unbroken = client.complete("a bad ", seed=8, max_characters=500_000)
        assert completion.text == await unbroken.read()
        assert completion.state == unbroken.state
    assert completion.usage is not None
    assert completion.usage.consumed_characters > len("a bad ")


async def test_a_completion_whose_only_server_left_keeps_what_was_received(servers: Servers, at_once: Retry) -> None:
    server = await servers.start()
    async with AsyncClient(f"127.0.0.1:{server.port}", retry=at_once) as client:
        completion = client.complete("a bad ", seed=8, max_characters=500_000)
        await anext(completion)
        await servers.leave(server)
        with pytest.raises(GoElsewhere):
            await completion.read()
        assert completion.text


def test_the_shell_serves_completes_and_leaves(artifact: Path) -> None:
    elman = [sys.executable, "-m", "elman"]
    arguments = ("--model", f"tiny={artifact}", "--port", "0", "--metrics-port", "0", "--drain-notice-seconds", "0")
    with subprocess.Popen([*elman, "serve", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        assert server.stdout is not None
        port = json.loads(server.stdout.readline())["port"]
        flags = ("--server", f"127.0.0.1:{port}", "--max-characters", "9")
        done = subprocess.run([*elman, "complete", *flags, "a bad "], capture_output=True, check=True)
        assert len(done.stdout.decode()) == 9
        server.send_signal(signal.SIGTERM)
        server.stdout.read()
    assert server.returncode == 0


async def test_the_call_that_a_hedge_beats_frees_its_row(servers: Servers) -> None:
    both = [await servers.start(), await servers.start()]
    async with AsyncClient([f"127.0.0.1:{server.port}" for server in both], hedge_seconds=0) as client:
        for seed in range(20):  # sometimes one is beaten before it has begun
            async with client.complete("a bad ", seed=seed, max_characters=1 << 20) as completion:
                await anext(completion)
                async with asyncio.timeout(10):
                    while sum(server.statistics().busy_rows for server in both) > 1:  # noqa: ASYNC110 (nobody tells)
                        await asyncio.sleep(0.005)
    assert all(server.statistics().steps for server in both)
