"""The fields of a request that are also keywords of `Client` and flags of the command line; `help` is the proto's comment.

The ranges are the server's to check, so none are declared here; the comments tell them.
"""

import re
from base64 import b64decode
from dataclasses import dataclass, replace
from typing import Any, Final

from elman.settings import EITHER, NUMBER, SWITCH, TEXT, TEXTS, WHOLE, Setting, ValueKind, setting, settings_of


def field(default: Any, kind: ValueKind, comment: str) -> Any:
    """A field of a request, in the proto's words."""
    return setting(default, kind, comment, is_whole_sentence=True)


def state_bytes(text: str) -> bytes:
    """A state as --json prints it. Raises ValueError."""
    return b64decode(text, validate=True)


def unescaped(words: str) -> str:
    """The text that a stop string on the command line means. Raises ValueError for a backslash that means nothing."""
    return ESCAPE.sub(lambda found: ESCAPES[found[0]] if found[0] in ESCAPES else chr(int(found[1] or "", 16)), words)


ESCAPES: Final = {r"\n": "\n", r"\t": "\t", r"\r": "\r", r"\\": "\\"}
ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|[ntr\\]|)")
r"""\n, \t, \r, \\ and \uXXXX; otherwise a backslash alone, which means nothing."""

STATE: Final = ValueKind(state_bytes, "BASE64", "Base64, as --json prints a state", (bytes,))
STRINGS: Final = replace(
    TEXTS,
    metavar="STRING",
    allowed=r"text in which a backslash is written \\, or begins \n, \t, \r or \uXXXX",
    read_one=unescaped,
    hint=r"In it, \n is a line's end, \t a tab, \r a carriage return, \uXXXX a code point and \\ a backslash.",
)
JSON_SWITCH: Final = replace(SWITCH, hint="Needs --json, which shows them.")


@dataclass(frozen=True, slots=True)
class CompleteFields:
    """What a completion is asked with, beside model and text."""

    digest: str = field(
        "",
        TEXT,
        "The model digest, 64 lower-case hexadecimal digits. Empty: any. Set and not what is served: FAILED_PRECONDITION.",
    )
    state: bytes = field(
        b"", STATE, "The hidden state to go on from, as returned by an earlier call. Empty: the start of a text."
    )
    temperature: float = field(
        0.8, NUMBER, "The temperature that divides the logits: 0 (always the most probable) or 0.05 to 10. Default 0.8."
    )
    top_k: int = field(0, WHOLE, "The number of most probable characters to keep; 0 keeps all. Default 0.")
    top_p: float = field(
        1.0, NUMBER, "The probability mass to keep, above 0 and at most 1, of what top_k left. Default 1 (all)."
    )
    min_p: float = field(
        0.0,
        NUMBER,
        "The least probability to keep, relative to the most probable character, 0 to 1. Default 0 (all).",
    )
    seed: int | None = field(
        None,
        WHOLE,
        "The seed of the random numbers. Absent: the server draws one and returns it in Started. Needed with already_received.",
    )
    max_characters: int = field(
        256,
        WHOLE,
        "The largest number of characters to sample, 1 to 1048576, including those already received. Default 256.",
    )
    stop: tuple[str, ...] = field(
        (),
        STRINGS,
        "At most 16 strings of 1 to 64 characters; the completion ends before the first that appears, which is not sent.",
    )
    min_confidence: float | None = field(
        None,
        NUMBER,
        "The probability, 2^-20 to 1, below which the completion is no longer worth showing: it ends before the character at"
        " which the product of the characters' probabilities (at temperature 1) falls below it. Absent: no such end.",
    )
    alternatives: int = field(
        1,
        WHOLE,
        "The number of different continuations, 1 to 16; at temperature 0 each begins with another character, the most"
        " probable first. Default 1.",
    )
    first_alternative: int = field(
        0,
        WHOLE,
        "The number of the first alternative, 0 to 65535. Alternative j is the same whether asked for alone or among others."
        " Default 0.",
    )
    include_log_probabilities: bool = field(False, JSON_SWITCH, "Whether Pieces carry log-probabilities.")


@dataclass(frozen=True, slots=True)
class ScoreFields:
    """What a score is asked with, beside model and text."""

    digest: str = field(
        "",
        TEXT,
        "The model digest, 64 lower-case hexadecimal digits. Empty: any. Set and not what is served: FAILED_PRECONDITION.",
    )
    state: bytes = field(b"", STATE, "The hidden state to go on from. Empty: the start of a text.")
    include_log_probabilities: bool = field(
        False, JSON_SWITCH, "Whether the response carries each character's log-probability."
    )


WHOLE_WORDS: Final = Setting(
    "whole_words",
    EITHER,
    False,
    "Leave out a last word that may be incomplete.",
    flag="--whole-words",
    is_whole_sentence=True,
)
"""No field of a request: what is shown of the answer."""

CONTEXT_CHARACTERS: Final = Setting(
    "context_characters",
    WHOLE,
    1 << 16,
    "The most characters before the cursor that the model reads, 1 to 4294967295; from a line's start. Default 65536.",
    flag="--context-characters",
    is_whole_sentence=True,
)
"""No field of a request: what of the text is sent. Client.document reads all unless told otherwise; this is for editors."""

COMPLETE_FIELDS: Final = settings_of(CompleteFields)
SCORE_FIELDS: Final = settings_of(ScoreFields)


def for_documents(one: Setting) -> Setting:
    """The field with the default of ghost text, if that is another."""
    if one.name not in DOCUMENT_DEFAULTS:
        return one
    default, words = DOCUMENT_DEFAULTS[one.name]
    described = one.help.partition(" Default")[0].removesuffix(" Absent: no such end.")
    return replace(one, default=default, help=f"{described} Default {words}.")


DOCUMENT_DEFAULTS: Final[dict[str, tuple[float | tuple[str, ...] | None, str]]] = {
    "temperature": (0.0, "0"),
    "max_characters": (64, "64"),
    "stop": (("\n",), "the line's end"),
    "min_confidence": (None, "the model's own; 0: no such end"),
}
NOT_OF_DOCUMENTS: Final = ("state", "first_alternative")
DOCUMENT_FIELDS: Final = tuple(for_documents(one) for one in COMPLETE_FIELDS if one.name not in NOT_OF_DOCUMENTS)
SHOWN_DOCUMENT_FIELDS: Final = (
    *(one for one in DOCUMENT_FIELDS if one.name != "include_log_probabilities"),
    WHOLE_WORDS,
    CONTEXT_CHARACTERS,
)
"""The keywords of a document that change what a person sees of it."""
