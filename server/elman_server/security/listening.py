"""Where the server listens: on this machine alone, unless who calls can be told, or all may. Knows no gRPC."""

import os
import socket
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from elman_models.errors import InvalidField
from elman_server.config import path_of_socket

OURS_ALONE: Final = 0o177
"""The umask for a socket of mode 0600."""
LONGEST_PATH_BYTES: Final = 107
"""unix(7): 108 with the zero at its end."""
ANSWER_SECONDS: Final = 1.0


def address_of(host: str, port: int) -> str:
    """Host and port as gRPC wants them; a Unix socket has no port."""
    if path_of_socket(host):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def private_socket(host: str) -> Generator[None]:
    """While a Unix socket is made: of mode 0600, in place of what a dead server left. Raises InvalidField for a live one."""
    path = path_of_socket(host)
    if not path:
        yield
        return
    check_free(host, Path(path))
    umask = os.umask(OURS_ALONE)
    try:
        yield
    finally:
        os.umask(umask)


def check_free(host: str, path: Path) -> None:
    """Raise InvalidField unless nothing is there, or a socket at which nobody listens: gRPC takes its place."""
    if len(os.fsencode(path)) > LONGEST_PATH_BYTES:
        raise InvalidField("host", host, f"a path of at most {LONGEST_PATH_BYTES} bytes")
    if not path.parent.is_dir():
        raise InvalidField("host", host, f"the path of a socket in a folder that is there; {path.parent} is none")
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise InvalidField("host", host, "the path of a socket; this is a file of another kind")
    if is_live(path):
        raise InvalidField("host", host, "a socket of its own; at this one another server listens")


def is_live(path: Path) -> bool:
    """Whether somebody listens at a socket, as far as can be told."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(ANSWER_SECONDS)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            return False
        except OSError:  # too busy to answer, or not ours to ask
            return True
        return True
