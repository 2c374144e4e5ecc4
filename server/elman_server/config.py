"""The server's configuration: one dataclass, from which flags, environment variables, help and the README's table are made."""

import argparse
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, get_args, get_origin

from elman_models.errors import InvalidField
from elman_models.execution.choice import DEVICES, INSTRUCTIONS

SESSION_BYTES = 1 << 18
LOG_LEVELS = ("debug", "info", "warning", "error")


def option(default: object, help_text: str, name: str = "") -> Any:
    """A field with its help text, and its flag's name where that is not the field's own."""
    return field(default=default, metadata={"help": help_text, "flag": name})


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What a server is told. Raises InvalidField where it is built."""

    models: tuple[str, ...] = option(
        (), "a model to serve: NAME=PATH, PATH, or a shipped name; the first is the default", "model"
    )
    host: str = option("127.0.0.1", "the address to listen on; 0.0.0.0 for all")
    port: int = option(50051, "the gRPC port; 0 picks a free one")
    metrics_port: int = option(9464, "the port of the Prometheus metrics; 0 picks a free one")
    device: str = option("auto", "what runs the models: auto, cpu or cuda")
    instructions: str = option("auto", f"the instruction set on a processor, or the reference: {', '.join(INSTRUCTIONS)}")
    rows: int = option(256, "the texts that advance together, for each model")
    waiting: int = option(1024, "the texts that may wait for a row, a long one counting as several; more are refused")
    threads: int = option(1, "the processor threads of one operation of the reference")
    session_bytes: int = option(SESSION_BYTES, "the memory for the text and the states of one document that is followed")
    drain_notice_seconds: float = option(2.0, "how long to go on listening, as NOT_SERVING, after SIGTERM")
    grace_seconds: float = option(20.0, "how long running completions may then go on")
    log_level: str = option("info", "the least level to log: debug, info, warning or error")

    def __post_init__(self) -> None:
        check_range("port", self.port, 0, 65535)
        check_range("metrics_port", self.metrics_port, 0, 65535)
        check_range("rows", self.rows, 1, 65536)
        check_range("waiting", self.waiting, 1, 1_000_000)
        check_range("threads", self.threads, 1, 1024)
        check_range("session_bytes", self.session_bytes, 1 << 15, 1 << 30)
        check_range("drain_notice_seconds", self.drain_notice_seconds, 0, 3600)
        check_range("grace_seconds", self.grace_seconds, 0, 86400)
        check_choice("device", self.device, DEVICES)
        check_choice("instructions", self.instructions, INSTRUCTIONS)
        check_choice("log_level", self.log_level, LOG_LEVELS)


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Raise InvalidField unless least <= value <= most; NaN is in no range."""
    if not least <= value <= most:
        raise InvalidField(name, value, f"{least} to {most}")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise InvalidField unless the value is one of the choices."""
    if value not in choices:
        raise InvalidField(name, value, ", ".join(choices))


def flag(config_field: Field[Any]) -> str:
    """The field's flag."""
    return "--" + (config_field.metadata["flag"] or config_field.name).replace("_", "-")


def variable(config_field: Field[Any]) -> str:
    """The field's environment variable."""
    return "ELMAN_" + config_field.name.upper()


def is_list(config_field: Field[Any]) -> bool:
    """Whether the flag may be repeated, and the variable holds a list with commas."""
    return get_origin(config_field.type) is tuple


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser a flag for each field."""
    for one in fields(ServerConfig):
        default = "shipped models" if is_list(one) else one.default
        text = f"{one.metadata['help']} (default: {default}; env: {variable(one)})"
        action = "append" if is_list(one) else "store"
        metavar = "NAME=PATH" if is_list(one) else one.name.rpartition("_")[2].upper()
        parser.add_argument(flag(one), dest=one.name, default=None, action=action, metavar=metavar, help=text)


def from_arguments(arguments: argparse.Namespace, environment: Mapping[str, str]) -> ServerConfig:
    """Flags before environment before defaults. Raises InvalidField."""
    values: dict[str, Any] = {}
    for one in fields(ServerConfig):
        given = getattr(arguments, one.name, None)
        if given is None and variable(one) in environment:
            given = environment[variable(one)]
            given = [part for part in given.split(",") if part] if is_list(one) else given
        if given is not None:
            values[one.name] = convert(one, given)
    return ServerConfig(**values)


def convert(config_field: Field[Any], given: str | list[str]) -> object:
    """The value that the words stand for."""
    if isinstance(given, list):
        return tuple(given)
    kind = config_field.type
    try:
        return kind(given) if callable(kind) and not get_args(kind) else given
    except ValueError:
        name = getattr(kind, "__name__", "value")
        raise InvalidField(config_field.name, given, {"int": "a whole number", "float": "a number"}.get(name, name)) from None


def table() -> str:
    """The README's table of flags and environment variables, in Markdown."""
    rows: list[str] = []
    for one in fields(ServerConfig):
        default = "shipped models" if is_list(one) else f"`{one.default}`"
        rows.append(f"| `{flag(one)}` | `{variable(one)}` | {default} | {one.metadata['help']} |")
    return "\n".join(["| flag | environment | default | meaning |", "| --- | --- | --- | --- |", *rows]) + "\n"
