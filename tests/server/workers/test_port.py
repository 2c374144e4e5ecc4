"""A port that is held for workers: those who share it get in, and nobody else does."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from elman_models.errors import InvalidField
from elman_server.workers.port import held_port

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTS = ["127.0.0.1", "0.0.0.0", "localhost"]


@pytest.fixture(params=HOSTS)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """One that is held at a host."""
    with held_port(request.param, 0) as port:
        yield port


def listener(port: int, *options: int) -> socket.socket:
    """A socket with some options that listens. Raises OSError."""
    one = socket.socket()
    try:
        for option in options:
            one.setsockopt(socket.SOL_SOCKET, option, 1)
        one.bind(("127.0.0.1", port))
        one.listen()
    except OSError:
        one.close()
        raise
    return one


def test_those_who_share_a_held_port_get_every_connection(port: int) -> None:
    options = (socket.SO_REUSEADDR, socket.SO_REUSEPORT)
    with listener(port, *options) as one, listener(port, *options) as other:
        one.setblocking(False)
        other.setblocking(False)
        asking = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(32)]
        accepted = {name: accept_all(each) for name, each in (("one", one), ("other", other))}
        assert sum(map(len, accepted.values())) == len(asking)  # the holder takes none
        for each in [*asking, *accepted["one"], *accepted["other"]]:
            each.close()


def accept_all(listener: socket.socket) -> list[socket.socket]:
    """The connections that wait there."""
    accepted: list[socket.socket] = []
    try:
        while True:
            accepted.append(listener.accept()[0])
    except BlockingIOError:
        return accepted


@pytest.mark.parametrize("options", [(), (socket.SO_REUSEADDR,)])
def test_who_does_not_share_does_not_get_in(port: int, options: tuple[int, ...]) -> None:
    with pytest.raises(OSError, match="Address already in use"):
        listener(port, *options)


@pytest.mark.parametrize("host", HOSTS)
def test_a_port_is_held_once(port: int, host: str) -> None:
    with pytest.raises(InvalidField, match=f"^port: {port} .* in use"), held_port(host, port):
        pass


@pytest.mark.parametrize("options", [(), (socket.SO_REUSEADDR,), (socket.SO_REUSEADDR, socket.SO_REUSEPORT)])
def test_a_port_at_which_somebody_listens_is_refused(options: tuple[int, ...]) -> None:
    with listener(0, *options) as other:
        number = other.getsockname()[1]
        with pytest.raises(InvalidField, match=f"^port: {number} .* in use"), held_port("127.0.0.1", number):
            pass


def test_a_port_is_free_again_once_its_connections_have_ended() -> None:
    """The side that closes first keeps the address for a minute, in TIME_WAIT."""
    options = (socket.SO_REUSEADDR, socket.SO_REUSEPORT)
    with (
        held_port("127.0.0.1", 0) as port,
        listener(port, *options) as one,
        socket.create_connection(("127.0.0.1", port), timeout=20) as asking,
    ):
        one.accept()[0].close()
        assert asking.recv(1) == b""
    with held_port("127.0.0.1", port) as again:
        assert again == port


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid"])
def test_an_address_that_this_machine_lacks_is_refused(host: str) -> None:
    with pytest.raises(InvalidField, match=f"^port: 0 .* {host} is not an address of this machine$"), held_port(host, 0):
        pass
