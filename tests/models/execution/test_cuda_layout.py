"""The advances as programs see them: who does what in which step, and what decides the draws."""

import numpy as np
import pytest

from elman_models.execution.cuda_layout import DRAW, STAY, HostRows, Layout, StepRange
from elman_models.execution.protocol import Advance, Start
from elman_models.law.philox import word
from elman_models.law.sampling import Sampling
from elman_models.law.state import LARGEST_POSITION, State

A, B, C = 10, 11, 12


def given(*characters: int) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    """Characters that are not drawn."""
    return np.array(characters, np.int32)


def rows_of(*starts: Start) -> HostRows:
    """HostRows with these texts."""
    rows = HostRows(len(starts))
    for row, start in enumerate(starts):
        rows.load(row, start)
    return rows


def start(position: int = 0, temperature: float = 1, seed: int = 0, alternative: int = 0, first_rank: int = 0) -> Start:
    """A text of no outputs."""
    return Start(State(np.zeros(0, np.int8), position), Sampling.of(temperature), seed, alternative, first_rank)


def test_all_rows_end_together() -> None:
    layout = Layout([Advance(3, given(A, B), given(C), 1), Advance(0, sampled=2), Advance(2, given(A))], HostRows(4))
    orders = layout.inputs(StepRange(0, layout.steps))[:, 0]
    assert orders.tolist() == [
        [STAY, STAY, STAY, A],
        [STAY, STAY, STAY, B],
        [DRAW, STAY, STAY, C],
        [DRAW, STAY, A, DRAW],
    ]
    assert (layout.first_output, layout.first_draw) == (2, 2)


@pytest.mark.parametrize(
    ("advance", "parts"),
    [
        (Advance(0, given(A)), [1]),
        (Advance(0, given(*[A] * 13), sampled=11), [8, 4, 1, 8, 2, 1]),
        (Advance(0, given(*[A] * 16), given(A), 7), [8, 8, 8]),
    ],
)
def test_parts_have_the_sizes_of_programs_and_do_not_mix_steps_with_and_without_output(
    advance: Advance, parts: list[int]
) -> None:
    layout = Layout([advance], HostRows(1))
    found = list(layout.split((8, 4, 2, 1)))
    assert [part.steps for part in found] == parts
    assert [part.first for part in found] == [0, *np.cumsum(parts)[:-1].tolist()]
    assert layout.first_output in [part.first for part in found] + [layout.steps]


@pytest.mark.parametrize("position", [0, 2**32 - 3, LARGEST_POSITION - 99])
def test_each_draw_has_the_word_of_its_position(position: int) -> None:
    seeds = (2**64 - 1, 5)
    rows = rows_of(start(position, seed=seeds[0], alternative=2), start(7, seed=seeds[1]))
    layout = Layout([Advance(1, sampled=1), Advance(0, given(A, B), sampled=9)], rows)
    words = np.concatenate([layout.inputs(part)[:, 1] for part in layout.split((4, 1))])
    assert words[2:, 0].tolist() == [word(seeds[0], position + 2 + step, 2) for step in range(9)]
    assert words[-1, 1] == word(seeds[1], 7, 0)


def test_a_first_rank_is_taken_by_the_first_draw_at_temperature_0_alone() -> None:
    rows = rows_of(start(temperature=0, first_rank=3), start(temperature=1, first_rank=4), start(temperature=0))
    given_only = Layout([Advance(0, given(A))], rows)
    given_only.move()
    first = Layout([Advance(0, given(A), sampled=2), Advance(1, sampled=3), Advance(2, sampled=3)], rows)
    assert first.inputs(StepRange(0, 3))[:, 2].tolist() == [[0, 0, 0], [3, 0, 0], [0, 0, 0]]
    assert first.is_ranked
    first.move()
    assert not Layout([Advance(0, sampled=1)], rows).is_ranked


def test_only_rows_that_draw_decide_what_a_program_does() -> None:
    wild = Start(State(np.zeros(0, np.int8), 0), Sampling.of(0.5, 2), is_accounted=True)
    rows = rows_of(start(temperature=1), start(temperature=0), wild)
    for advances, needs in (
        ([Advance(0, sampled=1), Advance(1, given(A)), Advance(2, given(A))], (False, False, False)),
        ([Advance(0, sampled=1), Advance(1, sampled=1)], (True, False, False)),
        ([Advance(0, sampled=1), Advance(2, sampled=1)], (False, True, True)),
        ([Advance(0, scored=given(A))], (False, False, True)),
    ):
        layout = Layout(advances, rows)
        assert (layout.is_greedy, layout.is_ranked, layout.is_accounted) == needs
