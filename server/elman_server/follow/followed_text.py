"""The text before a cursor and the states along it, so that an edit replays little of it. Knows no request and no engine."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from elman_models.law.artifact import Model
from elman_models.law.state import NOTHING_REMEMBERED, Remembered, State, remembered
from elman_server.follow.checkpoints import OVERHEAD_BYTES, Checkpoints, Trail, affordable, split
from elman_server.follow.tail import Tail


class FollowedText:
    """What is kept of a text that is being edited, within `size` bytes.

    position:  0                  earliest                 consumed    cursor
    text:                      [---------------------------------------]       a quarter of the bytes, and what is not consumed
    states:    .                  .           .       .   . . ......           three eighths

    An edit replays from the nearest state before it; one that reaches before the earliest is lost, unless it keeps nothing.
    """

    def __init__(self, model: Model, state: State, text: str, size: int) -> None:
        self._model = model
        self._text_bytes = size // 4
        self._most_states = affordable(size * 3 // 8, len(model.initial_state))
        self.is_lost = False
        self._begin(state, text)

    def _begin(self, state: State, text: str) -> None:
        self._checkpoints = Checkpoints(self._most_states)
        self._checkpoints.add(state.position, state.outputs.tobytes())
        self._opened = state
        self._remembered = state.position, state.remembered  # at the position that was asked for last
        self._tail = Tail(state.position)
        self._tail.append(text)
        self.cursor = self._tail.end

    @property
    def held_bytes(self) -> int:
        """About what the text and the states take."""
        return self._tail.size + len(self._checkpoints) * (len(self._model.initial_state) + OVERHEAD_BYTES)

    @property
    def earliest(self) -> int:
        """The first position, apart from 0, that an edit may keep."""
        return self._checkpoints.first

    @property
    def consumed(self) -> int:
        """The position of the last state."""
        return self._checkpoints.last

    @property
    def newest(self) -> State:
        """The last state before the cursor."""
        state = self._checkpoints.at_or_before(self.cursor)
        return replace(state, remembered=self._remember(state.position))

    def _remember(self, position: int) -> Remembered:
        """The last characters before a position, as many as the model recalls."""
        before, known = self._remembered if self._remembered[0] <= position else self._beginning
        start = max(before, position - self._model.recall.window)
        fresh = self._model.vocabulary.encode(self._tail.since(start, position - start))
        self._remembered = position, remembered(self._model, known, fresh)
        return self._remembered[1]

    @property
    def _beginning(self) -> tuple[int, Remembered]:
        """The first position in the tail, and what is remembered there."""
        is_whole = self._tail.start == self._opened.position
        return self._tail.start, self._opened.remembered if is_whole else NOTHING_REMEMBERED

    @property
    def _first(self) -> int:
        """The first position for which all that the model recalls is kept."""
        return self._tail.start + (self._model.recall.window if self._tail.start > self._opened.position else 0)

    def edit(self, keep: int, insert: str, along: Trail | None = None) -> None:
        """Replace what follows a position, at most the cursor's; `along` holds states in the new text."""
        if not self.is_lost and keep >= self.earliest:
            self._replace(keep, insert, along)
        elif keep == 0:
            self.is_lost = False
            self._begin(State.initial(self._model), insert)
        else:
            self.is_lost, self.cursor = True, keep + len(insert)

    def _replace(self, keep: int, insert: str, along: Trail | None) -> None:
        self._checkpoints.cut(keep)
        self._tail.cut(keep)
        if keep < self._remembered[0]:
            self._remembered = self._beginning
        self._tail.append(insert)
        self.cursor = self._tail.end
        if along:
            self._checkpoints.extend(along.up_to(self.cursor))
        self._shrink()

    def note(self, position: int, outputs: NDArray[np.int8]) -> None:
        """Keep the states that were reached from a position on; none beyond the cursor."""
        forgotten = max(0, self._first - position)
        if forgotten < len(outputs):
            self._checkpoints.extend(split(position + forgotten, outputs[forgotten:].tobytes(), outputs.shape[1]))
            self._shrink()

    def _shrink(self) -> None:
        self._checkpoints.thin(self.cursor)
        if self._tail.size > self._text_bytes:
            self._tail.forget(self._text_bytes, self.consumed - self._model.recall.window)
            self._checkpoints.forget_before(self._first)

    def hold_less(self) -> None:
        """Forget most states: the next edit may replay half of the way from the cursor."""
        self._checkpoints.hold_less(self.cursor)

    def ahead(self, most: int) -> tuple[State, str]:
        """The last state and the characters that follow it, `most` of them at the most."""
        state = self.newest
        return state, self._tail.since(state.position, most)
