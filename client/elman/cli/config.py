"""`elman config`: what is configured, and where each value comes from."""

import argparse
import os
import sys
from collections.abc import Iterator
from typing import Any, cast

from elman.cli.configuration import DEFAULT, SETTINGS, VARIABLE, Configuration, Found
from elman.cli.models import table
from elman.errors import MendRequest
from elman.languages import KINDS
from elman.terminal import shown, use_utf8, write, write_json

MEANING = (
    "A flag comes before the environment, that before the configuration file, and that before the default. The variable of"
    " type.max_characters is ELMAN_TYPE_MAX_CHARACTERS, and so on. The file is $XDG_CONFIG_HOME/elman/config.toml or"
    " ~/.config/elman/config.toml; ELMAN_CONFIG names another, or none where it is empty. It is in TOML: a line for each key"
    ' that differs, such as model = "notes.safetensors"; after [type], those of elman type; and after [models], the model for a'
    ' pattern of file names, such as "*.tex" = "thesis.safetensors", or for a kind of text, such as python ("" for none). The'
    " path of a model is taken from the file's folder on."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    parser.epilog = MEANING.replace("%", "%%")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print all values; what is wrong goes to standard error, and the exit code tells of it."""
    use_utf8()
    configuration = Configuration.read_all()
    values = dict(values_of(configuration))
    if arguments.json:
        write_json(for_programs(configuration, values))
    else:
        rows = [(key, shown(words_of(key, each)), shown(each.source)) for key, each in values.items()]
        write(f"{place_of(configuration)}\n\n{table([('KEY', 'VALUE', 'FROM'), *rows])}")
    for problem in configuration.problems:
        print(f"elman: error: {problem}", file=sys.stderr)
    return MendRequest.exit_code if configuration.problems else 0


def values_of(configuration: Configuration) -> Iterator[tuple[str, Found]]:
    """Every key with its value."""
    yield from configuration.values.items()
    shipped = {kind: Found(each.model, DEFAULT) for kind, each in KINDS.items()}
    for pattern, each in (shipped | dict(configuration.models)).items():
        yield f"models.{pattern}", each


def words_of(key: str, found: Found) -> str:
    """The value in one cell, as TOML has it; of a default that is no value, what it means."""
    if found.source == DEFAULT and key in SETTINGS:
        return SETTINGS[key].default_words or in_toml(found.value)
    return in_toml(found.value)


def in_toml(value: Any) -> str:
    """A value as the file would have it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"{}"'.format("".join(ESCAPES.get(character, character) for character in value))
    if isinstance(value, tuple):
        return f"[{', '.join(map(in_toml, cast('tuple[str, ...]', value)))}]"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


ESCAPES = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\t": r"\t", "\r": r"\r"}


def place_of(configuration: Configuration) -> str:
    """Where the file is."""
    path = configuration.path
    if path is None:
        return f"no configuration file: {VARIABLE} is empty"
    return f"configuration file: {shown(str(path))}{'' if os.path.lexists(path) else ' (not there)'}"


def for_programs(configuration: Configuration, values: dict[str, Found]) -> dict[str, Any]:
    """As one value that `json.dumps` takes."""
    return {
        "file": None if configuration.path is None else str(configuration.path),
        "values": {key: {"value": each.value, "source": each.source} for key, each in values.items()},
        "problems": [str(problem) for problem in configuration.problems],
    }
