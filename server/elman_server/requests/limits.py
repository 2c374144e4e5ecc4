"""Where a completion may end, checked: LAW.md, Ends. Knows no request beyond its limits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from elman.allowed import MAX_CHARACTERS, MIN_CONFIDENCE
from elman.settings import counted
from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import Amount, InvalidField
from elman_models.law.ghost import GhostSurprise
from elman_models.law.tables import Tables
from elman_models.law.vocabulary import Vocabulary
from elman_server.engine.ending import Ending, Reason

DEFAULT_MAX_CHARACTERS = 256
MOST_STOPS, LONGEST_STOP = 16, 64


@dataclass(frozen=True, slots=True)
class Limits:
    """Checked limits; `largest_surprise` is min_confidence in 1/256 nat."""

    max_characters: int
    stops: tuple[str, ...]
    largest_surprise: int | None
    word_surprise: int | None = None  # holds in its place for the rest of a word that the text ends with
    finishes_words: bool = False  # whether a word that the completion began is finished, however surprising its rest

    @classmethod
    def of(cls, limits: pb.Limits, tables: Tables) -> "Limits":
        """Check every field. Raises InvalidField."""
        most = limits.max_characters if limits.HasField("max_characters") else DEFAULT_MAX_CHARACTERS
        if most not in MAX_CHARACTERS:
            raise InvalidField("max_characters", most, str(MAX_CHARACTERS))
        stops = tuple(limits.stop)
        check_stops(stops)
        if not limits.HasField("min_confidence"):
            return cls(most, stops, None)
        confidence = limits.min_confidence
        if confidence not in MIN_CONFIDENCE:
            raise InvalidField("min_confidence", confidence, f"{MIN_CONFIDENCE}, or absent")
        return cls(most, stops, tables.largest_surprise(confidence))

    def within(self, own: GhostSurprise) -> "Limits":
        """The same, ending where the model's own ghost text does if no min_confidence was asked for."""
        if self.largest_surprise is not None:
            return self
        return replace(self, largest_surprise=own.beyond, word_surprise=own.in_word, finishes_words=True)

    def ending(self, received: str, is_in_word: bool = False) -> Ending:
        """A new ending within these limits, for a completion of which some was received, of a text that may end in a word."""
        word_surprise = self.word_surprise if is_in_word else None
        ending = Ending(
            self.max_characters, self.stops, self.largest_surprise, word_surprise, finishes_words=self.finishes_words
        )
        if received:
            ending.receive(received)
        return ending

    def check_received(self, received: str, vocabulary: Vocabulary) -> None:
        """Raise InvalidField unless the text can be the beginning of a completion within these limits."""
        field = "already_received"
        if len(received) > self.max_characters:
            raise InvalidField(
                field, Amount(counted(len(received), "character")), f"at most max_characters = {self.max_characters}"
            )
        if unknown := set(received) - set(vocabulary.characters):
            raise InvalidField(field, min(unknown), "characters that the model can produce")
        if self.ending(received).reason is Reason.STOP:
            raise InvalidField(field, received, "text that holds no whole stop string")


def check_stops(stops: Sequence[str]) -> None:
    """Raise InvalidField unless there are few stop strings of a legal length."""
    if len(stops) > MOST_STOPS:
        raise InvalidField("stop", Amount(f"{len(stops)} strings"), f"at most {MOST_STOPS}")
    for index, stop in enumerate(stops):
        if not 1 <= len(stop) <= LONGEST_STOP:
            raise InvalidField(f"stop[{index}]", Amount(counted(len(stop), "character")), f"1 to {LONGEST_STOP} characters")
