"""What is suggested for a text, received over one stream after another, and what of it is worth showing. Knows no request.

stream 1:  0: "f t ! "   (broke)            received: "ft! "
stream 2:  0: "ft" "! wh" ...               heard: 2, then 6: what was received before is compared and not given again
"""

from dataclasses import dataclass, field
from typing import Final

from elman.errors import MendRequest, ReportDefect
from elman.protocol.results import Alternative, Piece
from elman.protocol.surroundings import until_met, worth_showing
from elman.v1 import completion_service_pb2 as pb
from elman.words import is_rest_of_word, without_unfinished

STOP: Final = "stop"
CONFIDENCE: Final = "confidence"
LENGTH: Final = "length"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What may follow the cursor: all of it that is known so far; `str(suggestion)` is its text."""

    text: str
    alternative: int
    position: int  # the cursor's
    finish_reason: str | None = None  # "length", "stop" or "confidence"; None while it may still grow
    log_probabilities: tuple[float, ...] = field(default=(), repr=False)
    """Of the text's characters, natural, at temperature 1; empty unless asked for."""

    def __str__(self) -> str:
        return self.text


class ReceivedSuggestions:
    """The alternatives for the present text; with `trims`, only whole words of them are given. None repeats what follows.

    One that ends by the model's own confidence has finished every word that it began, if it `finishes` them.
    """

    def __init__(self, alternatives: int, trims: bool, finishes: bool = False) -> None:
        self._numbers, self._trims, self._finishes = range(alternatives), trims, finishes
        self.progress = 0  # pieces and ends, all texts and streams together
        self.after = ""  # what follows the cursor, or the first of it
        self.is_after_word = False
        self.forget()

    def forget(self) -> None:
        """The text has changed: nothing is suggested for it yet."""
        self._received = {number: Alternative(number) for number in self._numbers}
        self._given: dict[int, Suggestion] = {}
        self.listen()

    def listen(self) -> None:
        """A new stream: it repeats every alternative from its first character."""
        self._heard = dict.fromkeys(self._numbers, 0)

    @property
    def is_complete(self) -> bool:
        """Whether every alternative has ended."""
        return all(each.finish_reason for each in self._received.values())

    def take(self, piece: pb.Piece, cursor: int) -> None:
        """Take the next part of an alternative. Raises ReportDefect for a gap, a repeat, or other text than before."""
        one = self._expected(piece.alternative)
        heard = self._heard[one.number]
        if piece.position != cursor + heard:
            what = "a gap" if piece.position > cursor + heard else "a repeat"
            place = f"a piece at position {piece.position}, expected at {cursor + heard}"
            raise ReportDefect(f"{what} in alternative {one.number}: {place}")
        self._heard[one.number] = heard + len(piece.text)
        known = one.text[heard : heard + len(piece.text)] if heard < one.characters else ""
        if not piece.text.startswith(known):
            raise ReportDefect(f"alternative {one.number} was resumed with other text than it began with")
        fresh = piece.text[len(known) :]
        if fresh:
            one.add(Piece(fresh, one.number, piece.position + len(known), tuple(piece.log_probabilities[len(known) :])))
            self.progress += 1

    def finish(self, finished: pb.Finished) -> Alternative:
        """Take the end of an alternative; returns it. Raises ReportDefect if a part of it is missing."""
        one = self._expected(finished.alternative)
        if self._heard[one.number] != one.characters:
            raise ReportDefect(f"alternative {one.number} was resumed and ended before what was received of it")
        self.progress += not one.finish_reason
        one.finish(finished)
        return one

    def _expected(self, number: int) -> Alternative:
        if number not in self._numbers:
            raise ReportDefect(f"an event of alternative {number}, which was not asked for")
        return self._received[number]

    def acceptable(self, number: int, characters: int | None) -> str:
        """The text that accepting inserts. Raises MendRequest."""
        one = self._received.get(number)
        if one is None or not one.text:
            numbers = ", ".join(str(each.number) for each in self._received.values() if each.text)
            raise MendRequest(f"alternative: {number} was not suggested; allowed: {numbers or 'none; nothing was suggested'}")
        count = len(self._presented(one)) if characters is None else characters
        if not 1 <= count <= one.characters:
            raise MendRequest(f"characters: {count} is out of range; allowed: 1 to {one.characters}")
        return one.text[:count]

    def is_heard(self, number: int, characters: int) -> bool:
        """Whether the present stream has sent that many characters of an alternative."""
        return self._heard[number] >= characters

    def news(self, cursor: int) -> Suggestion | None:
        """A suggestion that was not given yet, of the first alternative that has one; never a duplicate."""
        for number in self._numbers:
            suggestion = self._suggestion(number, cursor)
            if suggestion.text and self._given.get(number) != suggestion and self._is_distinct(suggestion):
                self._given[number] = suggestion
                return suggestion
        return None

    @property
    def given(self) -> list[Suggestion]:
        """The newest of each alternative that was given for this text."""
        return [self._given[number] for number in sorted(self._given)]

    def _suggestion(self, number: int, cursor: int) -> Suggestion:
        one = self._received[number]
        text = self._presented(one)
        return Suggestion(text, number, cursor, one.finish_reason, tuple(one.log_probabilities[: len(text)]))

    def _is_distinct(self, one: Suggestion) -> bool:
        """Whether it will differ from every alternative before it, however those go on."""
        return not any(may_meet(one, self._suggestion(number, one.position)) for number in range(one.alternative))

    def _presented(self, one: Alternative) -> str:
        return worth_showing(until_met(self._trimmed(one) if self._trims else one.text, self.after))

    def _trimmed(self, one: Alternative) -> str:
        is_finished = one.finish_reason == CONFIDENCE and self._finishes
        is_rest = self.is_after_word and is_rest_of_word(one.text)  # of a word that stands before the cursor
        return one.text if is_finished and not is_rest else whole_words(one)


def whole_words(alternative: Alternative) -> str:
    """The text without a last word that may be incomplete; only a stop string shows that the last word is whole."""
    return alternative.text if alternative.finish_reason == STOP else without_unfinished(alternative.text)


def may_meet(one: Suggestion, other: Suggestion) -> bool:
    """Whether two alternatives may turn out to be the same."""
    if one.finish_reason and other.finish_reason:
        return one.text == other.text
    is_reached = not other.finish_reason and one.text.startswith(other.text)
    return is_reached or (not one.finish_reason and other.text.startswith(one.text))
