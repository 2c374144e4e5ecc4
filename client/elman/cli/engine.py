"""Flags that the commands which talk to an engine share, and the client that they mean."""

import argparse
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from elman.channel import DEFAULT_PORT
from elman.errors import ElmanError, MendRequest
from elman.progress import Progress
from elman.protocol.results import ModelDescription
from elman.settings import Setting, counted, given
from elman.sync.client import Client
from elman.sync.embedded import DEFAULT_MODEL, Watch, open_client, unwatched
from elman.terminal import note

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
    """The values of the flags, as keywords of `Client`. Raises MendRequest."""
    return {field.name: field.default for field in fields} | given(arguments, fields, MendRequest.of_field)


def open_engine(
    arguments: argparse.Namespace, model: str = DEFAULT_MODEL, watch: Watch = unwatched
) -> tuple[Client, str | None]:
    """The client that --server and --model mean, and the model's name to send. `watch` is told what is read in this process."""
    addresses = servers(arguments.server)
    if addresses:
        return Client(addresses), arguments.model
    return open_client(arguments.model or model, device="cpu", watch=watch), None  # one text at a time is fastest there


class Reading(Progress):
    """How far a text is read, and how much is written of what follows it."""

    def __init__(self, text: str) -> None:
        super().__init__("reading")
        self._characters, self._read, self._written = len(text), 0, 0

    def watch(self, characters: int) -> None:
        """So many more of its characters are read."""
        self._read += characters
        self.tell(min(1.0, self._read / self._characters))

    def note_written(self, characters: int) -> None:
        """So many more characters follow it."""
        self._written += characters
        self.tell(None, counted(self._written, "character"), "writing")


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
        lacking = [character for character in text if character not in known]
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
