"""Laws of settings: what one field says is what flag, variable, help, table and error say."""

import argparse
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.settings import (
    NUMBER,
    SWITCH,
    TEXTS,
    WHOLE,
    WORD,
    Choices,
    Range,
    add_flags,
    check,
    counted,
    given,
    refusal,
    setting,
    settings_of,
    table,
)


class OutOfRange(Exception):
    """What these settings raise."""


def refuse(name: str, value: object, allowed: str) -> OutOfRange:
    return OutOfRange(refusal(name, value, allowed))


@dataclass(frozen=True)
class Kettle:
    """Has a setting of each kind."""

    cups: int = setting(4, WHOLE, "how much water", Range(1, 8), unit="cups")
    degrees: float | None = setting(None, NUMBER, "how hot, 100% at most", Range(2.0**-1, 100, "2^-1 to 100"))
    lid: str = setting("shut", WORD, "the lid", Choices(("shut", "open")))
    labels: tuple[str, ...] = setting((), TEXTS, "what to write on it", flag="--label", default_words="nothing")
    whistles: bool = setting(False, SWITCH, "whistle")

    def __post_init__(self) -> None:
        check(self, refuse)


SETTINGS = tuple(replace(each, variable=f"KETTLE_{each.name.upper()}") for each in settings_of(Kettle))


def parse(arguments: Sequence[str], environment: dict[str, str] | None = None) -> Kettle:
    parser = argparse.ArgumentParser()
    add_flags(parser, SETTINGS)
    return Kettle(**given(parser.parse_args(arguments), SETTINGS, refuse, environment))


def test_a_flag_and_a_variable_become_values_of_the_declared_kind() -> None:
    whole = Kettle(2, 99.5, "open", ("tea", "mine"), True)
    flags = "--cups 2 --degrees 99.5 --lid open --label tea --label mine --whistles"
    assert parse(flags.split()) == whole
    words = ("2", "99.5", "open", "tea,mine", "true")
    assert parse([], {each.variable: word for each, word in zip(SETTINGS, words, strict=True)}) == whole
    assert parse([], {"KETTLE_WHISTLES": "false"}) == Kettle()


def test_what_is_not_given_keeps_its_default_and_a_flag_goes_before_a_variable() -> None:
    assert parse([]) == Kettle()
    assert parse(["--cups", "2"], {"KETTLE_CUPS": "3", "KETTLE_LID": "open"}) == Kettle(2, lid="open")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cups": 9}, "cups: 9 is out of range; allowed: 1 to 8 cups, whole"),
        ({"cups": 1.5}, "cups: 1.5 is out of range; allowed: 1 to 8 cups, whole"),
        ({"cups": True}, "cups: True is out of range"),
        ({"cups": None}, "cups: None is out of range"),
        ({"degrees": math.nan}, "degrees: nan is out of range; allowed: 2^-1 to 100"),
        ({"degrees": "hot"}, "degrees: 'hot' is out of range"),
        ({"lid": "ajar"}, "lid: 'ajar' is out of range; allowed: shut, open"),
        ({"labels": "tea"}, "labels: 'tea' is out of range; allowed: a list of texts"),
        ({"whistles": 1}, "whistles: 1 is out of range; allowed: true or false"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_value_and_range(values: dict[str, Any], words: str) -> None:
    with pytest.raises(OutOfRange) as refused:
        Kettle(**values)
    assert str(refused.value).startswith(words)


@pytest.mark.parametrize("value", [1, 8, None, 0.5, 100, 99.5])
def test_the_ends_of_a_range_are_in_it_and_none_is_where_it_is_the_default(value: float | None) -> None:
    assert Kettle(degrees=value).degrees == value


@pytest.mark.parametrize(
    ("variable", "words", "allowed"),
    [("CUPS", "two", "1 to 8 cups, whole"), ("DEGREES", "", "2^-1 to 100"), ("WHISTLES", "loudly", "true or false")],
)
def test_words_that_stand_for_no_value_are_refused_in_the_same_way(variable: str, words: str, allowed: str) -> None:
    with pytest.raises(OutOfRange, match=f"^KETTLE_{variable}: '{words}' is out of range; allowed: ") as refused:
        parse([], {f"KETTLE_{variable}": words})
    assert str(refused.value).endswith(allowed)


@pytest.mark.parametrize(("words", "is_so"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_a_variable_may_say_a_switch_in_words_or_digits(words: str, is_so: bool) -> None:
    assert parse([], {"KETTLE_WHISTLES": words}).whistles is is_so


def test_help_and_table_say_the_same() -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser, SETTINGS)
    shown = " ".join(parser.format_help().split())
    assert "--cups CUPS how much water (1 to 8 cups; default: 4; env: KETTLE_CUPS)" in shown
    assert "--degrees NUMBER how hot, 100% at most (2^-1 to 100; env: KETTLE_DEGREES)" in shown
    assert "--label TEXT what to write on it (default: nothing; env: KETTLE_LABELS)" in shown
    assert "--whistles whistle (env: KETTLE_WHISTLES)" in shown
    assert table(SETTINGS[:1]).splitlines()[2] == "| `--cups` | `KETTLE_CUPS` | `4` | 1 to 8 cups | how much water |"
    assert "| nothing |" in table(SETTINGS)


def test_a_long_value_is_cut_in_an_error() -> None:
    assert len(refusal("lid", "x" * 1000, "shut")) < 120


def test_settings_import_nothing_but_the_standard_library() -> None:
    program = "import sys, elman.settings; print(*{name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names)"
    place = Path(elman.__file__).parents[1]
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, cwd=place)
    assert set(done.stdout.split()) == {"__main__", "elman"}


@pytest.mark.parametrize(("number", "words"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1500, "1,500 files")])
def test_one_is_not_many(number: int, words: str) -> None:
    assert counted(number, "file") == words
