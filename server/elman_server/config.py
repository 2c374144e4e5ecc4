"""The server's configuration: one dataclass, from which flags, environment variables, help and the README's table are made."""

import argparse
import ipaddress
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from elman import settings
from elman.settings import (
    EITHER,
    FILE,
    NUMBER,
    SWITCH,
    TEXT,
    TEXTS,
    WHOLE,
    WORD,
    Choices,
    Range,
    check,
    given,
    setting,
    settings_of,
)
from elman_models.errors import InvalidField
from elman_models.execution.names import DEVICES, INSTRUCTIONS

SESSION_BYTES: Final = 1 << 18
LEAST_BYTES: Final = 1 << 20
"""Of what calls may hold: enough for some tens of them."""
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
MODELS: Final = replace(TEXTS, metavar="NAME=PATH[@DIGEST]")
SOCKET: Final = "unix:"
HERE: Final = "127.0.0.1, ::1, localhost or unix:PATH"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What a server is told. Raises InvalidField where it is built."""

    models: tuple[str, ...] = setting(
        (),
        MODELS,
        "a model: NAME=PATH, PATH or a shipped name, and @DIGEST after it to take no other; the first is the default;"
        " may be repeated; the variable is a list with commas",
        flag="--model",
        default_words="shipped models",
    )
    host: str = setting(
        "127.0.0.1", replace(TEXT, metavar="HOST"), "the address to listen on; 0.0.0.0 for all; unix:PATH for a Unix socket"
    )
    port: int = setting(50051, WHOLE, "the gRPC port; 0 picks a free one", Range(0, 65535))
    tls_certificate: str | None = setting(
        None, FILE, "the server's certificate chain, in PEM: only TLS is spoken", default_words="none, no TLS"
    )
    tls_key: str | None = setting(None, FILE, "the certificate's key, in PEM", default_words="none")
    client_ca: str | None = setting(
        None, FILE, "certificates of the authority whose clients alone are let in, in PEM", default_words="none"
    )
    tokens: str | None = setting(
        None, FILE, "what elman token made: each call must bear a token of it", default_words="none, no token is asked for"
    )
    insecure: bool = setting(
        False, SWITCH, "listen beyond this machine though anyone may call, or without TLS", default_words="off"
    )
    reflection: bool = setting(True, EITHER, "whether gRPC's reflection is answered", default_words="on")
    metrics: bool = setting(
        True, EITHER, "whether there are Prometheus metrics, and the health for probes, over HTTP", default_words="on"
    )
    metrics_host: str = setting(
        "127.0.0.1",
        replace(TEXT, metavar="HOST"),
        "the address of /metrics, /healthz and /readyz, which hold no text and are open to all",
    )
    metrics_port: int = setting(9464, WHOLE, "the port of the Prometheus metrics; 0 picks a free one", Range(0, 65535))
    workers: int = setting(
        1,
        WHOLE,
        "how many processes serve, one for each core (Linux); they divide --memory-bytes and --connections, and count all"
        " else for themselves",
        Range(1, 1024),
    )
    device: str = setting("auto", WORD, "what runs the models", Choices(DEVICES))
    instructions: str = setting(
        "auto", WORD, "the processor's instruction set; numpy and reference (torch) use none", Choices(INSTRUCTIONS)
    )
    rows: int = setting(
        256,
        WHOLE,
        "how many texts advance together, for each model; an eighth of them are for what somebody types",
        Range(1, 65536),
    )
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
        Range(LEAST_BYTES, 1 << 40),
        unit="bytes",
        default_words="half of the container's limit; without one 268435456",
    )
    connections: int | None = setting(
        None,
        WHOLE,
        "how many connections may be open; more are closed at once",
        Range(1, 1_000_000),
        default_words="one for each 262144 of --memory-bytes, at least 64; at most half of the files that may be open",
    )
    drain_notice_seconds: float = setting(
        2.0, NUMBER, "how long to go on serving, as NOT_SERVING, after SIGTERM", Range(0, 3600), unit="seconds"
    )
    grace_seconds: float = setting(
        20.0,
        NUMBER,
        "how long running calls may go on after that; and how long a model that was replaced answers who began with it",
        Range(0, 86400),
        unit="seconds",
    )
    traces: bool = setting(
        False, SWITCH, "send a span of each call to where OpenTelemetry's variables say", default_words="off"
    )
    log_level: str = setting("info", WORD, "the lowest level to log", Choices(LOG_LEVELS))

    def __post_init__(self) -> None:
        check(self, InvalidField)
        if not self.metrics_host.strip():  # asyncio takes it for all addresses
            raise InvalidField("metrics_host", self.metrics_host, "an address; 0.0.0.0 for all")
        self._check_tls()
        self._check_workers()
        if not (is_here(self.host) or self.insecure or self._is_guarded):
            allowed = f"{HERE}; another with TLS and either tokens or client_ca, or with --insecure"
            raise InvalidField("host", self.host, allowed)

    def _check_tls(self) -> None:
        if (self.tls_certificate is None) != (self.tls_key is None):
            missing = "tls_key" if self.tls_key is None else "tls_certificate"
            raise InvalidField(missing, None, "a file: a certificate and its key go together")
        if self.client_ca is not None and self.tls_certificate is None:
            raise InvalidField("client_ca", self.client_ca, "none without tls_certificate")
        if self.tls_certificate is not None and path_of_socket(self.host):
            raise InvalidField("tls_certificate", self.tls_certificate, "none with a Unix socket, which its mode protects")

    def _check_workers(self) -> None:
        if self.workers == 1:
            return
        if sys.platform != "linux":
            raise InvalidField("workers", self.workers, "1: only Linux spreads connections over the processes of one port")
        if path_of_socket(self.host):
            raise InvalidField("workers", self.workers, "1 with a Unix socket, at which one process listens")

    @property
    def _is_guarded(self) -> bool:
        """Whether nobody reads along, and who calls can be told."""
        return self.tls_certificate is not None and (self.tokens is not None or self.client_ca is not None)


def path_of_socket(host: str) -> str:
    """The path of a Unix socket, if the host is one."""
    path = host.removeprefix(SOCKET) if host.startswith(SOCKET) else ""
    return path.removeprefix("//")


def is_here(host: str) -> bool:
    """Whether nobody reaches it from another machine."""
    if path_of_socket(host) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
