"""What a model recalls along a text (LAW.md, Recall): at each place a character or none, whether it came, and its weight.

    text:      ... d e f   g e t ( k e y ) : ... d e f   g e t ( n a m e )
    recalled:                                    . . .   g e t ( k . . . .      right up to the "(", then wrong

Knows no network and no colours.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from elman_models.execution.recollection import Recollection
from elman_models.inspection.states import check_length
from elman_models.law.artifact import Model
from elman_models.law.recall import LEAST, MOST, ODDS_UNIT


class Place(NamedTuple):
    """What was recalled before a character of the text."""

    character: str  # "": nothing
    is_right: bool  # whether it is the one that came
    length: int  # of the run that was found again, LEAST to MOST, where MOST stands for longer ones too; 0: nothing
    probability: float  # lambda, the share of the prediction that recall makes

    @property
    def tint(self) -> float:
        """Its colour, -1 to 1: below 0 right, above 0 wrong, 0 nothing; the farther from 0, the longer the run."""
        if not self.length:
            return 0.0
        strength = 0.25 + 0.75 * math.log(self.length / LEAST) / math.log(MOST / LEAST)
        return -strength if self.is_right else strength


@dataclass(frozen=True, slots=True)
class LengthClass:
    """What came of the runs of some lengths."""

    shortest: int
    longest: int | None  # None: and all longer ones
    places: int
    right: int
    mean_probability: float

    @property
    def right_share(self) -> float:
        """The share of its places where the recalled character came."""
        return self.right / self.places


@dataclass(frozen=True, slots=True)
class RecalledText:
    """A place for each character of a text."""

    digest: str
    window: int
    places: tuple[Place, ...]
    by_length: tuple[LengthClass, ...]  # those that occur, the shortest first

    @property
    def recalled(self) -> int:
        """At how many places something was recalled."""
        return sum(each.places for each in self.by_length)

    @property
    def right(self) -> int:
        """At how many of them it came."""
        return sum(each.right for each in self.by_length)

    @property
    def recalled_share(self) -> float:
        """The share of the text's places where something was recalled."""
        return share(self.recalled, len(self.places))

    @property
    def right_share(self) -> float:
        """The share of these where it came."""
        return share(self.right, self.recalled)

    @property
    def mean_length(self) -> float:
        """The mean length of the runs that were found again."""
        return share(sum(place.length for place in self.places), self.recalled)

    def to_json(self) -> dict[str, Any]:
        """What `elman inspect recall --json` prints."""
        return {
            "digest": self.digest,
            "window": self.window,
            "characters": len(self.places),
            "recalled": self.recalled,
            "right": self.right,
            "recalled_share": self.recalled_share,
            "right_share": self.right_share,
            "mean_length": self.mean_length,
            "by_length": [asdict(each) | {"right_share": each.right_share} for each in self.by_length],
            "places": [place._asdict() for place in self.places],
        }


def recall(model: Model, text: str) -> RecalledText:
    """What the model recalls along the text, from its start. Raises InvalidField."""
    check_length(text)
    characters = model.vocabulary.encode(text)
    found = Recollection.along(characters, model.recall.window)
    places = tuple(
        place(model, length, recalled, cell, character)
        for length, recalled, cell, character in zip(
            found.lengths.tolist(),
            found.characters.tolist(),
            found.classes(model.recall, model.vocabulary.unknown).tolist(),
            characters.tolist(),
            strict=False,
        )
    )
    return RecalledText(model.digest, model.recall.window, places, by_length(model, places))


def place(model: Model, length: int, recalled: int, cell: int, character: int) -> Place:
    """What was recalled before a character; nothing where it weighs nothing."""
    odds = int(model.recall.odds.flat[cell]) if cell >= 0 else 0
    if not odds:
        return Place("", False, 0, 0.0)
    return Place(model.vocabulary.characters[recalled], recalled == character, length, odds / (odds + ODDS_UNIT))


def by_length(model: Model, places: tuple[Place, ...]) -> tuple[LengthClass, ...]:
    """The places where something was recalled, by the length classes of the law."""
    starts = [LEAST, *model.recall.lengths.tolist()]
    ends = [*(start - 1 for start in starts[1:]), None]
    classes = (
        length_class(shortest, longest, [each for each in places if shortest <= each.length <= (longest or MOST)])
        for shortest, longest in zip(starts, ends, strict=True)
    )
    return tuple(each for each in classes if each.places)


def length_class(shortest: int, longest: int | None, places: list[Place]) -> LengthClass:
    """What came of these places."""
    mean = float(np.mean([each.probability for each in places])) if places else 0.0
    return LengthClass(shortest, longest, len(places), sum(each.is_right for each in places), mean)


def share(part: float, whole: int) -> float:
    """A part of a whole; 0 where there is none."""
    return part / whole if whole else 0.0
