"""Flags that the commands which talk to an engine share, and the client that they mean."""

import argparse
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from elman.cli.configuration import CREDENTIALS, DEFAULT, ENGINE, Configuration, EngineSettings, addresses
from elman.credentials import Credentials
from elman.errors import ElmanError, MendRequest
from elman.languages import DEFAULT_MODEL
from elman.plain import plain_form
from elman.progress import Progress
from elman.protocol.results import ModelDescription
from elman.settings import Setting, add_flags, counted, given
from elman.sync.client import Client
from elman.sync.embedded import Watch, open_client, unwatched
from elman.terminal import as_read, note

MOST_NAMED: Final = 10
NAMING_SECONDS: Final = 2.0


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """--server, --model, --timeout, whom to trust and what to show there, and --json."""
    add_flags(parser, [*ENGINE.values()])
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """--server, --model, and whom to trust and what to show there, where it is the text that chooses the model."""
    chosen = replace(ENGINE["model"], default_words="the one that fits the text, or none")
    add_flags(parser, [chosen, *(each for name, each in ENGINE.items() if name not in ("model", "timeout"))])


def values_of(
    arguments: argparse.Namespace, fields: Sequence[Setting], configuration: Configuration, command: str = ""
) -> dict[str, Any]:
    """The values of the flags, otherwise what is configured for the command, as keywords of `Client`; what is text is folded.

    Raises MendRequest.
    """
    defaults = {field.name: field.default for field in fields}
    values = defaults | configuration.of_command(command, fields) | given(arguments, fields, MendRequest.of_field)
    return values | {"stop": tuple(as_read("--stop", each) for each in values["stop"])} if "stop" in values else values


def engine_of(arguments: argparse.Namespace, configuration: Configuration) -> EngineSettings:
    """The engine that the flags mean, otherwise the configured one. Raises MendRequest."""
    found = {name: configuration.values[name] for name in ENGINE}
    arguments.sources = {name: each.source for name, each in found.items() if each.source != DEFAULT}
    values = {name: each.value for name, each in found.items()} | given(arguments, [*ENGINE.values()], MendRequest.of_field)
    credentials = Credentials(**{each.name: values.pop(each.name) for each in CREDENTIALS})
    return EngineSettings(**values, credentials=credentials)


def open_engine(engine: EngineSettings, default: str = DEFAULT_MODEL, watch: Watch = unwatched) -> tuple[Client, str | None]:
    """The client for an engine, and the model's name to send. In this process the default holds where none is named.

    `watch` is told what is read in this process.
    """
    if servers := servers_of(engine):
        return Client(servers, credentials=engine.credentials), engine.model or None
    return open_client(engine.model or default, device="cpu", watch=watch), None  # one text at a time is fastest there


def servers_of(engine: EngineSettings) -> tuple[str, ...]:
    """The addresses of an engine's servers; none if it is in this process."""
    return tuple(address for words in engine.server for address in addresses(words))


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
