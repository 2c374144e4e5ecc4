"""The draws are fair: 10^5 of them pass a chi-square test against the softmax."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from elman_models.execution.protocol import Advance, Start
from elman_models.law.artifact import Model
from elman_models.law.sampling import Sampling
from elman_models.law.state import State

if TYPE_CHECKING:
    from tests.conftest import MakeExecution
    from tests.laws.conftest import Oracle

ROWS = 2_000
QUANTILE = 3.719  # of the normal distribution, one in 10,000


def count_draws(make_execution: "MakeExecution", model: Model, sampling: Sampling, draws: int) -> NDArray[np.int64]:
    """How often each character came first in a text, over a number of seeds."""
    execution, counts = make_execution(model, ROWS), np.zeros(len(model.vocabulary), np.int64)
    for first in range(0, draws, ROWS):
        for row in range(ROWS):
            execution.load(row, Start(State.initial(model), sampling, seed=first + row))
        outcome = execution.run([Advance(row, sampled=1) for row in range(ROWS)])
        counts += np.bincount([int(outcome.characters(row)[0]) for row in range(ROWS)], minlength=len(counts))
    return counts


def chi_square_bound(degrees: int) -> float:
    """The value that one sample in 10,000 exceeds (Wilson and Hilferty, 1931)."""
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + QUANTILE * math.sqrt(spread)) ** 3


def softmax(q: Sequence[int], temperature: float) -> NDArray[np.float64]:
    """Probabilities of logits in 1/256 nat."""
    weights = np.exp((np.array(q) - max(q)) / (256 * temperature))
    return weights / weights.sum()


@pytest.mark.parametrize(("temperature", "draws"), [(1.0, 100_000), (2.5, 20_000)])
def test_draws_follow_the_softmax(
    model: Model, oracle: "Oracle", make_execution: "MakeExecution", temperature: float, draws: int
) -> None:
    expected = draws * softmax(oracle.logits(oracle.initial()), temperature)
    counts = count_draws(make_execution, model, Sampling.of(temperature), draws)
    often = expected >= 5
    assert counts[~often].sum() < 30
    statistic = float((((counts - expected) ** 2) / expected)[often].sum())
    assert statistic < chi_square_bound(int(often.sum()) - 1)


def test_successive_positions_and_alternatives_draw_independently(
    model: Model, oracle: "Oracle", make_execution: "MakeExecution"
) -> None:
    expected = softmax(oracle.logits(oracle.initial()), 1.0)
    execution, pairs = make_execution(model, ROWS), np.zeros((len(expected), len(expected)), np.int64)
    for seed in range(5):
        for row in range(ROWS):
            state = State(model.initial_state, row % 2, np.zeros(row % 2, np.uint8))
            execution.load(row, Start(state, Sampling.of(1), seed, alternative=row // 2))
        outcome = execution.run([Advance(row, sampled=1) for row in range(ROWS)])
        firsts = [int(outcome.characters(row)[0]) for row in range(ROWS)]
        np.add.at(pairs, (firsts[::2], firsts[1::2]), 1)
    together = pairs.sum() * np.outer(expected, expected)
    often = together >= 5
    statistic = float((((pairs - together) ** 2) / together)[often].sum())
    assert statistic < chi_square_bound(int(often.sum()))
