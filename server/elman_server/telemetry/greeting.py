"""What a person who starts a server on a terminal reads: where it listens, what it serves, and how to try it."""

import logging
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from elman_server.config import path_of_socket
from elman_server.telemetry.log import LOGGER, log

EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 (compared, not listened on)


def tell_serving(facts: Mapping[str, Any]) -> None:
    """Say where a server listens and what it serves: to a person in words, otherwise as a line of the log."""
    if is_terminal() and LOGGER.isEnabledFor(logging.INFO):
        flags = [*(["--tls"] if facts["is_encrypted"] else []), *(["--token-file FILE"] if facts["asks_for_tokens"] else [])]
        greet(facts["host"], facts["port"] or 0, facts["metrics_port"], [*facts["models"]], flags)
    else:
        log("serving", **facts)


def is_terminal() -> bool:
    """Whether a person reads standard error."""
    return bool(sys.stderr and sys.stderr.isatty())


def greet(host: str, port: int, metrics_port: int | None, models: Sequence[str], flags: Sequence[str]) -> None:
    """Say it on standard error."""
    print(greeting(host, port, metrics_port, models, flags), file=sys.stderr, flush=True)


def greeting(host: str, port: int, metrics_port: int | None, models: Sequence[str], flags: Sequence[str] = ()) -> str:
    """The words of it; the command is one that works on this machine, with the flags that it needs."""
    here = "127.0.0.1" if host in EVERYWHERE else host
    address = here if path_of_socket(here) else f"[{here}]:{port}" if ":" in here else f"{here}:{port}"
    asked = " ".join(["--server", shlex.quote(address), *flags])
    default, *others = models
    metrics = "" if metrics_port is None else f"; metrics on port {metrics_port}"
    return (
        f"elman serves {', '.join([f'{default} (the default)', *others])} at {address}"
        f"{', and on every other address of this machine' if host in EVERYWHERE else ''}{metrics}.\n"
        f'Try it in another terminal: elman complete {asked} "Once upon a time"\n'
        "Ctrl-C stops it. Calls are logged below, one JSON object a line."
    )
