"""Where a completion may end, as it is understood: every bound from both sides, and the words of a refusal."""

from typing import Any

import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_models.law.artifact import Model
from elman_server.engine.ending import Reason
from elman_server.requests.limits import Limits


def limits_of(model: Model, **given: Any) -> Limits:
    return Limits.of(pb.Limits(**given), model.tables)


@pytest.mark.parametrize("most", [1, 1 << 20])
def test_the_ends_of_the_range_of_characters_are_legal(model: Model, most: int) -> None:
    assert limits_of(model, max_characters=most).max_characters == most


@pytest.mark.parametrize("most", [0, (1 << 20) + 1])
def test_a_number_of_characters_out_of_range_is_named(model: Model, most: int) -> None:
    with pytest.raises(InvalidField, match=rf"^max_characters: {most} .* 1 to 1048576$"):
        limits_of(model, max_characters=most)


def test_as_many_stop_strings_as_long_as_allowed_are_taken_in_their_order(model: Model) -> None:
    stops = ["a" * 64, "b", *(chr(ord("c") + place) for place in range(14))]
    assert limits_of(model, stop=stops).stops == tuple(stops)
    with pytest.raises(InvalidField, match=r"^stop: 17 strings .* at most 16$"):
        limits_of(model, stop=[*stops, "x"])


@pytest.mark.parametrize("length", [0, 65])
def test_a_stop_string_of_another_length_is_named_by_its_place(model: Model, length: int) -> None:
    with pytest.raises(InvalidField, match=rf"^stop\[1\]: {length} characters .* 1 to 64 characters$"):
        limits_of(model, stop=["a", "b" * length])


@pytest.mark.parametrize("confidence", [2.0**-20, 0.5, 1.0])
def test_a_confidence_becomes_the_largest_surprise(model: Model, confidence: float) -> None:
    assert limits_of(model, min_confidence=confidence).largest_surprise == model.tables.largest_surprise(confidence)
    assert limits_of(model).largest_surprise is None


@pytest.mark.parametrize("confidence", [0.0, 2.0**-21, 1.0000002, float("inf"), float("-inf"), float("nan")])
def test_a_confidence_out_of_range_is_named(model: Model, confidence: float) -> None:
    with pytest.raises(InvalidField, match=r"^min_confidence: .* 2\^-20 to 1, or absent$"):
        limits_of(model, min_confidence=confidence)


def test_an_ending_counts_what_was_received(model: Model) -> None:
    limits = limits_of(model, max_characters=5, stop=["abc"], min_confidence=0.5)
    fresh, resumed = limits.ending(""), limits.ending("xab")
    assert (fresh.count, fresh.left, fresh.weighs, fresh.reason) == (0, 5, True, None)
    assert (resumed.count, resumed.left) == (3, 2)
    resumed.take("c", [0])
    assert resumed.reason is Reason.STOP


def test_what_was_received_may_fill_the_limit_and_not_exceed_it(model: Model) -> None:
    limits = limits_of(model, max_characters=3)
    limits.check_received("abc", model.vocabulary)
    with pytest.raises(InvalidField, match=r"^already_received: 4 characters .* at most max_characters = 3$"):
        limits.check_received("abca", model.vocabulary)


def test_what_was_received_is_of_the_model_s_characters_and_holds_no_whole_stop_string(model: Model) -> None:
    limits = limits_of(model, stop=["bad"])
    limits.check_received("a ba", model.vocabulary)
    with pytest.raises(InvalidField, match=r"^already_received: .*☂.* characters that the model can produce$"):
        limits.check_received("a☂☃", model.vocabulary)
    with pytest.raises(InvalidField, match=r"^already_received: .* text that holds no whole stop string$"):
        limits.check_received("a bad cab", model.vocabulary)
