"""Flags that the commands which talk to an engine share, and the client that they mean."""

import argparse
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from elman.channel import DEFAULT_PORT
from elman.errors import ElmanError, MendRequest
from elman.plain import plain_form
from elman.protocol.results import ModelDescription
from elman.settings import Setting, given
from elman.sync.client import Client
from elman.sync.embedded import DEFAULT_MODEL, open_client
from elman.terminal import as_read, note

MOST_NAMED: Final = 10
NAMING_SECONDS: Final = 2.0
VARIABLE: Final = "ELMAN_SERVER"
LISTS: Final = ("ipv4:", "ipv6:")  # gRPC's own lists of addresses hold commas


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """--server, --model, --timeout and --json."""
    add_server_arguments(parser)
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after this long, all retries included")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """--server and --model."""
    parser.add_argument(
        "--server",
        action="append",
        metavar="HOST[:PORT]",
        help=f"a server, or several with commas; may be repeated (default port: {DEFAULT_PORT}; env: {VARIABLE}; without one,"
        " the engine runs in this process)",
    )
    parser.add_argument(
        "--model",
        metavar="NAME|PATH",
        help="a name that the server knows (default: its first); without a server, a shipped name or a file",
    )


def values_of(arguments: argparse.Namespace, fields: Sequence[Setting]) -> dict[str, Any]:
    """The values of the flags, as keywords of `Client`; what is text is folded. Raises MendRequest."""
    values = {field.name: field.default for field in fields} | given(arguments, fields, MendRequest.of_field)
    return values | {"stop": tuple(as_read("--stop", each) for each in values["stop"])} if "stop" in values else values


def open_engine(arguments: argparse.Namespace, model: str = DEFAULT_MODEL) -> tuple[Client, str | None]:
    """The client that --server and --model mean, and the model's name to send."""
    addresses = servers(arguments.server)
    if addresses:
        return Client(addresses), arguments.model
    return open_client(arguments.model or model, device="cpu"), None  # one text at a time is fastest there


def check_json(arguments: argparse.Namespace) -> None:
    """Raise MendRequest for log-probabilities without --json, which alone shows them."""
    if arguments.include_log_probabilities and not arguments.json:
        raise MendRequest("--include-log-probabilities needs --json, which shows them")


def note_unknown(client: Client, named: str | None, digest: str, text: str, unknown: int) -> None:
    """Say on standard error which characters of the text the vocabulary lacks; `unknown` of them were counted."""
    if not unknown:
        return
    lacking: list[str] = []
    with suppress(ElmanError):  # the text itself was answered
        known = vocabulary(client.models(timeout=NAMING_SECONDS), named, digest)
        lacking = [character for character in text if character not in known and not plain_form(character, known)]
    which = f": {in_quotes(lacking)}" if len(lacking) == unknown else ""
    note(f"{unknown:,} of the {len(text):,} characters are unknown to the model{which}")


def vocabulary(models: Sequence[ModelDescription], named: str | None, digest: str) -> str:
    """The vocabulary of the model that a name and a digest mean."""
    return next((each.vocabulary for each in models if named in (None, "", each.name) and digest in ("", each.digest)), "")


def in_quotes(characters: Sequence[str]) -> str:
    """The different ones, the first few of them."""
    different = list(dict.fromkeys(characters))
    return ", ".join(map(repr, different[:MOST_NAMED])) + (", ..." if len(different) > MOST_NAMED else "")


def servers(given: Sequence[str] | None) -> list[str]:
    """The addresses of --server; without it, those of ELMAN_SERVER."""
    words = [os.environ.get(VARIABLE, "")] if given is None else given
    parts = [part for word in words for part in ([word] if word.startswith(LISTS) else word.split(","))]
    return [part.strip() for part in parts if part.strip()]
