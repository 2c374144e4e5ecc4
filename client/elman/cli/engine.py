"""Flags that the commands which talk to an engine share, and the client that they mean."""

import argparse
import os
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Any, Final

from elman.errors import MendRequest
from elman.protocol.fields import Field
from elman.sync.client import Client
from elman.sync.embedded import DEFAULT_MODEL, open_client

VARIABLE: Final = "ELMAN_SERVER"
LISTS: Final = ("ipv4:", "ipv6:")  # gRPC's own lists of addresses hold commas


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """--server, --model, --timeout and --json."""
    add_server_arguments(parser)
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after so long, all retries included")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """--server and --model."""
    parser.add_argument(
        "--server",
        action="append",
        metavar="HOST:PORT",
        help=f"a server, or several with commas; may be repeated (env: {VARIABLE}; without: the engine runs in this process)",
    )
    parser.add_argument(
        "--model",
        metavar="NAME|PATH",
        help="the model: a name that the server knows (default: its first); without a server a shipped name, or a file",
    )


def add_fields(parser: argparse.ArgumentParser, fields: Sequence[Field]) -> None:
    """A flag for each field, with its name."""
    for field in fields:
        text = field.help.replace("%", "%%")
        if field.kind is bool:
            parser.add_argument(field.flag, action="store_true", help=text)
        elif field.kind is tuple:
            repeated = f"{text} May be repeated."
            parser.add_argument(field.flag, action=Append, default=field.default, metavar="STRING", help=repeated)
        else:
            parse, metavar = PARSERS[field.kind]
            parser.add_argument(field.flag, type=parse, default=field.default, metavar=metavar, help=text)


class Append(argparse.Action):
    """Collects what is given in place of the default; argparse's own adds it to that."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """One more."""
        so_far = getattr(namespace, self.dest)
        setattr(namespace, self.dest, (values,) if so_far is self.default else (*so_far, values))


def values_of(arguments: argparse.Namespace, fields: Sequence[Field]) -> dict[str, Any]:
    """The keywords of `Client` that the flags stand for."""
    return {field.name: getattr(arguments, field.name) for field in fields}


def open_engine(arguments: argparse.Namespace, model: str = DEFAULT_MODEL) -> tuple[Client, str | None]:
    """The client that --server and --model mean, and the model's name to send."""
    addresses = servers(arguments.server)
    if addresses:
        return Client(addresses), arguments.model
    return open_client(arguments.model or model, device="cpu"), None  # one text at a time is fastest there


def servers(given: Sequence[str] | None) -> list[str]:
    """The addresses of --server, or else of ELMAN_SERVER."""
    words = [os.environ.get(VARIABLE, "")] if given is None else given
    parts = [part for word in words for part in ([word] if word.startswith(LISTS) else word.split(","))]
    return [part.strip() for part in parts if part.strip()]


def state_bytes(text: str) -> bytes:
    """A state as --json prints it."""
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise MendRequest(f"state: {text[:40]!r} is no Base64 ({error}); allowed: the state that --json prints") from None


PARSERS: Final[dict[type, tuple[Callable[[str], Any], str]]] = {
    float: (float, "NUMBER"),
    int: (int, "NUMBER"),
    str: (str, "TEXT"),
    bytes: (state_bytes, "BASE64"),
}
