"""Laws of calibration."""

import json
import math

import numpy as np
import pytest

from elman_models.measure.calibration import BINS, calibration
from elman_models.measure.predictor import Reading


def reading_of(probabilities: list[float], is_right: list[bool]) -> Reading:
    """Of the text 0 0 0 ...; the place at the end counts for nothing."""
    reading = Reading.blank(len(is_right))
    reading.tops[:] = [0 if right else 1 for right in [*is_right, True]]
    reading.surprises[:] = np.rint([-256 * math.log(each) for each in [*probabilities, 0.01]])
    return reading


def test_a_bin_tells_what_was_predicted_and_what_came() -> None:
    reading = reading_of([0.51, 0.54, 0.92, 0.94, 0.91, 1.0], [True, False, True, True, False, True])
    result = calibration([np.zeros(6, np.int32)], [reading])
    assert [(each.lowest, each.characters) for each in result.bins] == [(0.5, 2), (0.9, 3), (0.95, 1)]
    assert [each.observed for each in result.bins] == pytest.approx([1 / 2, 2 / 3, 1])
    assert [each.predicted for each in result.bins] == pytest.approx([0.525, 0.9233, 1], abs=0.005)
    assert result.top_right == pytest.approx(4 / 6)
    expected = (2 * abs(0.525 - 1 / 2) + 3 * abs(0.9233 - 2 / 3)) / 6
    assert result.expected_error == pytest.approx(expected, abs=0.005)


def test_texts_share_the_bins_and_empty_bins_are_left_out() -> None:
    readings = [reading_of([0.5], [True]), reading_of([0.5, 0.1], [False, False])]
    result = calibration([np.zeros(1, np.int32), np.zeros(2, np.int32)], readings)
    assert result.characters == 3
    assert [each.characters for each in result.bins] == [1, 2]
    assert len(result.bins) < BINS


def test_it_survives_json() -> None:
    value = calibration([np.zeros(1, np.int32)], [reading_of([0.5], [True])]).to_json()
    assert json.loads(json.dumps(value)) == value
