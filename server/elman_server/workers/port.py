"""A port that this process and its workers share (SO_REUSEPORT), and nobody else. Knows no worker."""

import errno
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from elman_models.errors import InvalidField

NOT_HERE: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""An address of a name which this machine lacks, as ::1 may be of localhost."""


@contextmanager
def held_port(host: str, port: int) -> Generator[int]:
    """Hold a port (0: a free one) at every address of the host, for those who share it. Raises InvalidField."""
    allowed = f"a free port; this one is in use, or {host} is not an address of this machine"
    with ExitStack() as held:
        number = port
        try:
            for family, address in addresses_of(host):
                if holder := holder_at(family, address, number):
                    held.enter_context(holder)
                    number = holder.getsockname()[1]
        except OSError:
            raise InvalidField("port", port, allowed) from None
        if not number:
            raise InvalidField("port", port, allowed)
        yield number


def addresses_of(host: str) -> list[tuple[int, tuple[Any, ...]]]:
    """Family and address, of which the port is left open. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def holder_at(family: int, address: tuple[Any, ...], port: int) -> socket.socket | None:
    """A socket that holds the port at an address; None where this machine lacks that. Raises OSError where somebody listens.

    Whoever shares a port is not told who else does. So the first socket shares nothing and listens, which it can alone; the
    second, which shares, takes its place. It never listens, or it would get connections, and lets nobody in who does not share.
    """
    at = (address[0], port, *address[2:])
    try:
        with socket.socket(family) as alone, ExitStack() as unless_held:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have ended are in nobody's way
            alone.bind(at)
            alone.listen(1)
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder = unless_held.enter_context(socket.socket(family))
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind(alone.getsockname())
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            unless_held.pop_all()
            return holder
    except OSError as error:
        if error.errno in NOT_HERE:
            return None
        raise
