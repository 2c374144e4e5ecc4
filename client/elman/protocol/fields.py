"""The fields of a request that are also keywords of `Client` and flags of the command line; `help` is the flag's.

The client checks no range of a call: the server does. Of a configuration file it does, which is told where it is read.
"""

import re
from base64 import b64decode
from dataclasses import dataclass, replace
from typing import Any, Final

from elman import allowed
from elman.allowed import OrZero
from elman.settings import EITHER, NUMBER, SWITCH, TEXT, TEXTS, WHOLE, Setting, ValueKind, setting, settings_of


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
)
OR_NONE: Final = OrZero(allowed.MIN_CONFIDENCE.least, allowed.MIN_CONFIDENCE.most, f"0, or {allowed.MIN_CONFIDENCE}")
"""0 stands for no such end, which the wire says by an absent field."""
DIGEST: Final = "refuse any model but the one of this digest, 64 lower-case hexadecimal digits"
LOG_PROBABILITIES: Final = "print each character's log-probability; needs --json"


@dataclass(frozen=True, slots=True)
class CompleteFields:
    """What a completion is asked with, beside model and text."""

    digest: str = setting("", TEXT, DIGEST)
    state: bytes = setting(b"", STATE, "go on from this state, as --json prints one, rather than from the start of a text")
    temperature: float = setting(
        0.8, NUMBER, "what divides the logits; 0 always takes the most probable character", allowed.TEMPERATURE
    )
    top_k: int = setting(0, WHOLE, "how many of the most probable characters to keep; 0 keeps all", allowed.TOP_K)
    top_p: float = setting(1.0, NUMBER, "the probability mass to keep of what --top-k leaves", allowed.TOP_P)
    min_p: float = setting(
        0.0, NUMBER, "the least probability to keep, relative to the most probable character's", allowed.MIN_P
    )
    seed: int | None = setting(
        None, WHOLE, "the seed of the random numbers", allowed.SEED, default_words="another each time, which --json prints"
    )
    max_characters: int = setting(256, WHOLE, "the largest number of characters to add", allowed.MAX_CHARACTERS)
    stop: tuple[str, ...] = setting(
        (),
        STRINGS,
        "end before this text, of 1 to 64 characters, where it appears; in it, \\n is a line's end, \\t a tab, \\r a carriage"
        " return, \\uXXXX a code point and \\\\ a backslash; may be repeated, 16 times at most",
    )
    min_confidence: float | None = setting(
        None,
        NUMBER,
        "end before the product of the characters' probabilities, at temperature 1, falls below this; 0: no such end",
        OR_NONE,
        default_words="none",
    )
    alternatives: int = setting(
        1,
        WHOLE,
        "the number of different continuations; at temperature 0 each begins with another character, the most probable first",
        allowed.ALTERNATIVES,
    )
    first_alternative: int = setting(
        0,
        WHOLE,
        "the number of the first alternative; each is the same whether asked for alone or among others",
        allowed.FIRST_ALTERNATIVE,
    )
    include_log_probabilities: bool = setting(False, SWITCH, LOG_PROBABILITIES)


@dataclass(frozen=True, slots=True)
class ScoreFields:
    """What a score is asked with, beside model and text."""

    digest: str = setting("", TEXT, DIGEST)
    state: bytes = setting(b"", STATE, "go on from this state, as --json prints one, rather than from the start of a text")
    include_log_probabilities: bool = setting(False, SWITCH, LOG_PROBABILITIES)


WHOLE_WORDS: Final = Setting("whole_words", EITHER, False, "leave out a last word that may be incomplete", flag="--whole-words")
"""No field of a request: what is shown of the answer."""

CONTEXT_CHARACTERS: Final = Setting(
    "context_characters",
    WHOLE,
    1 << 16,
    "the largest number of characters before the cursor that the model reads, from a line's start",
    allowed.CONTEXT_CHARACTERS,
    flag="--context-characters",
)
"""No field of a request: what of the text is sent. Client.document reads all unless told otherwise; this is for editors."""

COMPLETE_FIELDS: Final = settings_of(CompleteFields)
SCORE_FIELDS: Final = settings_of(ScoreFields)


def for_documents(one: Setting) -> Setting:
    """The field with the default of ghost text, if that is another."""
    return replace(one, **OF_DOCUMENTS.get(one.name, {}))


OF_DOCUMENTS: Final[dict[str, dict[str, Any]]] = {
    "temperature": {"default": 0.0},
    "seed": {"default_words": "another each time"},
    "max_characters": {"default": 64, "allowed": allowed.MAX_SUGGESTED},
    "stop": {"default": ("\n",), "default_words": "the line's end"},
    "min_confidence": {"default_words": "the model's own"},
}
NOT_OF_DOCUMENTS: Final = ("state", "first_alternative")
DOCUMENT_FIELDS: Final = tuple(for_documents(one) for one in COMPLETE_FIELDS if one.name not in NOT_OF_DOCUMENTS)
SHOWN_DOCUMENT_FIELDS: Final = (
    *(one for one in DOCUMENT_FIELDS if one.name != "include_log_probabilities"),
    WHOLE_WORDS,
    CONTEXT_CHARACTERS,
)
"""The keywords of a document that change what a person sees of it."""
