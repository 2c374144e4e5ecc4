"""States along a text: all of them while they are few, never more than so many, and each where it belongs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from elman_server.follow.checkpoints import FEWEST, Trail

SIZE = 3


def states(start: int, count: int) -> NDArray[np.int8]:
    """A state for each position, from which it can be told."""
    return np.repeat(np.arange(start, start + count, dtype=np.int8)[:, None], SIZE, axis=1)


@given(st.lists(st.integers(1, 9), max_size=9), st.integers(FEWEST, 40), st.integers(0, 100))
def test_a_trail_gives_the_states_that_came_up_to_a_position_and_never_too_many(runs: list[int], most: int, until: int) -> None:
    trail, position = Trail(10, most, SIZE), 11
    for count in runs:
        trail.add(position - 1, states(position - 1, count + 1))  # a tick begins where the last one ended
        position += count
    given = dict(trail.up_to(until))
    assert all(outputs == bytes([place] * SIZE) for place, outputs in given.items())
    assert len(given) <= most
    if position - 11 <= most:
        assert list(given) == list(range(11, min(until + 1, position)))
