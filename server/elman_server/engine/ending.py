"""Where a completion ends (LAW.md, Ends): fed one character at a time, it never knows how many a tick has."""

from collections.abc import Sequence
from enum import Enum

from elman_models.law.ghost import is_word_character

RARELY_LONGER = 12
"""A text that ends where it is unlikely is rarely longer than this: what is drawn beyond its end is thrown away."""


class Reason(Enum):
    """Why a completion ended."""

    LENGTH = "length"
    STOP = "stop"
    CONFIDENCE = "confidence"


class Ending:
    """Counts the characters of one completion, finds its end, and says how many of them may be sent.

    text:  r r r s s s s s h h        r: already received   s: may be sent   h: held back, may begin a stop string
    """

    def __init__(
        self,
        max_characters: int,
        stops: Sequence[str],
        largest_surprise: int | None,
        word_surprise: int | None = None,
        *,
        finishes_words: bool = False,
    ) -> None:
        """`word_surprise` holds in place of `largest_surprise` up to the first character that is not one of a word.

        One that `finishes_words` does not end for its surprise within a word that the completion itself began.
        """
        self._max_characters = max_characters
        self._stops = [Stop(stop) for stop in stops]
        self._largest_surprise = largest_surprise
        self._word_surprise = word_surprise
        self._finishes_words, self._is_in_own_word = finishes_words, False
        self._surprise = 0
        self.count = 0  # characters of the completion so far
        self.sendable = 0  # how many of them may be sent
        self.reason: Reason | None = None

    @property
    def weighs(self) -> bool:
        """Whether `take` needs surprises: there is a min_confidence."""
        return self._largest_surprise is not None

    @property
    def is_length_alone(self) -> bool:
        """Whether there is no other end than the greatest length."""
        return not (self._stops or self.weighs)

    @property
    def left(self) -> int:
        """How many more characters there may be."""
        return self._max_characters - self.count

    @property
    def worth_drawing(self) -> int:
        """How many more of them to draw in one go, at most."""
        return min(self.left, RARELY_LONGER + self.count) if self.weighs else self.left

    def receive(self, text: str) -> None:
        """Take characters that an earlier stream sent: none of them is held back. A whole match among them shows as STOP."""
        for character in text if self.weighs else "":
            self._goes_on(character)
        reach = max((stop.length for stop in self._stops), default=1) - 1  # no farther back may an unfinished match begin
        for character in text[max(0, len(text) - reach) :]:
            self._take_one(character)
        self.count = self.sendable = len(text)
        if any(stop.is_in(text) for stop in self._stops):
            self._end(Reason.STOP, self.count)
        if self.left <= 0:
            self._end(Reason.LENGTH, self.count)

    def weigh(self, surprises: Sequence[int]) -> None:
        """Take the surprises of the received characters."""
        self._exceeds(sum(surprises))

    def take(self, text: str, surprises: Sequence[int] = ()) -> None:
        """Take characters up to the end, if it is among them; `surprises` is theirs if the ending `weighs`."""
        if self._stops or self.weighs:
            self._take_each(text, surprises)
        else:
            self.count += min(len(text), self.left)
            self.sendable = self.count
        if self.left == 0:
            self._end(Reason.LENGTH, self.count)

    def _take_each(self, text: str, surprises: Sequence[int]) -> None:
        for index, character in enumerate(text[: self.left]):
            is_to_be_finished = self.weighs and self._goes_on(character) and self._finishes_words
            if self._exceeds(surprises[index] if self.weighs else 0, is_to_be_finished):
                return
            self._take_one(character)
            if self.reason:
                return

    def _goes_on(self, character: str) -> bool:
        """Take note of words; returns whether the character goes on with one that the completion began."""
        is_of_word, was_in_own = is_word_character(character), self._is_in_own_word
        if not is_of_word:
            self._word_surprise = None
        self._is_in_own_word = is_of_word and self._word_surprise is None
        return is_of_word and was_in_own

    def _exceeds(self, surprise: int, is_to_be_finished: bool = False) -> bool:
        self._surprise += surprise
        largest = self._largest_surprise if self._word_surprise is None else self._word_surprise
        if largest is None or self._surprise <= largest or is_to_be_finished:
            return False
        self._end(Reason.CONFIDENCE, self.count)
        return True

    def _take_one(self, character: str) -> None:
        self.count += 1
        lengths = [stop.take(character) for stop in self._stops]
        matched = max((stop.length for stop in self._stops if stop.is_complete), default=0)
        if matched:
            self._end(Reason.STOP, self.count - matched)
        else:
            self.sendable = max(self.sendable, self.count - max(lengths, default=0))

    def _end(self, reason: Reason, sendable: int) -> None:
        if self.reason:
            return
        self.reason = reason
        self.sendable = max(self.sendable, sendable)


class Stop:
    """One stop string and how much of it the text's end matches (Knuth, Morris and Pratt, 1977)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._borders = borders(text)
        self._matched = 0

    @property
    def length(self) -> int:
        """The number of its characters."""
        return len(self._text)

    @property
    def is_complete(self) -> bool:
        """Whether the text ends with the whole of it."""
        return self._matched == len(self._text)

    def is_in(self, text: str) -> bool:
        """Whether the text holds the whole of it."""
        return self._text in text

    def take(self, character: str) -> int:
        """Take the text's next character; returns how many of the last ones may begin this stop string."""
        while self._matched and (self.is_complete or self._text[self._matched] != character):
            self._matched = self._borders[self._matched - 1]
        if self._text[self._matched] == character:
            self._matched += 1
        return self._matched


def borders(text: str) -> list[int]:
    """For each beginning of the text, the length of its longest proper beginning that is also its end."""
    lengths = [0] * len(text)
    for index in range(1, len(text)):
        length = lengths[index - 1]
        while length and text[index] != text[length]:
            length = lengths[length - 1]
        lengths[index] = length + 1 if text[index] == text[length] else 0
    return lengths
