"""What the environment and a file say of the commands' settings: the file, its keys, and where each value comes from.

    # ~/.config/elman/config.toml
    model = "notes.safetensors"        # without a file's name, or where none fits it
    server = ["10.0.0.1", "10.0.0.2"]
    certificate_authority = "ca.pem"   # files are looked for from this one's folder on
    token_file = "~/.config/elman/token"

    [models]                           # by a file's name, or by its kind (elman config lists them)
    "*.tex" = "thesis.safetensors"
    prose = "notes.safetensors"

    [type]
    whole_words = true

A flag comes before the environment, that before the file, and that before the default. Knows no engine and reads no flag.
"""

import os
import tomllib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from elman import allowed
from elman.addresses import DEFAULT_PORT
from elman.credentials import NONE, Credentials
from elman.errors import MendRequest
from elman.languages import DEFAULT_MODEL
from elman.protocol.fields import COMPLETE_FIELDS, SHOWN_DOCUMENT_FIELDS, WHOLE_WORDS
from elman.settings import EITHER, FILE, NUMBER, TEXT, TEXTS, Setting, from_file, from_variable, separated, setting, settings_of
from elman.terminal import decoded

LISTS: Final = ("ipv4:", "ipv6:")  # gRPC's own lists of addresses hold commas
VARIABLE: Final = "ELMAN_CONFIG"
MODELS: Final = "models"
SUFFIX: Final = ".safetensors"


def addresses(words: str) -> tuple[str, ...]:
    """The addresses of a list with commas."""
    parts = [words] if words.startswith(LISTS) else separated(words)
    return tuple(part.strip() for part in parts if part.strip())


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Which engine is asked, and for how long: the same for all commands that ask one."""

    model: str | None = setting(
        None,
        replace(TEXT, metavar="NAME|PATH"),
        "the name of a model that the server has; without a server, a shipped name or a file",
        default_words=f"{DEFAULT_MODEL}; of a server, its first",
    )
    server: tuple[str, ...] = setting(
        (),
        replace(TEXTS, read=addresses, metavar="HOST[:PORT]"),
        f"a server, or several with commas, at port {DEFAULT_PORT} unless another is named; may be repeated",
        default_words="none, the engine runs in this process",
    )
    timeout: float | None = setting(
        None,
        replace(NUMBER, metavar="SECONDS"),
        "give up after this long, all retries included",
        allowed.TIMEOUT,
        default_words="none",
    )
    credentials: Credentials = NONE


OF_ONE_TEXT: Final = ("digest", "state", "seed", "first_alternative", "include_log_probabilities")
"""Fields that are not configured: they belong to one text alone."""


def of_command(command: str, fields: Sequence[Setting]) -> Iterator[Setting]:
    """The settings of a command, each under its key and its variable."""
    for each in fields:
        made = replace(each, name=f"{command}.{each.name}", variable=f"ELMAN_{command}_{each.name}".upper())
        if each.name == "stop":
            kind = replace(made.kind, read=alone, allowed="a list of texts")
            yield replace(made, kind=kind, variable="")  # no variable: what would part several of them?
        elif each.name not in OF_ONE_TEXT:
            yield made


AUTO_INDENT: Final = Setting(
    "auto_indent",
    EITHER,
    False,
    "begin a line as far in as the one before it; without, that is suggested",
    flag="--auto-indent",
)
TYPE_FIELDS: Final = (*SHOWN_DOCUMENT_FIELDS, AUTO_INDENT)
"""What `elman type` is told beside its engine."""


def alone(text: str) -> tuple[str, ...]:
    """One text as a list."""
    return (text,)


CREDENTIALS: Final = settings_of(Credentials)
ENGINE: Final = {
    each.name: replace(each, variable=f"ELMAN_{each.name.upper()}") for each in (*settings_of(EngineSettings), *CREDENTIALS)
}
SETTINGS: Final = {
    each.name: each
    for each in (
        *ENGINE.values(),
        *of_command("complete", (*COMPLETE_FIELDS, WHOLE_WORDS)),
        *of_command("type", TYPE_FIELDS),
    )
}
"""All that can be configured, by key."""

TABLES: Final = ("complete", "type", MODELS)


class Found(NamedTuple):
    """A value, and where it comes from."""

    value: Any
    source: str


DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What environment and file say."""

    path: Path | None
    values: Mapping[str, Found]  # by the key of a setting
    models: Mapping[str, Found]  # by a pattern of file names, or by the kind of a text
    problems: Sequence[MendRequest]  # what is wrong, a value each

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Configuration":
        """What holds. Raises MendRequest, which names the file or the variable, the key, the value and what is allowed."""
        made = cls.read_all(environment)
        for problem in made.problems:
            raise problem
        return made

    @classmethod
    def read_all(cls, environment: Mapping[str, str] = os.environ) -> "Configuration":
        """As `read`, but a value that is wrong is a problem beside those that hold."""
        reader = Reader()
        path = path_of(environment)
        if path is not None:
            with reader.noting():
                reader.take_file(path, written_in(path, is_named=VARIABLE in environment))
        reader.take_environment(environment)
        return cls(path, reader.values, reader.models, reader.problems)

    def of_command(self, command: str, fields: Sequence[Setting]) -> dict[str, Any]:
        """The values of those fields of a command that can be configured."""
        keys = {each.name: f"{command}.{each.name}" for each in fields}
        return {name: self.values[key].value for name, key in keys.items() if key in self.values}


class Reader:
    """Takes values, first those of the file, and notes what is wrong with the rest."""

    def __init__(self) -> None:
        self.values = {key: Found(each.default, DEFAULT) for key, each in SETTINGS.items()}
        self.models: dict[str, Found] = {}
        self.problems: list[MendRequest] = []

    @contextmanager
    def noting(self) -> Generator[None]:
        """Note the error, and go on."""
        try:
            yield
        except MendRequest as error:
            self.problems.append(error)

    def take_file(self, path: Path, written: Mapping[str, Any]) -> None:
        """Take what a file holds."""
        for table, key, value in entries(written):
            with self.noting():
                if table == MODELS:
                    self.models[key] = Found(checked_model(path, f"{MODELS}.{key}", value), f"file {path}")
                else:
                    self._take(path, f"{table}.{key}" if table else key, value)

    def _take(self, path: Path, key: str, value: object) -> None:
        if key in TABLES:
            raise MendRequest.of_field(f"{path}: {key}", value, f"a table, which begins with [{key}]")
        if key not in SETTINGS:
            raise MendRequest(f"{path}: {key}: no such key; allowed: {', '.join(keys_like(key))}")
        if key == "model":
            value = checked_model(path, key, value)
        else:
            value = from_file(SETTINGS[key], value, path, MendRequest.of_field)
        if isinstance(value, str) and SETTINGS[key].kind is FILE:
            value = in_folder_of(path, value)
        self.values[key] = Found(value, f"file {path}")

    def take_environment(self, environment: Mapping[str, str]) -> None:
        """Take what variables hold, before all else."""
        for key, each in SETTINGS.items():
            if each.variable in environment:
                with self.noting():
                    value = from_variable(each, environment[each.variable], MendRequest.of_field)
                    self.values[key] = Found(value, f"environment {each.variable}")


def keys_like(key: str) -> list[str]:
    """The keys of the table that a key names, or those of none, and what tables there are."""
    table, point, _ = key.rpartition(".")
    known = [each for each in SETTINGS if each.rpartition(".")[0] == table]
    return known if point and known else [*(each for each in SETTINGS if "." not in each), *(f"[{each}]" for each in TABLES)]


def path_of(environment: Mapping[str, str]) -> Path | None:
    """Where the file is, or would be; none if ELMAN_CONFIG is empty."""
    if VARIABLE in environment:
        return Path(environment[VARIABLE]) if environment[VARIABLE] else None
    folder = Path(environment.get("XDG_CONFIG_HOME", ""))
    home = folder if folder.is_absolute() else Path(os.path.expanduser("~"), ".config")  # noqa: PTH111 (never raises)
    return home / "elman" / "config.toml"


def written_in(path: Path, is_named: bool) -> dict[str, Any]:
    """What a file holds; nothing where there is none, unless it was named. Raises MendRequest."""
    try:
        return tomllib.loads(decoded(str(path), path.read_bytes()).removeprefix("\ufeff"))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not is_named:
            return {}
        raise MendRequest(f"{VARIABLE if is_named else 'configuration'}: {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise MendRequest(f"{path}: no TOML: {error}") from None


def entries(written: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Table, key and value of all that is written; the table of what stands in none is empty."""
    for name, value in written.items():
        if isinstance(value, dict):
            yield from ((name, key, each) for key, each in cast("dict[str, Any]", value).items())
        else:
            yield "", name, value


def checked_model(path: Path, key: str, value: object) -> str:
    """A model that a file names; a path is taken from the file's folder on. Raises MendRequest."""
    if not isinstance(value, str):
        raise MendRequest.of_field(f"{path}: {key}", value, "text: the name of a model, or the path of its file")
    name, equals, file = value.rpartition("=")
    if "/" in file or file.endswith(SUFFIX):
        file = in_folder_of(path, file)
    return f"{name}{equals}{file}"


def in_folder_of(path: Path, file: str) -> str:
    """The path of a file that another file names: from its folder on, unless it begins elsewhere."""
    return str(path.absolute().parent / os.path.expanduser(file))  # noqa: PTH111 (never raises)


def name_of(model: str) -> str:
    """The name that an engine in this process gives to a model: NAME of NAME=PATH, otherwise the file's without its suffix."""
    name, equals, path = model.partition("=")
    return name if equals else Path(path or model).name.removesuffix(SUFFIX)
