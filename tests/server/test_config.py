"""Flags before environment before defaults; every value is checked and refused by name."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pytest

from elman_models.errors import InvalidField
from elman_server.config import ServerConfig, add_arguments, flag, from_arguments, table, variable


def parse(arguments: Sequence[str], environment: dict[str, str] | None = None) -> ServerConfig:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser)
    return from_arguments(parser.parse_args(arguments), environment or {})


GIVEN: dict[str, tuple[str, object]] = {
    "models": ("a=b", ("a=b",)),
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("1", 1),
    "metrics_port": ("2", 2),
    "instructions": ("portable", "portable"),
    "device": ("cpu", "cpu"),
    "rows": ("3", 3),
    "waiting": ("4", 4),
    "threads": ("5", 5),
    "session_bytes": ("65536", 65536),
    "drain_notice_seconds": ("0.5", 0.5),
    "grace_seconds": ("1.5", 1.5),
    "log_level": ("error", "error"),
}


def test_nothing_said_is_the_default() -> None:
    assert parse([]) == ServerConfig()


def test_every_field_has_a_flag_and_a_variable_that_say_the_same() -> None:
    assert set(GIVEN) == {field.name for field in fields(ServerConfig)}
    for field in fields(ServerConfig):
        word, value = GIVEN[field.name]
        by_flag, by_variable = parse([flag(field), word]), parse([], {variable(field): word})
        assert by_flag == by_variable
        assert getattr(by_flag, field.name) == value != field.default


def test_a_flag_goes_before_the_environment() -> None:
    assert parse(["--port", "1"], {"ELMAN_PORT": "2", "ELMAN_ROWS": "3"}) == ServerConfig(port=1, rows=3)


def test_models_are_repeated_flags_or_a_list_with_commas() -> None:
    by_flags = parse(["--model", "a=1", "--model", "b=2"])
    assert by_flags == parse([], {"ELMAN_MODELS": "a=1,b=2,"}) == ServerConfig(models=("a=1", "b=2"))


@pytest.mark.parametrize(
    ("field", "values", "allowed"),
    [
        ("port", (-1, 65536), "0 to 65535"),
        ("metrics_port", (-1, 65536), "0 to 65535"),
        ("rows", (0, 65537), "1 to 65536"),
        ("waiting", (0, 1_000_001), "1 to 1000000"),
        ("threads", (0, 1025), "1 to 1024"),
        ("session_bytes", (32767, (1 << 30) + 1), "32768 to 1073741824"),
        ("drain_notice_seconds", (-0.1, 3601.0, math.nan, math.inf), "0 to 3600"),
        ("grace_seconds", (-1.0, 86401.0, math.nan, -math.inf), "0 to 86400"),
        ("device", ("tpu", "", "CPU"), "auto, cpu, cuda"),
        ("log_level", ("loud", "INFO"), "debug, info, warning, error"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_value_and_range(field: str, values: tuple[Any, ...], allowed: str) -> None:
    for value in values:
        with pytest.raises(InvalidField) as caught:
            parse([], {f"ELMAN_{field.upper()}": str(value)})
        assert str(caught.value).startswith(f"{field}: {value!r} ")
        assert str(caught.value).endswith(allowed)


@pytest.mark.parametrize(
    ("field", "word", "allowed"),
    [("port", "http", "a whole number"), ("rows", "1.5", "a whole number"), ("grace_seconds", "long", "a number")],
)
def test_words_that_are_no_numbers_are_refused(field: str, word: str, allowed: str) -> None:
    with pytest.raises(InvalidField, match=f"^{field}: '{word}' .* {allowed}$"):
        parse([], {f"ELMAN_{field.upper()}": word})


def test_the_table_has_a_row_for_each_field() -> None:
    head, rule, *rows = table().splitlines()
    assert (head.count("|"), set(rule)) == (5, set("| -"))
    assert len(rows) == len(fields(ServerConfig))
    for field, row in zip(fields(ServerConfig), rows, strict=True):
        assert f"`{flag(field)}` | `{variable(field)}`" in row
        assert field.metadata["help"] in row


def test_help_shows_every_flag_default_and_variable() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    shown = " ".join(parser.format_help().split())
    for field in fields(ServerConfig):
        assert flag(field) in shown
        assert f"env: {variable(field)}" in shown
