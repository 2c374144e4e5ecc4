"""The text before a cursor and the states along it, so that an edit replays little of it. Knows no request and no engine."""

import numpy as np
from numpy.typing import NDArray

from elman_models.law.state import State
from elman_server.follow.checkpoints import Checkpoints, Trail, affordable, split
from elman_server.follow.tail import Tail


class FollowedText:
    """What is kept of a text that is being edited, within `size` bytes.

    position:  0                  earliest                 consumed    cursor
    text:                      [---------------------------------------]       a quarter of the bytes, and what is not consumed
    states:    .                  .           .       .   . . ......           three eighths

    An edit replays from the nearest state before it; one that reaches before the earliest is lost, unless it keeps nothing.
    """

    def __init__(self, initial_state: State, state: State, text: str, size: int) -> None:
        self._initial_state = initial_state
        self._text_bytes = size // 4
        self._most_states = affordable(size * 3 // 8, len(initial_state.outputs))
        self.is_lost = False
        self._begin(state, text)

    def _begin(self, state: State, text: str) -> None:
        self._checkpoints = Checkpoints(self._most_states)
        self._checkpoints.add(state.position, state.outputs.tobytes())
        self._tail = Tail(state.position)
        self._tail.append(text)
        self.cursor = self._tail.end

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
        return self._checkpoints.at_or_before(self.cursor)

    def edit(self, keep: int, insert: str, along: Trail | None = None) -> None:
        """Replace what follows a position, at most the cursor's; `along` holds states in the new text."""
        if not self.is_lost and keep >= self.earliest:
            self._replace(keep, insert, along)
        elif keep == 0:
            self.is_lost = False
            self._begin(self._initial_state, insert)
        else:
            self.is_lost, self.cursor = True, keep + len(insert)

    def _replace(self, keep: int, insert: str, along: Trail | None) -> None:
        self._checkpoints.cut(keep)
        self._tail.cut(keep)
        self._tail.append(insert)
        self.cursor = self._tail.end
        if along:
            self._checkpoints.extend(along.up_to(self.cursor))
        self._shrink()

    def note(self, position: int, outputs: NDArray[np.int8]) -> None:
        """Keep the states that were reached from a position on; none beyond the cursor."""
        forgotten = max(0, self._tail.start - position)
        if forgotten < len(outputs):
            self._checkpoints.extend(split(position + forgotten, outputs[forgotten:].tobytes(), outputs.shape[1]))
            self._shrink()

    def _shrink(self) -> None:
        self._checkpoints.thin(self.cursor)
        if self._tail.size > self._text_bytes:
            self._tail.forget(self._text_bytes, self.consumed)
            self._checkpoints.forget_before(self._tail.start)

    def ahead(self, most: int) -> tuple[State, str]:
        """The last state and the characters that follow it, `most` of them at the most."""
        state = self.newest
        return state, self._tail.since(state.position, most)
