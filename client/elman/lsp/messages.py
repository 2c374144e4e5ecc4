"""What the messages mean that come with every key, and the answers: JSON to values and back. Knows no pygls.

pygls would turn each into objects of its own first, which takes longer than all that is done here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from elman.errors import MendRequest
from elman.lsp.ghosts import Ghost
from elman.lsp.open_document import Edit
from elman.lsp.open_text import Position

ACCEPTED: Final = "elman.accepted"
STATUS: Final = "elman.status"
INVOKED: Final = 1
TEXT: Final = 1
"""The kind of a completion item that is plain text."""
PLAIN_TEXT: Final = 1
"""The format of one that is inserted as it is."""


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


def opened(params: object) -> Opened:
    """Of textDocument/didOpen. Raises MendRequest, as all of these do."""
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


def items_of(asked: Asked, ghosts: Sequence[Ghost]) -> dict[str, Any]:
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


def completions_of(asked: Asked, ghosts: Sequence[Ghost], word: str) -> dict[str, Any]:
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


def accepted_by(uri: str, ghost: Ghost) -> dict[str, Any]:
    """The command that an editor gives once it has inserted a ghost."""
    return {"title": "Accepted", "command": ACCEPTED, "arguments": [uri, ghost.text]}


def range_of(position: Position, ghost: Ghost) -> dict[str, Any]:
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
