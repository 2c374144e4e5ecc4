"""A simulated typist, who counts keystrokes: what a model is worth to the person it completes for. Knows readings alone.

At each place the ghost text is what `elman type` shows: the greedy continuation up to the line's end, to `max_characters`, or
to where the product of its characters' probabilities would fall below `min_confidence`, otherwise below the model's own least
probabilities, for the rest of a word that is begun and for all else; by these it finishes every word that it begins. A space
alone is not shown, and before the first key there is none; with `whole_words`, a last word that may be incomplete is left out
(beyond a wrong character nobody reads on, so that a Tab whose ghost text would end before it is not counted, but Ctrl-Right).
The typist reads it, for nothing, and

    presses Tab           if the text goes on with all of it: one key for all its characters
    presses Ctrl-Right    if it goes on with only its first word and the space before that: one key for these
    types the character   otherwise: one key; a line's end is a character too

A wrong character is never taken, so nothing is ever deleted; the typist does not look ahead for a better moment. What is saved
is 1 - keys / characters, the keystroke savings of Trost and McCoy (2007) and the literature on text entry before them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from elman.allowed import MIN_CONFIDENCE
from elman.settings import NUMBER, SWITCH, WHOLE, Range, check, setting, settings_of
from elman.words import APOSTROPHES, NEAR, ends_in_word, first_word, is_rest_of_word, without_unfinished
from elman_models.errors import InvalidField
from elman_models.law.ghost import GhostSurprise, is_word_character
from elman_models.law.tables import UNIT, Tables
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.predictor import Reading


@dataclass(frozen=True, slots=True)
class Habits:
    """What ghost text the typist is shown. Raises InvalidField."""

    min_confidence: float | None = setting(
        None,
        NUMBER,
        "the probability below which ghost text is no longer shown",
        MIN_CONFIDENCE,
        default_words="the model's own",
    )
    max_characters: int = setting(64, WHOLE, "the longest ghost text", Range(1, 1024), unit="characters")
    whole_words: bool = setting(False, SWITCH, "show whole words alone: leave out a last word that may be incomplete")

    def __post_init__(self) -> None:
        check(self, InvalidField)


HABITS: Final = settings_of(Habits)
"""What flags and help are made of."""


@dataclass(slots=True)
class Keystrokes:
    """How a text was entered."""

    characters: int = 0
    tabs: int = 0
    words: int = 0
    typed: int = 0

    @property
    def keys(self) -> int:
        """All keys that were pressed."""
        return self.tabs + self.words + self.typed

    @property
    def saved(self) -> float:
        """The share of keys that the ghost text spared."""
        return 1 - self.keys / self.characters


class Typist:
    """Enters documents with ghost text, by habits."""

    def __init__(self, habits: Habits, vocabulary: Vocabulary, own: GhostSurprise) -> None:
        """`own` is the model's, which counts where habits name no confidence."""
        self.habits, self.vocabulary = habits, vocabulary
        self.ghost_surprise = own
        self.finishes_words = habits.min_confidence is None
        if habits.min_confidence is not None:
            named = Tables.for_outputs(len(vocabulary)).largest_surprise(habits.min_confidence)
            self.ghost_surprise = GhostSurprise(named, named)

    @property
    def confidence(self) -> float:
        """The probability from which on ghost text is shown where no word is begun."""
        named = self.habits.min_confidence
        return math.exp(-self.ghost_surprise.beyond / UNIT) if named is None else named

    def enter(self, documents: Sequence[str], readings: Sequence[Reading]) -> Keystrokes:
        """Count the keys for documents that a predictor has read."""
        keys = Keystrokes()
        for document, reading in zip(documents, readings, strict=True):
            ghosts = Ghosts(self, document, reading)
            keys.characters += len(document)
            place = min(1, len(document))
            keys.typed += place  # nothing is suggested before the first key
            while place < len(document):
                place += ghosts.press(place, keys)
        return keys


class End(Enum):
    """Why the right characters of a ghost text are no more."""

    WRONG = auto()  # the next one is wrong
    LINE = auto()
    CONFIDENCE = auto()
    LENGTH = auto()


class Ghosts:
    """The ghost text at every place of a document, as far as the document agrees with it."""

    def __init__(self, typist: Typist, document: str, reading: Reading) -> None:
        vocabulary = typist.vocabulary
        self._document, self._characters = document, vocabulary.characters
        self._line_end = vocabulary.characters.find("\n")
        self._longest, self._ghost_surprise = typist.habits.max_characters, typist.ghost_surprise
        self._finishes_words, self._has_whole_words = typist.finishes_words, typist.habits.whole_words
        self._goes_on: list[bool] = [*map(is_word_character, vocabulary.characters), False]
        read: list[int] = vocabulary.encode(document).tolist()
        self._is_in_word = [False, *(self._goes_on[index] for index in read)]  # before each place
        self._tops: list[int] = reading.tops.tolist()
        self._surprises: list[int] = reading.surprises.tolist()
        self._seconds, self._second_surprises = reading.seconds.tolist(), reading.second_surprises.tolist()
        self._is_right = [*(reading.tops[:-1] == vocabulary.exactly(document)).tolist(), False]

    def press(self, place: int, keys: Keystrokes) -> int:
        """Press the best key; returns how many characters it entered."""
        right, end = self._right(place)
        is_whole = end is not End.WRONG
        if is_whole and self._has_whole_words:
            right = self._in_whole_words(place, right, end)
        if is_whole and right == 1 and self._document[place].isspace():
            right = 0
        word = 0 if is_whole else self._word(place, right)
        keys.tabs += is_whole and right > 0
        keys.words += word > 0
        keys.typed += not (right if is_whole else word)
        return (right if is_whole else word) or 1

    def _right(self, place: int) -> tuple[int, End]:
        """How many characters are right, and why no more."""
        surprise, is_in_word, is_in_own_word = 0, self._is_in_word[place], False
        for length in range(self._longest):
            here = place + length
            surprise += self._surprises[here]
            goes_on = self._goes_on[self._tops[here]]
            is_to_be_finished = self._finishes_words and is_in_own_word and goes_on
            is_in_word, is_in_own_word = is_in_word and goes_on, goes_on and not (is_in_word and goes_on)
            if surprise > self._most_surprise(is_in_word) and not is_to_be_finished:
                return length, End.CONFIDENCE
            if self._tops[here] == self._line_end:
                return length, End.LINE
            if not self._is_right[here]:
                return length, End.WRONG
        return self._longest, End.LENGTH

    def _in_whole_words(self, place: int, right: int, end: End) -> int:
        """How many characters of a ghost text that is right are shown in whole words, as `elman type` does it."""
        text = self._document[place : place + right]
        is_finished = end is End.CONFIDENCE and self._finishes_words
        is_rest = ends_in_word(self._document[:place][-NEAR:]) and is_rest_of_word(text)
        return right if end is End.LINE or (is_finished and not is_rest) else len(without_unfinished(text))

    def _most_surprise(self, is_in_word: bool) -> int:
        return self._ghost_surprise.in_word if is_in_word else self._ghost_surprise.beyond

    def _word(self, place: int, right: int) -> int:
        """The length of the first word if the right characters, `right` of them, hold it; otherwise 0."""
        word = first_word(self._document[place : place + right] + self._wrong(place, right))
        return word if word <= right else 0

    def _wrong(self, place: int, right: int) -> str:
        """The first character that is wrong, and the one after it where the word's end depends on that."""
        here = place + right
        wrong = self._characters[self._tops[here]]
        surprise = sum(self._surprises[place : here + 1]) + self._second_surprises[here]
        is_shown = right + 1 < self._longest and surprise <= self._ghost_surprise.beyond
        return wrong + self._characters[self._seconds[here]] if wrong in APOSTROPHES and is_shown else wrong
