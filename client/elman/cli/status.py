"""`elman status`: how servers are doing, one after the other."""

import argparse
from dataclasses import replace
from datetime import timedelta
from typing import Any

from elman.addresses import DEFAULT_ADDRESS, targets
from elman.cli.configuration import ENGINE, Configuration, EngineSettings, addresses
from elman.cli.engine import engine_of
from elman.cli.models import table
from elman.errors import ElmanError
from elman.protocol.results import ModelStatus, ServerStatus
from elman.settings import add_flags, counted
from elman.sync.client import Client
from elman.terminal import tell, use_utf8, write_json, write_text

HEADINGS = ("NAME", "DIGEST", "RUNS ON", "ROWS", "WAITING", "LONGEST", "STATE")
MEGABYTE = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    flags = {name: each for name, each in ENGINE.items() if name != "model"}
    add_flags(parser, [*(flags | {"server": replace(ENGINE["server"], default_words=DEFAULT_ADDRESS)}).values()])
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print how each server is doing, or why it is not known; the exit code is that of the first that does not tell."""
    use_utf8()
    engine = engine_of(arguments, Configuration.read())
    servers = [address for words in engine.server for address in addresses(words)] or [DEFAULT_ADDRESS]
    answers = {address: ask(replace(engine, server=(address,))) for address in servers}
    if arguments.json:
        write_json({"servers": [as_json(address, answer) for address, answer in answers.items()]})
    else:
        for address, answer in answers.items():
            show(address, answer)
    return next((answer.exit_code for answer in answers.values() if isinstance(answer, ElmanError)), 0)


def ask(engine: EngineSettings) -> ServerStatus | ElmanError:
    """How the one server is doing, though it drains, or why it is not known."""
    from elman.sync.transport import GrpcTransport  # takes a while to import

    try:
        transports = [GrpcTransport(target, engine.credentials, heeds_health=False) for target in targets(engine.server)]
        with Client.over(transports) as client:
            return client.status(timeout=engine.timeout)
    except ElmanError as error:
        return error


def as_json(address: str, answer: ServerStatus | ElmanError) -> dict[str, Any]:
    """What programs read of one server."""
    return {"address": address} | ({"error": str(answer)} if isinstance(answer, ElmanError) else answer.to_json())


def show(address: str, answer: ServerStatus | ElmanError) -> None:
    """What people read of one server: a line, and a table of its models; or, on standard error, why there is none."""
    if isinstance(answer, ElmanError):
        tell(f"elman: {address}: {answer}")
    else:
        write_text(f"{address}: {in_words(answer)}\n{table([HEADINGS, *map(row, answer.models)])}")


def in_words(status: ServerStatus) -> str:
    """The server itself, in a line."""
    doing = "is draining" if status.is_draining else "serves"
    up = timedelta(seconds=int(status.up_seconds))
    held = f"{status.held_bytes / MEGABYTE:.1f} of {status.most_bytes / MEGABYTE:.0f} MB held for calls"
    return f"elman {status.version} {doing}, up {up}, {counted(status.calls, 'call')} running, {held}"


def row(model: ModelStatus) -> tuple[str, ...]:
    """The cells for one model."""
    rows = f"{model.busy_rows} of {model.rows}"
    longest = f"{model.oldest_seconds:.1f} s"
    return model.name, model.digest[:16], model.execution, rows, str(model.waiting), longest, state_of(model)


def state_of(model: ModelStatus) -> str:
    """Whether it is served, and is what its file holds."""
    if model.is_replaced:
        return "replaced"
    return "serves, but its file is not taken" if model.is_kept else "serves"
