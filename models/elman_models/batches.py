"""The order in which training sees a text: rows of windows, whose states carry on from one window to the next.

    epoch's text, turned by a random offset    abcdefghijklmnopqrstuvwx
    rows                                       abcdefgh | ijklmnop | qrstuvwx
    window 0, window 1                         abcd ijkl qrst, then efgh mnop uvwx

A document is led by the line end that makes its initial state, and its row forgets what came before. So does a row, by chance,
at the start of a window (`restarts`): its first character gives way to a line end, and the initial state is practised even
where a text has few documents. Every window is a function of (text, seed, step) alone, so that a resumed run goes on
exactly. This file knows no network.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman_models.network import Resets, Window
from elman_models.vocabulary import Vocabulary

IGNORED = -100
"""The target where the next character is UNK, which has no output."""


class Batches:
    """The windows of a text, `rows` by `steps` characters, epoch after epoch."""

    def __init__(
        self, documents: Sequence[str], vocabulary: Vocabulary, rows: int, steps: int, seed: int, restarts: float = 0.0
    ) -> None:
        pieces = [vocabulary.encode("\n" + document) for document in documents]
        self._characters = np.concatenate(pieces)
        self._is_start: NDArray[np.bool_] = np.zeros(len(self._characters), np.bool_)
        self._is_start[np.cumsum([0, *map(len, pieces[:-1])])] = True
        self._unknown = vocabulary.unknown
        self._line_end = vocabulary.encode("\n")[0]
        self.rows, self.steps, self._seed, self._restarts = rows, steps, seed, restarts
        self.per_epoch = (len(self._characters) // rows - 1) // steps
        self._epoch = -1
        self._turned = (self._characters, self._is_start)

    def window(self, step: int) -> Window:
        """The window of one training step."""
        epoch, place = divmod(step, self.per_epoch)
        self._turn(epoch)
        start = place * self.steps
        characters, is_start = self._turned
        inputs, starts = characters[:, start : start + self.steps], is_start[:, start : start + self.steps]
        targets = characters[:, start + 1 : start + self.steps + 1]
        targets = np.where(targets == self._unknown, IGNORED, targets)
        restarted = np.random.default_rng([self._seed, 2, step]).random(self.rows) < self._restarts
        if restarted.any():
            inputs, starts = inputs.copy(), starts.copy()
            inputs[restarted, 0], starts[restarted, 0] = self._line_end, True
        return Window(time_first(inputs), time_first(targets), resets_of(starts))

    def is_first(self, step: int) -> bool:
        """Whether an epoch begins, with rows that have read nothing."""
        return step % self.per_epoch == 0

    def _turn(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        offset = np.random.default_rng([self._seed, epoch]).integers(len(self._characters))
        length = len(self._characters) // self.rows * self.rows
        self._turned = (
            np.roll(self._characters, -offset)[:length].reshape(self.rows, -1),
            np.roll(self._is_start, -offset)[:length].reshape(self.rows, -1),
        )
        self._epoch = epoch


def time_first(rows: NDArray[np.integer]) -> Tensor:
    """(rows, steps) -> (steps, rows), as torch's indices."""
    return torch.tensor(np.ascontiguousarray(rows.T, dtype=np.int64))


def resets_of(starts: NDArray[np.bool_]) -> Resets:
    """Step -> (rows, 1): 0 where a document starts, for the steps at which one does."""
    steps = np.flatnonzero(starts.any(axis=0))
    return {int(step): torch.tensor(~starts[:, step, None], dtype=torch.float32) for step in steps}
