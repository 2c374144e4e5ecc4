"""LAW.md, Recall, in torch: over a batch of windows, each right-aligned, with NOWHERE before the text's start.

    column:   0 ............ W - 1
    window:   . . t h e   c a t s    the last W characters; the next one moves all of them one column to the left

No shape and no operation depends on what the windows hold, so that a GPU can be told beforehand what to do.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from elman_models.law.artifact import Model
from elman_models.law.recall import LEAST, MOST, PERIOD, SOURCES

NOWHERE = -1


class Favourites(NamedTuple):
    """The character that recall favours in each row, and its odds in 1/65536; 0: none. Both (rows, 1)."""

    characters: Tensor
    odds: Tensor


class Recaller:
    """What is recalled at the end of each of several windows."""

    def __init__(self, model: Model, device: torch.device, may_look: bool) -> None:
        """`may_look`: whether values may decide what is done, which a GPU would have to be waited for."""
        recall = model.recall
        self.window = recall.window
        self._device, self._may_look, self._outputs = device, may_look, len(model.vocabulary)
        self._odds = torch.from_numpy(recall.odds).to(device, torch.int64)
        self._lengths, self._unanimous, self._shares, self._rivals, self._distance_bounds = (
            torch.from_numpy(bounds).to(device, torch.int64) for bounds in recall.bounds.values()
        )
        self._back = torch.arange(1, MOST + 1, device=device)
        self._columns = torch.arange(LEAST, max(LEAST, self.window), device=device)
        self._period = min(PERIOD, self.window // 2)
        self._distances = torch.arange(1, self._period + 1, device=device)

    def windows(self, remembered: Sequence[NDArray[np.integer]]) -> Tensor:
        """The windows of texts of which the states remember this, (rows, window)."""
        windows = np.full((len(remembered), self.window), NOWHERE, np.int32)
        for row, characters in enumerate(remembered):
            windows[row, self.window - len(characters) :] = characters
        return torch.from_numpy(windows).to(self._device)

    def after(self, windows: Tensor, characters: Tensor) -> Tensor:
        """The windows after one character each, (rows,)."""
        if not self.window:
            return windows
        return torch.cat([windows[:, 1:], characters.to(torch.int32).unsqueeze(1)], dim=1)

    def favourites(self, windows: Tensor) -> Favourites | None:
        """What is favoured at the windows' ends; None for a model that cannot recall."""
        if self.window <= LEAST:
            return None
        places = self._sources(windows)  # (rows, sources), the latest first; 0: none
        lengths = self._common_suffixes(windows, places)
        lengths = lengths.masked_fill(self._are_periodic(windows, places, lengths), 0)
        followers = windows.gather(1, places).to(torch.int64)
        best = (lengths * (self.window + 1) + places).argmax(1, keepdim=True)  # the longest, and of these the latest
        longest, character = lengths.gather(1, best), followers.gather(1, best)
        is_counted = (2 * lengths >= longest) & (lengths > 0)
        same = (is_counted & (followers == character)).sum(1, keepdim=True)
        rival = lengths.masked_fill(followers == character, 0).amax(1, keepdim=True)
        odds = self._odds[
            at_most(self._lengths, longest),
            self._agreement(same, is_counted.sum(1, keepdim=True)),
            at_most(self._rivals * longest, 10 * rival),
            at_most(self._distance_bounds, self.window - places.gather(1, best)),
        ]
        is_nothing = (longest == 0) | (character >= self._outputs)
        return Favourites(character.masked_fill(is_nothing, 0), odds.masked_fill(is_nothing, 0))

    def _sources(self, windows: Tensor) -> Tensor:
        agree = windows[:, :-LEAST] != NOWHERE
        for back in range(1, LEAST + 1):
            agree = agree & (windows[:, LEAST - back : self.window - back] == windows[:, self.window - back, None])
        places = self._columns * agree
        return places.topk(min(SOURCES, places.shape[1]), dim=1).values

    def _common_suffixes(self, windows: Tensor, places: Tensor) -> Tensor:
        padded = pad(windows, (MOST, 0), value=NOWHERE)
        before = (places.unsqueeze(2) + MOST - self._back).flatten(1)  # (rows, sources * MOST), the nearest first
        suffixes = padded.gather(1, before).view(*places.shape, MOST)
        ends = padded[:, -MOST:].flip(1).unsqueeze(1)
        return ((suffixes == ends) & (suffixes != NOWHERE)).to(torch.int64).cumprod(2).sum(2)

    def _are_periodic(self, windows: Tensor, places: Tensor, lengths: Tensor) -> Tensor:
        distances = self.window - places
        may_be = (distances <= self._period) & (lengths >= distances.clamp_max(MOST))
        if self._may_look and not bool(may_be.any()):
            return may_be
        backwards = windows[:, self.window - 2 * self._period :].flip(1)  # column i: i characters before the last
        shifted = backwards[:, 1:].unfold(1, self._period, 1)  # (rows, period, period): row D - 1 begins D characters before
        equal = (shifted == backwards[:, None, : self._period]) & (shifted != NOWHERE)
        is_beyond = (
            self._distances[None, :, None] < self._distances[None, None, :]
        )  # what lies past the distance does not matter
        are_periods = (equal | is_beyond).all(2)
        return may_be & are_periods.gather(1, distances.clamp_max(self._period) - 1)

    def _agreement(self, same: Tensor, total: Tensor) -> Tensor:
        divided = len(self._unanimous) + 1 + at_most(self._shares * total, 10 * same)
        return torch.where(same == total, at_most(self._unanimous, same), divided)


def at_most(bounds: Tensor, values: Tensor) -> Tensor:
    """How many bounds are at most the value of each row: (bounds,) or (rows, bounds), and (rows, 1) -> (rows, 1)."""
    return (bounds <= values).sum(1, keepdim=True)
