"""A Unix socket for one machine: its owner alone may open it, a dead server's is replaced, a live one's is not."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from elman.aio.client import AsyncClient
from elman_models.errors import InvalidField

if TYPE_CHECKING:
    from tests.server.conftest import Start


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def completes(address: str) -> bool:
    """Whether a client gets a completion. Raises ElmanError."""
    async with AsyncClient(address) as client:
        return len(await client.complete("a bad cab", max_characters=5).read()) == 5


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a socket, in a folder that is short enough."""
    monkeypatch.chdir(tmp_path)
    return Path("socket")


@pytest.mark.parametrize("form", ["unix:socket", "unix:{folder}/socket", "unix://{folder}/socket"])
async def test_a_socket_serves_its_owner_alone_and_is_gone_with_the_server(
    start: Start, path: Path, tmp_path: Path, form: str
) -> None:
    address = form.format(folder=tmp_path)
    umask = os.umask(0o022)
    try:
        server = await start(host=address)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(umask)
    assert mode_of(path) == 0o600
    assert await completes(address)
    server.leave()
    await server.until_stopped()
    with pytest.raises(FileNotFoundError):
        mode_of(path)


async def test_a_socket_that_a_dead_server_left_is_replaced(start: Start, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    await start(host=f"unix:{path}")
    assert await completes(f"unix:{path}")


async def test_a_socket_of_a_live_server_is_refused_and_goes_on(start: Start, path: Path) -> None:
    await start(host=f"unix:{path}")
    with pytest.raises(InvalidField, match=r"^host: 'unix:socket' .* at this one another server listens$"):
        await start(host=f"unix:{path}")
    assert await completes(f"unix:{path}")


async def test_what_is_no_socket_is_refused_and_left(start: Start, path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(InvalidField, match=r"^host: .* this is a file of another kind$"):
        await start(host=f"unix:{path}")
    assert mode_of(path) & 0o400


async def test_a_path_that_a_socket_cannot_have_is_refused(start: Start, path: Path) -> None:
    with pytest.raises(InvalidField, match=r"^host: .* a path of at most 107 bytes$"):
        await start(host=f"unix:{'a' * 108}")
    with pytest.raises(InvalidField, match=r"^host: .* a folder that is there; none is none$"):
        await start(host="unix:none/such")


async def test_what_is_said_to_this_machine_goes_through_no_proxy(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would leave the machine, and with it a token in plain text."""
    server = await start()
    for name in "grpc_proxy", "http_proxy", "https_proxy":
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await completes(f"127.0.0.1:{server.port}")
