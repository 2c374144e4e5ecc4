"""What is recalled along a whole text: by C++ where it is built, otherwise by the definition. Needs no torch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman_models.execution.choice import has_extension
from elman_models.law.recall import NOTHING_RECALLED, Recall, Recalled, recalled

Ints = NDArray[np.int32]


class Recollection(NamedTuple):
    """The fields of `Recalled` before each character of a text, and at its end, (characters + 1,) each."""

    lengths: Ints
    characters: Ints
    same: Ints
    other: Ints
    rivals: Ints
    distances: Ints

    @classmethod
    def along(cls, text: Ints, window: int) -> "Recollection":
        """What is recalled along a text in vocabulary indices."""
        if has_extension():
            from elman_models import _native

            return cls(*_native.recall(text.astype(np.uint32), window, _native.instruction_sets()[0]))
        seen = (text[max(0, place - window) : place] for place in range(len(text) + 1))
        found = [recalled(each) if window else NOTHING_RECALLED for each in seen]
        return cls(*np.array(found, np.int32).reshape(-1, len(Recalled._fields)).T)

    def classes(self, recall: Recall, unknown: int) -> NDArray[np.int64]:
        """The class at each place, counted along the odds; -1: nothing that a model could draw is recalled."""
        total = self.same + self.other
        divided = len(recall.unanimous) + 1 + (recall.shares[:, None] * total <= 10 * self.same).sum(0)
        classes = (
            np.searchsorted(recall.lengths, self.lengths, side="right"),
            np.where(self.other == 0, np.searchsorted(recall.unanimous, self.same, side="right"), divided),
            (recall.rivals[:, None] * self.lengths <= 10 * self.rivals).sum(0),
            np.searchsorted(recall.distances, self.distances, side="right"),
        )
        is_something = (self.lengths > 0) & (self.characters != unknown)
        return np.where(is_something, np.ravel_multi_index(classes, recall.odds.shape), -1)
