"""What an editor may set, and the check of it. A value that is wrong is told, and leaves the old one in place.

Names are the protocol's (`insideWords`), fields are Python's (`inside_words`). Knows no protocol.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, cast

from elman.allowed import ALTERNATIVES
from elman.errors import MendRequest
from elman.protocol.fields import OF_DOCUMENTS
from elman.secret_files import SECRETS, is_meant
from elman.settings import Range


@dataclass(frozen=True, slots=True)
class Preferences:
    """What holds for all documents of a session."""

    enabled: bool = True
    model: str = ""
    """What texts get whose kind is not known, or none of whose models fits; "": none."""
    models: Mapping[str, str] = field(default_factory=dict[str, str])
    """By a pattern of file names or by a kind of text; "": none."""
    server: tuple[str, ...] = ()
    """Addresses; none: the engine runs in this process."""
    exclude: tuple[str, ...] = ()
    """Patterns of files, beside SECRETS; with "!" before it, one of files that are not excluded after all."""
    languages: Mapping[str, bool] = field(default_factory=dict[str, bool])
    alternatives: int = 3
    inside_words: bool = False
    max_characters: int = cast("int", OF_DOCUMENTS["max_characters"]["default"])
    context_characters: int = 65536
    completion: bool = True

    def with_values(self, values: object, old: "Preferences") -> tuple["Preferences", list[MendRequest]]:
        """These with what an editor has set, and what is wrong with the rest, for which the old ones hold."""
        if not isinstance(values, Mapping):
            return self, [] if values in (None, []) else [MendRequest.of_field("settings", values, "an object")]
        taken: dict[str, Any] = {}
        problems: list[MendRequest] = []
        for name, value in cast("Mapping[str, object]", values).items():
            try:
                taken.update(checked(name, value))
            except MendRequest as error:
                problems.append(error)
                if name in NAMES:
                    taken[NAMES[name]] = getattr(old, NAMES[name])
        return replace(self, **taken), problems

    def excluding(self, path: str) -> str:
        """The pattern that excludes a file; nothing if none does. The last that means it decides, as for git."""
        found = (each for each in (*reversed(self.exclude), *SECRETS) if is_meant(path, each.removeprefix("!")))
        last = next(found, "")
        return "" if last.startswith("!") else last

    @property
    def fields(self) -> dict[str, Any]:
        """The keywords of a client's document. What lies around the cursor is heeded where it is shown."""
        return {
            "max_characters": self.max_characters,
            "context_characters": self.context_characters,
            "heed_surroundings": False,
        }

    def speaks(self, language: str) -> bool:
        """Whether suggestions are wanted in a language."""
        return self.languages.get(language, True)


RANGES: Final = {
    "alternatives": ALTERNATIVES,
    "max_characters": Range(1, 1024),
    "context_characters": Range(1024, 1 << 24),
}


def checked(name: str, value: object) -> Iterator[tuple[str, object]]:
    """The field that a name means, with its value; none for null, which leaves it. Raises MendRequest."""
    if name not in NAMES:
        raise MendRequest(f"{name}: no such setting; allowed: {', '.join(NAMES)}")
    one = NAMES[name]
    if value is not None:
        yield one, CHECKS[one](name, value)


def switch(name: str, value: object) -> bool:
    """True or false. Raises MendRequest."""
    if not isinstance(value, bool):
        raise MendRequest.of_field(name, value, "true or false")
    return value


def text(name: str, value: object) -> str:
    """A text. Raises MendRequest."""
    if not isinstance(value, str):
        raise MendRequest.of_field(name, value, "text")
    return value


def whole(name: str, value: object) -> int:
    """A whole number in the field's range. Raises MendRequest."""
    allowed = RANGES[NAMES[name]]
    if isinstance(value, float) and value.is_integer():  # Lua and JavaScript have one kind of number
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise MendRequest.of_field(name, value, f"{allowed}, whole")
    return value


def texts(name: str, value: object) -> tuple[str, ...]:
    """Several texts; one alone counts as a list of it. Raises MendRequest."""
    parts = [value] if isinstance(value, str) else [] if value == {} else value  # an empty table of Lua may be an object
    if not isinstance(parts, list | tuple) or not all(isinstance(each, str) for each in cast("list[object]", parts)):
        raise MendRequest.of_field(name, value, "a list of texts")
    return tuple(cast("list[str]", parts))


def texts_by_name(name: str, value: object) -> Mapping[str, str]:
    """A text for each name. Raises MendRequest."""
    found = mapping(name, value, "text for each name")
    return {key: text(f"{name}.{key}", each) for key, each in found.items()}


def switches_by_name(name: str, value: object) -> Mapping[str, bool]:
    """True or false for each name. Raises MendRequest."""
    found = mapping(name, value, "true or false for each name")
    return {key: switch(f"{name}.{key}", each) for key, each in found.items()}


def mapping(name: str, value: object, allowed: str) -> Mapping[str, object]:
    """An object. Raises MendRequest."""
    if not isinstance(value, Mapping) and value != []:
        raise MendRequest.of_field(name, value, f"an object: {allowed}")
    return dict(cast("Mapping[str, object]", value or {}))


CHECKS: Final = {
    "enabled": switch,
    "model": text,
    "models": texts_by_name,
    "server": texts,
    "exclude": texts,
    "languages": switches_by_name,
    "alternatives": whole,
    "inside_words": switch,
    "max_characters": whole,
    "context_characters": whole,
    "completion": switch,
}


def in_camel_case(name: str) -> str:
    """A field's name as the protocol has it."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


NAMES: Final = {in_camel_case(each.name): each.name for each in fields(Preferences)}
"""Fields by their names in the protocol."""
