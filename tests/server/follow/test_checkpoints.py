"""States along a text: all of them while they are few, never more than allowed, and each where it belongs."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from elman_server.follow.checkpoints import FEWEST, Checkpoints, Trail, affordable, sieve, split, spread

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


def state_of(position: int) -> bytes:
    return bytes([position % 128] * SIZE)


def checkpoints_of(positions: Iterable[int], most: int = 100) -> Checkpoints:
    kept = Checkpoints(most)
    kept.extend((position, state_of(position)) for position in positions)
    return kept


def positions_of(kept: Checkpoints) -> list[int]:
    assert all(outputs == state_of(position) for position, outputs in kept.up_to(10**9))
    return [position for position, _ in kept.up_to(10**9)]


@given(st.sets(st.integers(0, 300), min_size=1), st.integers(0, 300))
def test_where_nobody_types_one_state_stays_for_each_doubling_of_the_distance(positions: set[int], beyond: int) -> None:
    before = checkpoints_of(sorted(positions), most=4000)
    cursor = max(positions) + beyond
    kept = checkpoints_of(sorted(positions), most=4000)
    kept.hold_less(cursor)
    assert len(positions_of(kept)) <= 2 + (cursor - min(positions)).bit_length()
    assert kept.last == before.last
    for distance in range((cursor - min(positions)) // 2):
        at_most = before.at_or_before(cursor - 2 * distance).position
        assert kept.at_or_before(cursor - distance).position >= at_most


def test_a_state_costs_its_outputs_and_128_bytes() -> None:
    assert [affordable(size, 72) for size in (199, 200, 399, 400)] == [0, 1, 1, 2]


def test_states_stand_in_order_however_they_came_and_the_first_of_a_position_stays() -> None:
    kept = checkpoints_of([5, 9, 3, 7, 9, 12, 3])
    assert (positions_of(kept), len(kept), kept.first, kept.last) == ([3, 5, 7, 9, 12], 5, 3, 12)
    for position in (3, 7, 12):
        kept.add(position, b"another")
    assert positions_of(kept) == [3, 5, 7, 9, 12]


def test_what_is_asked_for_is_the_nearest_state_not_beyond() -> None:
    kept = checkpoints_of([3, 5, 9])
    found = [kept.at_or_before(position) for position in (3, 4, 5, 8, 9, 50)]
    assert [state.position for state in found] == [3, 3, 5, 5, 9, 9]
    assert [state.outputs.tolist() for state in found] == [[state.position] * SIZE for state in found]


def test_what_is_cut_lies_beyond_and_what_is_forgotten_lies_before() -> None:
    for position, before, beyond in ((4, [3], [5, 9]), (5, [3, 5], [5, 9]), (9, [3, 5, 9], [9])):
        kept = checkpoints_of([3, 5, 9])
        kept.cut(position)
        assert positions_of(kept) == before
        kept = checkpoints_of([3, 5, 9])
        kept.forget_before(position)
        assert positions_of(kept) == beyond
    assert [position for position, _ in checkpoints_of([3, 5, 9]).up_to(5)] == [3, 5]
    assert not list(checkpoints_of([3, 5, 9]).up_to(2))


def test_nothing_is_thinned_that_is_not_too_many_and_4_never_are() -> None:
    kept = checkpoints_of(range(10), most=10)
    kept.thin(9)
    assert len(kept) == 10
    few = checkpoints_of([0, 1, 2, 3], most=1)
    few.thin(3)
    assert positions_of(few) == [0, 1, 2, 3]
    few.add(4, state_of(4))
    few.thin(4)
    assert len(few) <= 4


@given(st.sets(st.integers(0, 5000), min_size=1, max_size=200), st.integers(1, 60), st.integers(0, 5000))
def test_what_is_thinned_keeps_its_ends_and_is_at_most_so_many(positions: set[int], most: int, cursor: int) -> None:
    kept = checkpoints_of(sorted(positions), most)
    kept.thin(cursor)
    left = positions_of(kept)
    assert set(left) <= positions
    assert (left[0], left[-1]) == (min(positions), max(positions))
    assert len(left) == len(positions) if len(positions) <= max(4, most) else len(left) <= max(4, most)


def test_states_lie_denser_the_nearer_the_cursor_and_most_of_the_room_is_used() -> None:
    kept = checkpoints_of(range(4000), most=80)
    kept.thin(3999)
    left = positions_of(kept)
    assert 40 <= len(left) <= 60
    assert left[-6:] == list(range(3994, 4000))
    gaps = [later - earlier for earlier, later in pairwise(left)]
    for place, gap in enumerate(gaps[1:], 1):
        assert gap <= max(2, (4000 - left[place]) // 2)


def test_a_cell_is_one_character_wide_near_the_cursor_and_twice_as_wide_at_twice_the_distance() -> None:
    kept = sieve(range(101), 100, 10)
    assert kept[-11:] == [90, *range(91, 101)]
    assert [position for position in kept if 81 < position <= 90] == [82, 84, 86, 88, 90]
    assert [position for position in kept if 61 <= position <= 80] == [61, 64, 68, 72, 76, 80]
    assert sieve([3, 5], 100, 1000) == [0, 1]
    assert sieve([64, 65], 100, 10) == [0, 1]  # the last stays even in the cell of another
    assert sieve([64, 65, 66], 100, 10) == [0, 2]


def test_where_no_scale_thins_enough_every_other_state_goes() -> None:
    assert spread([0, 10**6, 2 * 10**6, 3 * 10**6, 4 * 10**6], 4 * 10**6, 3) == [0, 2, 4]
    assert spread([0, 10**9, 10**18, 10**18 + 1], 10**18 + 1, 1) == [0, 2, 3]
    assert spread(range(8), 7, 8) == list(range(8))


def test_split_gives_each_position_its_bytes() -> None:
    assert list(split(7, b"aaabbbccc", 3)) == [(7, b"aaa"), (8, b"bbb"), (9, b"ccc")]
    assert list(split(7, b"", 3)) == []


def test_a_trail_takes_no_state_twice_and_goes_on_after_it_was_read() -> None:
    trail = Trail(10, 50, SIZE)
    trail.add(9, states(9, 4))
    assert [position for position, _ in trail.up_to(99)] == [11, 12]
    trail.add(12, states(12, 3))
    assert list(trail.up_to(99)) == [(position, state_of(position)) for position in (11, 12, 13, 14)]
    assert [position for position, _ in trail.up_to(13)] == [11, 12, 13]


def test_a_trail_that_is_too_long_is_thinned_from_its_cursor_on() -> None:
    trail = Trail(10, 8, SIZE)
    for position in range(10, 60):
        trail.add(position, states(position, 2))
    left = [position for position, _ in trail.up_to(99)]
    assert (left[0], left[-1]) == (11, 60)
    assert len(left) <= 8
    assert sum(position <= 35 for position in left) > sum(position > 35 for position in left)  # dense at the cursor
