"""What a model thinks of where it is asked, however unsure it is: several suggestions that begin with different characters.

    import |        sys (0.36)   time (0.07)   os (0.06)        by its own threshold it would suggest nothing here

However doubtful the first character is, what follows it is likely, and ends with a word. Pure functions of suggestions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, takewhile
from math import log
from typing import Any, Final

from elman.allowed import ALTERNATIVES
from elman.protocol.suggestions import LENGTH, Suggestion
from elman.words import runs_on

LEAST: Final = log(0.01)
"""Of the first character: what is less likely is no opinion."""

ENOUGH: Final = log(0.25)
"""Of all that follows it together."""

SPARE: Final = 3
"""How many more are asked for than are shown, for some may be nothing to see: a space, or the line's end."""


def asked_for(alternatives: int) -> dict[str, Any]:
    """The keywords of a document whose suggestions are to be cut here."""
    most = int(ALTERNATIVES.most)
    return {
        "alternatives": min(alternatives + SPARE, most),
        "min_confidence": 0.0,
        "include_log_probabilities": True,
    }


def with_opinions(sure: Sequence[Suggestion], unsure: Sequence[Suggestion]) -> Iterator[Suggestion]:
    """What is suggested unasked, then what else the model thinks of: nothing that begins as that does, or looks alike."""
    yield from sure
    first = sure[0].text[:1] if sure and sure[0].text.strip() else ""
    seen = {one.text.strip() for one in sure}
    for one in unsure:
        likely = as_far_as_likely(one)
        if one.log_probabilities[0] >= LEAST and one.text[:1] != first and likely.text.strip() not in seen:
            seen.add(likely.text.strip())
            yield likely


def as_far_as_likely(one: Suggestion) -> Suggestion:
    """As much of a suggestion as is likely if it begins as it does, and the rest of the last word."""
    text = one.text
    begun = min(len(text), len(text) - len(text.lstrip()) + 1)  # indentation says nothing yet
    likely = takewhile(lambda total: total >= ENOUGH, accumulate(one.log_probabilities[begun:]))
    end = begun + sum(1 for _ in likely)
    while runs_on(text[:end], text[end:]):
        end += 1
    return replace(one, text=text[:end].rstrip(), finish_reason=LENGTH) if end < len(text) else one
