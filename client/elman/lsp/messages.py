"""What messages mean, and the answers: JSON to values and back. Each reads what it needs of a message, and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

from elman.errors import MendRequest
from elman.lsp.encodings import Encoding
from elman.lsp.ghosts import Ghost
from elman.lsp.open_document import Edit
from elman.lsp.open_text import Position

ACCEPTED: Final = "elman.accepted"
STATUS: Final = "elman.status"
STATUS_CHANGED: Final = "$/elman/status"
"""What elman/status answers has changed. By its name, an editor that does not know it may pass it over."""
INVOKED: Final = 1
TEXT: Final = 1
"""The kind of a completion item that is plain text."""
PLAIN_TEXT: Final = 1
"""The format of one that is inserted as it is."""

INCREMENTAL: Final = 2
"""How edits are told: by what they change."""
CONFIGURATION: Final = "workspace/didChangeConfiguration"
CONFIGURATION_WATCHED: Final = {
    "registrations": [{"id": CONFIGURATION, "method": CONFIGURATION, "registerOptions": {"section": "elman"}}]
}
"""That the editor is to tell when its settings change."""

Json: TypeAlias = dict[str, Any]


class Begun(NamedTuple):
    """What an editor can do, the encodings that it offers, best first, and its settings."""

    capabilities: object
    encodings: Sequence[object]
    options: object


class Opened(NamedTuple):
    """A document that is open from now on."""

    uri: str
    language: str
    version: int | None
    text: str


class Edited(NamedTuple):
    """What was edited."""

    uri: str
    version: int | None
    edits: Sequence[Edit]


class Asked(NamedTuple):
    """What somebody wants to know: what is suggested at a position."""

    uri: str
    position: Position
    is_invoked: bool
    has_selection: bool  # in a menu of completions, whose text would stand before the ghost


class Judged(NamedTuple):
    """What was accepted or dismissed."""

    uri: str
    text: str
    position: Position | None


def begun(params: object) -> Begun:
    """Of initialize. Raises MendRequest, as all of these do."""
    one = mapping(params)
    capabilities = one.get("capabilities")
    encodings = value_of(capabilities, "general", "positionEncodings")
    return Begun(
        capabilities, cast("list[object]", encodings) if isinstance(encodings, list) else (), one.get("initializationOptions")
    )


def is_able(capabilities: object, *names: str) -> bool:
    """Whether an editor can do what stands under these names, one in the other."""
    return value_of(capabilities, *names) not in (None, False)


def value_of(one: object, *names: str) -> object:
    """What stands under these names, one in the other; None if nothing does."""
    for name in names:
        one = cast("Mapping[str, object]", one).get(name) if isinstance(one, dict) else None
    return one


def capabilities(encoding: Encoding, *, offers_menu: bool) -> Json:
    """What the server can do."""
    menu: Json = {"completionProvider": {}} if offers_menu else {}
    return {
        "positionEncoding": encoding,
        "textDocumentSync": {"openClose": True, "change": INCREMENTAL},
        "inlineCompletionProvider": {},
        "executeCommandProvider": {"commands": [STATUS, ACCEPTED]},
        **menu,
    }


def opened(params: object) -> Opened:
    """Of textDocument/didOpen."""
    one = part(params, "textDocument")
    return Opened(text_of(one, "uri"), text_of(one, "languageId", ""), version_of(one), text_of(one, "text"))


def edited(params: object) -> Edited:
    """Of textDocument/didChange."""
    one = part(params, "textDocument")
    changes = mapping(params).get("contentChanges")
    if not isinstance(changes, list):
        raise MendRequest.of_field("contentChanges", changes, "a list")
    return Edited(text_of(one, "uri"), version_of(one), [edit_of(each) for each in cast("list[object]", changes)])


def edit_of(change: object) -> Edit:
    """One of its changes."""
    text = text_of(change, "text")
    if mapping(change).get("range") is None:
        return Edit(text)
    place = part(change, "range")
    return Edit(text, position_of(place, "start"), position_of(place, "end"))


def closed(params: object) -> str:
    """The URI of textDocument/didClose, and of whatever else is about a document."""
    return text_of(part(params, "textDocument"), "uri")


def asked(params: object, *, by_menu: bool = False) -> Asked:
    """Of textDocument/inlineCompletion and elman/ghostText, or of textDocument/completion, where typing invokes as well."""
    context = mapping(mapping(params).get("context") or {}, "context")
    return Asked(
        closed(params),
        position_of(params, "position"),
        context.get("triggerKind") == INVOKED and not by_menu,
        context.get("selectedCompletionInfo") is not None,
    )


def asked_status(params: object) -> str:
    """The URI of elman/status; nothing if none is named."""
    return closed(params) if params and mapping(params).get("textDocument") is not None else ""


def judged(params: object) -> Judged:
    """Of elman/accepted and elman/dismissed."""
    position = position_of(params, "position") if mapping(params).get("position") is not None else None
    return Judged(closed(params), text_of(params, "text"), position)


def commanded(params: object) -> tuple[str, object]:
    """Of workspace/executeCommand: the command and its arguments."""
    command = text_of(params, "command")
    if command not in (STATUS, ACCEPTED):
        raise MendRequest.of_field("command", command, f"{STATUS}, {ACCEPTED}")
    return command, mapping(params).get("arguments")


def accepted(arguments: object) -> tuple[str, str]:
    """The URI and the text of what was accepted."""
    match arguments:
        case [str(uri), str(text)]:
            return uri, text
        case _:
            raise MendRequest.of_field("arguments", arguments, "a URI and a text")


def items_of(asked: Asked, ghosts: Sequence[Ghost]) -> Json:
    """The answer to textDocument/inlineCompletion and elman/ghostText."""
    return {
        "items": [
            {
                "insertText": ghost.text,
                "range": range_of(asked.position, ghost),
                "command": accepted_by(asked.uri, ghost),
            }
            for ghost in ghosts
        ]
    }


def completions_of(asked: Asked, ghosts: Sequence[Ghost], word: str) -> Json:
    """The answer to textDocument/completion, for editors that know no ghosts. It holds for this very place.

    `word` is what stands before the cursor of a word, for editors show only what begins with it.
    """
    return {
        "isIncomplete": True,
        "items": [
            {
                "label": (word + ghost.text).strip(),
                "filterText": word + ghost.text,
                "detail": "elman",
                "kind": TEXT,
                "insertTextFormat": PLAIN_TEXT,
                "textEdit": {"range": range_of(asked.position, ghost), "newText": ghost.text},
                "command": accepted_by(asked.uri, ghost),
            }
            for ghost in ghosts
        ],
    }


def accepted_by(uri: str, ghost: Ghost) -> Json:
    """The command that an editor gives once it has inserted a ghost."""
    return {"title": "Accepted", "command": ACCEPTED, "arguments": [uri, ghost.text]}


def range_of(position: Position, ghost: Ghost) -> Json:
    """What a ghost replaces, from the position on: brackets and quotes, which are one unit in every encoding."""
    line, start = position
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": start + ghost.replaced}}


def position_of(one: object, name: str) -> Position:
    """A position."""
    found = part(one, name)
    return Position(number_of(found, "line"), number_of(found, "character"))


def version_of(one: object) -> int | None:
    """A document's version, if its editor counts."""
    return number_of(one, "version") if mapping(one).get("version") is not None else None


def number_of(one: object, name: str) -> int:
    """A whole number of an object; some editors have no other numbers than those with a point."""
    found = mapping(one).get(name)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if not isinstance(found, int) or isinstance(found, bool):
        raise MendRequest.of_field(name, found, "a whole number")
    return found


def text_of(one: object, name: str, otherwise: str | None = None) -> str:
    """A text of an object."""
    found = mapping(one).get(name, otherwise)
    if not isinstance(found, str):
        raise MendRequest.of_field(name, found, "text")
    return found


def part(one: object, name: str) -> Mapping[str, object]:
    """An object of an object. Raises MendRequest, which names it."""
    return mapping(mapping(one).get(name), name)


def mapping(one: object, name: str = "params") -> Mapping[str, object]:
    """An object. Raises MendRequest, which names it."""
    if not isinstance(one, dict):
        raise MendRequest.of_field(name, one, "an object")
    return cast("Mapping[str, object]", one)
