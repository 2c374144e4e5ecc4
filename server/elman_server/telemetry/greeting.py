"""What a person who starts a server on a terminal reads: where it listens, what it serves, and how to try it."""

import shlex
import sys
from collections.abc import Sequence
from typing import Final

EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 (compared, not listened on)


def is_terminal() -> bool:
    """Whether a person reads standard error."""
    return bool(sys.stderr and sys.stderr.isatty())


def greet(host: str, port: int, metrics_port: int, models: Sequence[str]) -> None:
    """Say it on standard error."""
    print(greeting(host, port, metrics_port, models), file=sys.stderr, flush=True)


def greeting(host: str, port: int, metrics_port: int, models: Sequence[str]) -> str:
    """The words of it; the command is one that works on this machine."""
    here = "127.0.0.1" if host in EVERYWHERE else host
    address = f"[{here}]:{port}" if ":" in here else f"{here}:{port}"
    default, *others = models
    return (
        f"elman serves {', '.join([f'{default} (the default)', *others])} at {address}"
        f"{', and on every other address of this machine' if host in EVERYWHERE else ''}; metrics on port {metrics_port}.\n"
        f'Try it in another terminal: elman complete --server {shlex.quote(address)} "Once upon a time"\n'
        "Ctrl-C stops it. Calls are logged below, one JSON object a line."
    )
