"""Flags before environment before defaults; every value is checked and refused by name."""

import argparse
import math
from collections.abc import Sequence
from typing import Any

import pytest

from elman_models.errors import InvalidField
from elman_server.config import SETTINGS, ServerConfig, add_arguments, from_arguments, table


def parse(arguments: Sequence[str], environment: dict[str, str] | None = None) -> ServerConfig:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser)
    return from_arguments(parser.parse_args(arguments), environment or {})


GIVEN: dict[str, tuple[str, object]] = {
    "models": ("a=b", ("a=b",)),
    "host": ("::1", "::1"),
    "port": ("1", 1),
    "tokens": ("tokens", "tokens"),
    "metrics_host": ("0.0.0.0", "0.0.0.0"),
    "metrics_port": ("2", 2),
    "workers": ("2", 2),
    "instructions": ("portable", "portable"),
    "device": ("cpu", "cpu"),
    "rows": ("3", 3),
    "waiting": ("4", 4),
    "threads": ("5", 5),
    "session_bytes": ("65536", 65536),
    "memory_bytes": ("1048576", 1048576),
    "connections": ("6", 6),
    "drain_notice_seconds": ("0.5", 0.5),
    "grace_seconds": ("1.5", 1.5),
    "log_level": ("error", "error"),
}


SWITCHES: dict[str, tuple[list[str], str, object]] = {
    "insecure": (["--insecure"], "true", True),
    "traces": (["--traces"], "true", True),
    "reflection": (["--no-reflection"], "false", False),
    "metrics": (["--no-metrics"], "false", False),
}
TOGETHER = {"tls_certificate", "tls_key", "client_ca"}
"""None of them means anything alone."""


def test_nothing_said_is_the_default() -> None:
    assert parse([]) == ServerConfig()


def test_every_field_has_a_flag_and_a_variable_that_say_the_same() -> None:
    assert GIVEN.keys() | SWITCHES.keys() | TOGETHER == {each.name for each in SETTINGS}
    for each in SETTINGS:
        if each.name in TOGETHER:
            continue
        flags, word, value = SWITCHES.get(each.name) or ([each.flag, GIVEN[each.name][0]], *GIVEN[each.name])
        by_flag, by_variable = parse(flags), parse([], {each.variable: word})
        assert by_flag == by_variable
        assert getattr(by_flag, each.name) == value != each.default


def test_certificates_are_told_by_flags_and_variables_that_say_the_same() -> None:
    given: dict[str, Any] = {each.name: f"{each.name}.pem" for each in SETTINGS if each.name in TOGETHER}
    flags = [f"--{name.replace('_', '-')}={path}" for name, path in given.items()]
    assert parse(flags) == parse([], {f"ELMAN_{name.upper()}": path for name, path in given.items()}) == ServerConfig(**given)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--tls-certificate=a", "tls_key: None"),
        ("--tls-key=a", "tls_certificate: None"),
        ("--client-ca=a", "client_ca: 'a' is out of range; allowed: none without tls_certificate"),
        ("--host=unix:a --tls-certificate=a --tls-key=a", "tls_certificate: 'a' is out of range; allowed: none with a Unix"),
    ],
)
def test_certificates_that_lack_what_they_need_are_refused(flags: str, words: str) -> None:
    with pytest.raises(InvalidField, match=f"^{words}"):
        parse(flags.split())


def test_workers_are_refused_where_connections_could_not_be_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidField, match=r"^workers: 2 is out of range; allowed: 1 with a Unix socket"):
        parse(["--workers=2", "--host=unix:a"])
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(InvalidField, match=r"^workers: 2 is out of range; allowed: 1: only Linux"):
        parse(["--workers=2"])
    assert parse(["--workers=1"]).workers == 1


TLS = "--tls-certificate=a --tls-key=a"


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "10.0.0.1", "192.168.0.1", "example.org", "localhost.example.org", "127.1"]
)
@pytest.mark.parametrize(
    ("flags", "is_taken"),
    [
        ("", False),
        ("--tokens=a", False),  # for whoever reads along
        (TLS, False),  # for anyone
        (f"{TLS} --tokens=a", True),
        (f"{TLS} --client-ca=a", True),
        ("--insecure", True),
    ],
)
def test_beyond_this_machine_callers_are_told_and_nobody_reads_along(host: str, flags: str, is_taken: bool) -> None:
    if is_taken:
        assert parse([f"--host={host}", *flags.split()]).host == host
        return
    with pytest.raises(InvalidField, match=f"^host: '{host}' is out of range; allowed: 127.0.0.1.*or with --insecure$"):
        parse([f"--host={host}", *flags.split()])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "unix:/run/elman", "unix:elman"])
def test_on_this_machine_nothing_is_needed(host: str) -> None:
    assert parse([f"--host={host}"]).host == host


def test_metrics_are_told_on_this_machine_whatever_the_host() -> None:
    assert parse(["--host=0.0.0.0", "--insecure"]).metrics_host == "127.0.0.1"


def test_flags_and_variables_have_the_names_of_the_fields() -> None:
    for each in SETTINGS:
        assert each.flag == ("--model" if each.name == "models" else f"--{each.name.replace('_', '-')}")
        assert each.variable == f"ELMAN_{each.name.upper()}"


def test_a_flag_goes_before_the_environment() -> None:
    assert parse(["--port", "1"], {"ELMAN_PORT": "2", "ELMAN_ROWS": "3"}) == ServerConfig(port=1, rows=3)


def test_models_are_repeated_flags_or_a_list_with_commas() -> None:
    by_flags = parse(["--model", "a=1", "--model", "b=2"])
    assert by_flags == parse([], {"ELMAN_MODELS": "a=1,b=2,"}) == ServerConfig(models=("a=1", "b=2"))


@pytest.mark.parametrize(
    ("field", "values", "allowed"),
    [
        ("port", (-1, 65536), "0 to 65535, whole"),
        ("metrics_port", (-1, 65536), "0 to 65535, whole"),
        ("rows", (0, 65537), "1 to 65536, whole"),
        ("waiting", (0, 1_000_001), "1 to 1000000, whole"),
        ("threads", (0, 1025), "1 to 1024, whole"),
        ("connections", (0, 1_000_001), "1 to 1000000, whole"),
        ("session_bytes", (32767, (1 << 30) + 1), "32768 to 1073741824 bytes, whole"),
        ("drain_notice_seconds", (-0.1, 3601.0, math.nan, math.inf), "0 to 3600 seconds"),
        ("grace_seconds", (-1.0, 86401.0, math.nan, -math.inf), "0 to 86400 seconds"),
        ("device", ("tpu", "", "CPU"), "auto, cpu, cuda"),
        ("log_level", ("loud", "INFO"), "debug, info, warning, error"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_value_and_range(field: str, values: tuple[Any, ...], allowed: str) -> None:
    for value in values:
        with pytest.raises(InvalidField) as caught:
            parse([], {f"ELMAN_{field.upper()}": str(value)})
        assert str(caught.value).startswith(f"ELMAN_{field.upper()}: {value!r} ")
        assert str(caught.value).endswith(allowed)


@pytest.mark.parametrize(
    ("field", "word", "allowed"),
    [
        ("port", "http", "0 to 65535, whole"),
        ("rows", "1.5", "1 to 65536, whole"),
        ("grace_seconds", "long", "0 to 86400 seconds"),
    ],
)
def test_words_that_are_not_numbers_are_refused(field: str, word: str, allowed: str) -> None:
    with pytest.raises(InvalidField, match=f"^ELMAN_{field.upper()}: '{word}' .* {allowed}$"):
        parse([], {f"ELMAN_{field.upper()}": word})


def test_the_table_has_a_row_for_each_field() -> None:
    head, rule, *rows = table().splitlines()
    assert (head.count("|"), set(rule)) == (6, set("| -"))
    for each, row in zip(SETTINGS, rows, strict=True):
        assert row.startswith(f"| `{each.flag}` | `{each.variable}` | ")
        assert row.endswith(f" | {each.range} | {each.help} |")


def test_help_shows_every_flag_range_default_and_variable() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    shown = " ".join(parser.format_help().split())
    for each in SETTINGS:
        assert f"{each.flag} " in shown
        told = f"default: {each.shown_default}; env: {each.variable})"
        assert (f"({each.range}; {told}" if each.range else f"({told}") in shown


def test_no_address_for_metrics_is_not_all_addresses() -> None:
    with pytest.raises(InvalidField, match="metrics_host: ' ' is out of range; allowed: an address"):
        ServerConfig(metrics_host=" ")
