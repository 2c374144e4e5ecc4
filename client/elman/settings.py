"""Settings: what one dataclass field says becomes its flag, environment variable, help, table row and errors. Knows no setting.

    @dataclass(frozen=True, slots=True)
    class Habits:
        max_characters: int = setting(64, WHOLE, "the longest ghost text", Range(1, 1024), unit="characters")

        def __post_init__(self) -> None:
            check(self, InvalidField)

    add_flags(parser, settings_of(Habits))
    Habits(**given(parser.parse_args(), settings_of(Habits), InvalidField))

All three packages stand on this file: it imports the standard library alone, and little of that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, cast

if TYPE_CHECKING:
    import argparse

    from _typeshed import DataclassInstance

SHOWN_CHARACTERS: Final = 60

Refuse: TypeAlias = Callable[[str, object, str], Exception]
"""Makes the error for a setting's name, its value, and what is allowed."""


@dataclass(frozen=True, slots=True)
class ValueKind:
    """How the words of a flag or a variable become a value, and what a value may be."""

    read: Callable[[str], object]  # raises ValueError for words that stand for no value
    metavar: str
    allowed: str
    types: tuple[type, ...]
    action: Literal["store", "append", "store_true", "either"] = "store"  # either: --flag and --no-flag
    read_one: Callable[[str], str] = str  # as `read`, for a flag that may be repeated

    def holds(self, value: object) -> bool:
        """Whether the value is of this kind; Python counts True as a number, settings do not."""
        if isinstance(value, list | tuple) and not all(isinstance(each, str) for each in cast("Sequence[object]", value)):
            return False
        return isinstance(value, self.types) and (isinstance(value, bool) is (bool in self.types))


def separated(words: str) -> tuple[str, ...]:
    """The parts of a list with commas."""
    return tuple(part for part in words.split(",") if part)


def truth(words: str) -> bool:
    """True or false, as variables of an environment say it."""
    if words not in ("true", "false", "1", "0"):
        raise ValueError(words)
    return words in ("true", "1")


WHOLE: Final = ValueKind(int, "NUMBER", "a whole number", (int,))
NUMBER: Final = ValueKind(float, "NUMBER", "a number", (int, float))
TEXT: Final = ValueKind(str, "TEXT", "text", (str,))
FILE: Final = replace(TEXT, metavar="FILE")
WORD: Final = ValueKind(str, "WORD", "a word", (str,))
TEXTS: Final = ValueKind(separated, "TEXT", "a list of texts", (tuple, list), "append")
SWITCH: Final = ValueKind(truth, "", "true or false", (bool,), "store_true")
EITHER: Final = replace(SWITCH, action="either")


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from `least` to `most`. NaN is in no range. `words` say it where numbers would not be read."""

    least: float
    most: float
    words: str = ""

    def __contains__(self, value: Any) -> bool:
        return bool(self.least <= value <= self.most)

    def __str__(self) -> str:
        return self.words or f"{in_words(self.least)} to {in_words(self.most)}"


@dataclass(frozen=True, slots=True)
class Choices:
    """A few words."""

    words: Sequence[str]

    def __contains__(self, value: object) -> bool:
        return value in self.words

    def __str__(self) -> str:
        return ", ".join(self.words)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: a field of a dataclass, as all who show it or read it know it."""

    name: str
    kind: ValueKind
    default: Any  # None: absent, which is then a value that is allowed
    help: str
    allowed: Range | Choices | None = None  # None: whatever the kind holds, or for another to check
    unit: str = ""
    flag: str = ""
    variable: str = ""  # of the environment; "": none
    default_words: str = ""  # what to call the default, where its value does not say it

    @property
    def range(self) -> str:
        """What is allowed, with its unit; "" where nothing is said of it."""
        return " ".join(filter(None, (str(self.allowed), self.unit))) if self.allowed else ""

    @property
    def shown_default(self) -> str:
        """The default as a person would write it; "" where there is none."""
        return self.default_words or ("" if self.default is None or is_nothing(self.default) else in_words(self.default))

    def check(self, value: object, refuse: Refuse) -> None:
        """Raise `refuse(...)` unless the value is of the kind and allowed."""
        if value is None and self.default is None:
            return
        if not self.kind.holds(value) or (self.allowed and value not in self.allowed):
            raise self.refused(value, refuse)

    def read(self, words: str, refuse: Refuse) -> object:
        """The value that words stand for. Raises `refuse(...)`."""
        return self._read(self.kind.read, words, refuse)

    def read_one(self, words: str, refuse: Refuse) -> object:
        """The value that the words of one flag among several stand for. Raises `refuse(...)`."""
        return self._read(self.kind.read_one, words, refuse)

    def _read(self, read: Callable[[str], object], words: str, refuse: Refuse) -> object:
        try:
            return read(words)
        except ValueError:
            raise self.refused(words, refuse) from None

    def refused(self, value: object, refuse: Refuse) -> Exception:
        """The error that names the setting, the value, and what is allowed."""
        whole = ", whole" if self.kind is WHOLE else ""
        return refuse(self.name, value, f"{self.range}{whole}" if self.range else self.kind.allowed)


def setting(
    default: Any,
    kind: ValueKind,
    help: str,  # noqa: A002 (as argparse has it)
    allowed: Range | Choices | None = None,
    *,
    unit: str = "",
    flag: str = "",
    default_words: str = "",
) -> Any:
    """A field of a dataclass that is a setting; its flag has its name, if no other is given."""
    made = Setting("", kind, default, help, allowed, unit, flag, default_words=default_words)
    return field(default=default, metadata={"setting": made})


def settings_of(kind: "type[DataclassInstance]") -> tuple[Setting, ...]:
    """The settings of a dataclass, in the order of its fields; other fields are none."""
    return tuple(with_name(each.metadata["setting"], each.name) for each in fields(kind) if "setting" in each.metadata)


def with_name(made: Setting, name: str) -> Setting:
    """The setting with its field's name, and the flag that follows from it."""
    return replace(made, name=name, flag=made.flag or f"--{name.replace('_', '-')}")


def check(values: "DataclassInstance", refuse: Refuse) -> None:
    """Raise `refuse(...)` for the first field that is out of range."""
    for each in settings_of(type(values)):
        each.check(getattr(values, each.name), refuse)


class TakesFlags(Protocol):
    """A parser, or a group of its flags."""

    def add_argument(self, *names: str, **options: Any) -> Any:
        """Take one more."""
        ...


def add_flags(parser: TakesFlags, settings: Sequence[Setting]) -> None:
    """A flag for each setting, which holds the words as they were typed; None where there were none, for `given` to tell."""
    for each in settings:
        options: dict[str, Any] = {"dest": each.name, "default": None, "action": action_of(each.kind)}
        if not each.kind.holds(True):
            options["metavar"] = each.unit.upper() or each.kind.metavar
        made = parser.add_argument(each.flag, help=help_of(each).replace("%", "%%"), **options)
        made.words = each.allowed.words if isinstance(each.allowed, Choices) else ()  # for the completion of a shell


def action_of(kind: ValueKind) -> Any:
    """What a parser does with a flag."""
    if kind.action != "either":
        return kind.action
    from argparse import BooleanOptionalAction

    return BooleanOptionalAction


def help_of(one: Setting) -> str:
    """What `--help` says of a setting."""
    default = f"default: {one.shown_default}" if one.shown_default else ""
    variable = f"env: {one.variable}" if one.variable else ""
    told = "; ".join(filter(None, (one.range, default, variable)))
    return f"{one.help} ({told})" if told else one.help


def given(
    arguments: "argparse.Namespace", settings: Sequence[Setting], refuse: Refuse, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The values of those settings that were given: as a flag, or otherwise as a variable.

    Raises `refuse(...)`, with the variable's name if the value is the variable's.
    """
    values: dict[str, Any] = {}
    for each in settings:
        words = getattr(arguments, each.name, None)
        if words is not None:
            values[each.name] = value_of(each, words, refuse)
        elif environment and each.variable in environment:
            values[each.name] = from_variable(each, environment[each.variable], refuse)
    return values


def from_variable(one: Setting, words: str, refuse: Refuse) -> object:
    """The value of a setting's variable. Raises `refuse(...)`, with the variable's name."""
    named = replace(one, name=one.variable)
    value = named.read(words, refuse)
    named.check(value, refuse)
    return value


def from_file(one: Setting, value: object, file: object, refuse: Refuse) -> object:
    """A value that a file holds, of TOML's own types. Raises `refuse(...)`, with the file's name and the setting's."""
    named = replace(one, name=f"{file}: {one.name}")
    if one.kind.action == "append" and isinstance(value, str):
        value = one.kind.read(value)
    named.check(value, refuse)
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return value
    parts = tuple(cast("Sequence[object]", value))
    if not all(isinstance(each, str) for each in parts):
        raise named.refused(list(parts), refuse)
    return parts


def value_of(one: Setting, words: str | list[str] | bool, refuse: Refuse) -> object:
    """What the words of a setting stand for: those of a flag that was repeated, or given without words, as well."""
    if isinstance(words, bool):
        return words
    if isinstance(words, str):
        return one.read(words, refuse)
    return tuple(one.read_one(each, refuse) for each in words)


def table(settings: Sequence[Setting]) -> str:
    """A row for each setting, in Markdown."""
    rows = [f"| `{each.flag}` | `{each.variable}` | {default_cell(each)} | {each.range} | {each.help} |" for each in settings]
    head = ["| flag | environment | default | allowed | meaning |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows]) + "\n"


def default_cell(one: Setting) -> str:
    """The default as a table shows it: values as code, words as words."""
    return one.default_words or f"`{one.shown_default}`"


def counted(number: int, noun: str) -> str:
    """How many there are: "1 file", "2,000 files"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def is_nothing(value: object) -> bool:
    """Whether a default says no more than that nothing was given: a flag that is off, an empty text or list."""
    return value is False or (not isinstance(value, int | float) and not value)


def in_words(value: object) -> str:
    """A value as a person would write it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def shown(value: object) -> str:
    """The value as an error shows it, cut where it would be too long for a status."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def refusal(name: str, value: object, allowed: str) -> str:
    """What an error says of a value that is out of range."""
    return f"{name}: {shown(value)} is out of range; allowed: {allowed}"
