"""What is suggested, as a value, and which of it is worth showing. Knows no document and no transport."""

import re
from dataclasses import dataclass
from typing import Final

from elman.protocol.results import Alternative

UNFINISHED: Final = re.compile(r"\s*[\w'’]*\Z")
"""A last word that may go on, and the space before it."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What may follow the cursor: all of it that is known so far; `str(suggestion)` is its text."""

    text: str
    alternative: int
    position: int  # the cursor's
    finish_reason: str | None = None  # "length", "stop" or "confidence"; None while it may still grow
    log_probabilities: tuple[float, ...] = ()  # of the text's characters, natural, at temperature 1; empty unless asked for

    def __str__(self) -> str:
        return self.text


def whole_words(alternative: Alternative) -> str:
    """The text without a last word that was cut off; only a stop string says that the last one is whole."""
    return alternative.text if alternative.finish_reason == "stop" else UNFINISHED.sub("", alternative.text)


def may_meet(one: Suggestion, other: Suggestion) -> bool:
    """Whether two alternatives may yet say the same."""
    if one.finish_reason and other.finish_reason:
        return one.text == other.text
    is_reached = not other.finish_reason and one.text.startswith(other.text)
    return is_reached or (not one.finish_reason and other.text.startswith(one.text))
