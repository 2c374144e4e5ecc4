"""The fields of a request as a caller writes them, in the words of the proto. Imports nothing heavy."""

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is also a keyword of `Client` and a flag of the command line; `help` is its comment in the proto."""

    name: str
    kind: type
    default: float | bool | bytes | str | tuple[str, ...] | None
    help: str

    @property
    def flag(self) -> str:
        """The flag of the command line."""
        return f"--{self.name.replace('_', '-')}"


DIGEST: Final = Field(
    "digest",
    str,
    "",
    "The model digest, 64 lower-case hexadecimal digits. Empty: any. Set and not what is served: FAILED_PRECONDITION.",
)
STATE: Final = Field(
    "state",
    bytes,
    b"",
    "The hidden state from which to go on, as returned by an earlier call. Empty: the start of a text.",
)

COMPLETE_FIELDS: Final = (
    DIGEST,
    STATE,
    Field(
        "temperature",
        float,
        0.8,
        "The temperature that divides the logits: 0 (always the most probable) or 0.05 to 10. Default 0.8.",
    ),
    Field("top_k", int, 0, "The number of most probable characters to keep; 0 keeps all. Default 0."),
    Field("top_p", float, 1.0, "The probability mass to keep, above 0 and at most 1, of what top_k left. Default 1 (all)."),
    Field(
        "min_p",
        float,
        0.0,
        "The least probability to keep, relative to the most probable character, 0 to 1. Default 0 (all).",
    ),
    Field(
        "seed",
        int,
        None,
        "The seed of the random numbers. Absent: the server draws one and tells it in Started. Needed with already_received.",
    ),
    Field(
        "max_characters",
        int,
        256,
        "The number of characters to sample at most, 1 to 1048576, those already received included. Default 256.",
    ),
    Field(
        "stop",
        tuple,
        (),
        "At most 16 strings of 1 to 64 characters; the completion ends before the first that appears, and does not send it.",
    ),
    Field(
        "min_confidence",
        float,
        None,
        "The probability, 2^-20 to 1, below which the completion is no longer worth showing: it ends before the character at"
        " which the product of the characters' probabilities (at temperature 1) falls below it. Absent: no such end.",
    ),
    Field("alternatives", int, 1, "The number of different continuations, 1 to 16. Default 1."),
    Field(
        "first_alternative",
        int,
        0,
        "The number of the first alternative, 0 to 65535. Alternative j is the same, asked for alone or among others."
        " Default 0.",
    ),
    Field("include_log_probabilities", bool, False, "Whether Pieces carry log-probabilities."),
)

SCORE_FIELDS: Final = (
    DIGEST,
    Field("state", bytes, b"", "The hidden state from which to go on. Empty: the start of a text."),
    Field(
        "include_log_probabilities",
        bool,
        False,
        "Whether the response carries each character's log-probability.",
    ),
)


def for_documents(field: Field) -> Field:
    """The field with the default of ghost text, if that is another."""
    if field.name not in DOCUMENT_DEFAULTS:
        return field
    default, words = DOCUMENT_DEFAULTS[field.name]
    return replace(field, default=default, help=f"{field.help.partition(' Default')[0]} Default {words}.")


DOCUMENT_DEFAULTS: Final[dict[str, tuple[float | tuple[str, ...], str]]] = {
    "temperature": (0.0, "0"),
    "max_characters": (64, "64"),
    "stop": (("\n",), "the line's end"),
}
NOT_OF_DOCUMENTS: Final = ("state", "first_alternative")
DOCUMENT_FIELDS: Final = tuple(for_documents(field) for field in COMPLETE_FIELDS if field.name not in NOT_OF_DOCUMENTS)
