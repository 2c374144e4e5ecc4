"""What is suggested, as a value, and which of it is worth showing. Knows no document and no transport."""

import re
from dataclasses import dataclass
from typing import Final

from elman.results import Alternative

UNFINISHED: Final = re.compile(r"\s*[\w'’]*\Z")
"""A last word that may go on, and the space before it."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What may follow the cursor: all of it that is known so far; `str(suggestion)` is its text."""

    text: str
    alternative: int
    position: int  # the cursor's
    finish_reason: str | None = None  # "length", "stop" or "confidence"; None while it may still grow

    def __str__(self) -> str:
        return self.text


def whole_words(alternative: Alternative) -> str:
    """The text without a last word that was cut off; only a stop string says that the last one is whole."""
    return alternative.text if alternative.finish_reason == "stop" else UNFINISHED.sub("", alternative.text)


def may_meet(one: Alternative, other: Alternative, one_text: str, other_text: str) -> bool:
    """Whether two alternatives, of which these texts are shown so far, may yet show the same."""
    if one.finish_reason and other.finish_reason:
        return one_text == other_text
    is_reached = not other.finish_reason and one_text.startswith(other_text)
    return is_reached or (not one.finish_reason and other_text.startswith(one_text))
