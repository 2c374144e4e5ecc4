"""The order in which training sees a text: rows of windows, whose states carry on from one window to the next.

    epoch's text, turned by a random offset    abcdefghijklmnopqrstuvwx
    rows                                       abcdefgh | ijklmnop | qrstuvwx
    window 0, window 1                         abcd ijkl qrst, then efgh mnop uvwx

A document is led by the line end that makes its initial state, and its row forgets what came before. So does a row, by chance,
at the start of a window (`restarts`): its first character gives way to a line end, and the initial state is practised even
where a text has few documents. Every window is a function of (text, seed, step) alone, so that a resumed run goes on
exactly. The text is held once, in the smallest type that holds its indices, and a window is read out of it. This file knows no
network.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman_models.law.vocabulary import Vocabulary, chunks
from elman_models.training.network import Resets, Window

IGNORED = -100
"""The target where the next character is UNK, which has no output."""


class Batches:
    """The windows of a text, `rows` by `steps` characters, epoch after epoch."""

    def __init__(
        self, documents: Sequence[str], vocabulary: Vocabulary, rows: int, steps: int, seed: int, restarts: float = 0.0
    ) -> None:
        self._text = joined_indices(documents, vocabulary)
        self._unknown, self._start = vocabulary.unknown, start_of(vocabulary)
        self._line_end = vocabulary.encode("\n")[0]
        self.rows, self.steps, self._seed, self._restarts = rows, steps, seed, restarts
        self.per_epoch = (len(self._text) // rows - 1) // steps

    def window(self, step: int) -> Window:
        """What all rows read in one training step, and what they are to predict."""
        characters = self._read(step)
        is_start = characters == self._start
        characters[is_start] = self._line_end
        inputs, starts, targets = characters[:, :-1], is_start[:, :-1], characters[:, 1:]
        targets = np.where(targets == self._unknown, IGNORED, targets)
        restarted = np.random.default_rng([self._seed, 2, step]).random(self.rows) < self._restarts
        inputs[restarted, 0], starts[restarted, 0] = self._line_end, True
        return Window(time_first(inputs), time_first(targets), resets_of(starts))

    def is_first(self, step: int) -> bool:
        """Whether an epoch begins, with rows that have read nothing."""
        return step % self.per_epoch == 0

    def _read(self, step: int) -> NDArray[np.int64]:
        """The characters of the window and the one after it, (rows, steps + 1)."""
        epoch, place = divmod(step, self.per_epoch)
        offset = np.random.default_rng([self._seed, epoch]).integers(len(self._text))
        starts = offset + place * self.steps + len(self._text) // self.rows * np.arange(self.rows)
        return self._text.take(starts[:, None] + np.arange(self.steps + 1), mode="wrap").astype(np.int64)


def joined_indices(documents: Sequence[str], vocabulary: Vocabulary) -> NDArray[np.integer]:
    """The indices of all documents, each led by its start."""
    start = start_of(vocabulary)
    text = np.full(sum(map(len, documents)) + len(documents), start, np.min_scalar_type(start))
    place = 0
    for document in documents:
        place += 1
        for chunk in chunks(document):
            text[place : place + len(chunk)] = vocabulary.encode(chunk)
            place += len(chunk)
    return text


def start_of(vocabulary: Vocabulary) -> int:
    """What stands for the line end that leads a document: the index after UNK."""
    return vocabulary.unknown + 1


def time_first(rows: NDArray[np.integer]) -> Tensor:
    """(rows, steps) -> (steps, rows), as torch's indices."""
    return torch.tensor(np.ascontiguousarray(rows.T, dtype=np.int64))


def resets_of(starts: NDArray[np.bool_]) -> Resets:
    """Step -> (rows, 1): 0 where a document starts, for the steps at which one does."""
    steps = np.flatnonzero(starts.any(axis=0))
    return {int(step): torch.tensor(~starts[:, step, None], dtype=torch.float32) for step in steps}
