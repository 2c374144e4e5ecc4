"""What is logged of the parameters is what a caller gave, and means the same integers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman_models.law.sampling import Sampling
from elman_models.law.tables import Tables
from elman_server.requests.words import confidence_in_words, sampling_in_words

TABLES = Tables.for_outputs(13)


@pytest.mark.parametrize("temperature", [0.0, 0.05, 0.3, 0.7, 0.8, 1.0, 1.3, 10.0])
def test_a_temperature_is_logged_as_it_was_given(temperature: float) -> None:
    words = {"temperature": temperature, "top_k": 0, "top_p": 0.9, "min_p": 0.02}
    assert sampling_in_words(Sampling.of(**words)) == words


@given(st.floats(0.05, 10), st.integers(0, 2**32 - 1), st.floats(0, 1, exclude_min=True), st.floats(0, 1))
def test_what_is_logged_means_the_same(temperature: float, top_k: int, top_p: float, min_p: float) -> None:
    sampling = Sampling.of(temperature, top_k, max(top_p, 1e-4), min_p)
    assert Sampling.of(**sampling_in_words(sampling)) == sampling


@pytest.mark.parametrize("confidence", [2.0**-20, 0.001, 0.05, 0.15, 0.35, 0.5, 0.9, 1.0])
def test_a_confidence_is_logged_as_one_that_ends_at_the_same_surprise(confidence: float) -> None:
    surprise = TABLES.largest_surprise(confidence)
    words = confidence_in_words(surprise, TABLES)
    assert words is not None
    assert TABLES.largest_surprise(words) == surprise
    assert words == pytest.approx(confidence, rel=0.05)
    assert confidence_in_words(None, TABLES) is None
