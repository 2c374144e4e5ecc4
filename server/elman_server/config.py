"""The server's configuration: one dataclass, from which flags, environment variables, help and the README's table are made."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from elman import settings
from elman.settings import NUMBER, SWITCH, TEXT, TEXTS, WHOLE, WORD, Choices, Range, check, given, setting, settings_of
from elman_models.errors import InvalidField
from elman_models.execution.choice import DEVICES, INSTRUCTIONS

SESSION_BYTES: Final = 1 << 18
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
MODELS: Final = replace(TEXTS, metavar="NAME=PATH")


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What a server is told. Raises InvalidField where it is built."""

    models: tuple[str, ...] = setting(
        (),
        MODELS,
        "a model: NAME=PATH, PATH or a shipped name; the first is the default;"
        " may be repeated; the variable is a list with commas",
        flag="--model",
        default_words="shipped models",
    )
    host: str = setting("127.0.0.1", replace(TEXT, metavar="HOST"), "the address to listen on; 0.0.0.0 for all")
    port: int = setting(50051, WHOLE, "the gRPC port; 0 picks a free one", Range(0, 65535))
    metrics_port: int = setting(9464, WHOLE, "the port of the Prometheus metrics; 0 picks a free one", Range(0, 65535))
    device: str = setting("auto", WORD, "what runs the models", Choices(DEVICES))
    instructions: str = setting(
        "auto", WORD, "the processor's instruction set; numpy and reference (torch) use none", Choices(INSTRUCTIONS)
    )
    rows: int = setting(256, WHOLE, "how many texts advance together, for each model", Range(1, 65536))
    waiting: int = setting(
        1024, WHOLE, "how many texts may wait for a row, a long one counting as several; more are refused", Range(1, 1_000_000)
    )
    threads: int = setting(1, WHOLE, "how many processor threads the reference uses for one operation", Range(1, 1024))
    session_bytes: int = setting(
        SESSION_BYTES,
        WHOLE,
        "the memory for the text and the states of one document that is followed",
        Range(1 << 15, 1 << 30),
        unit="bytes",
    )
    memory_bytes: int | None = setting(
        None,
        WHOLE,
        "the memory for all that calls send, hold and do not read; more is refused",
        Range(1 << 20, 1 << 40),
        unit="bytes",
        default_words="half of the container's limit; without one 268435456",
    )
    drain_notice_seconds: float = setting(
        2.0, NUMBER, "how long to go on serving, as NOT_SERVING, after SIGTERM", Range(0, 3600), unit="seconds"
    )
    grace_seconds: float = setting(20.0, NUMBER, "how long running calls may go on after that", Range(0, 86400), unit="seconds")
    traces: bool = setting(
        False, SWITCH, "send a span of each call to where OpenTelemetry's variables say", default_words="off"
    )
    log_level: str = setting("info", WORD, "the lowest level to log", Choices(LOG_LEVELS))

    def __post_init__(self) -> None:
        check(self, InvalidField)


SETTINGS: Final = tuple(replace(each, variable=f"ELMAN_{each.name.upper()}") for each in settings_of(ServerConfig))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser a flag for each setting."""
    settings.add_flags(parser, SETTINGS)


def from_arguments(arguments: argparse.Namespace, environment: Mapping[str, str]) -> ServerConfig:
    """A flag comes before the environment, and that before the default. Raises InvalidField."""
    return ServerConfig(**given(arguments, SETTINGS, InvalidField, environment))


def table() -> str:
    """The README's table of flags and environment variables, in Markdown."""
    return settings.table(SETTINGS)
