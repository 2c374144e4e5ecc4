"""Laws of looking at recall: what is shown is what the law recalls, and what an execution weighs."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from elman_models.errors import InvalidField
from elman_models.execution import recollection
from elman_models.execution.recollection import Recollection
from elman_models.inspection.recall import recall
from elman_models.law.artifact import Model
from elman_models.law.recall import ODDS_UNIT, Recall, recalled

TEXT = "a bad cab, a faded egg; a bad cabbage ébé a faded cab\n" * 4


def weighing(model: Model, window: int = 48, odds: int = ODDS_UNIT) -> Model:
    """The model with the same odds in every class."""
    return replace(model, recall=Recall.of(window, np.full(Recall.SHAPES["odds"], odds, np.int32)))


def test_each_place_shows_what_the_law_recalls_there(model: Model) -> None:
    characters, window = model.vocabulary.encode(TEXT), model.recall.window
    found = recall(model, TEXT)
    assert len(found.places) == len(TEXT)
    shown = 0
    for at, place in enumerate(found.places):
        said = recalled(characters[max(0, at - window) : at])
        odds = model.recall.odds_of(said, model.vocabulary.unknown)
        expected: Any = ("", False, 0, 0.0)
        if odds:
            character = model.vocabulary.characters[said.character]
            expected = (character, said.character == characters[at], said.length, odds / (odds + ODDS_UNIT))
            shown += 1
        assert tuple(place) == expected
    assert 0 < shown < len(TEXT)
    assert (found.recalled, found.right) == (shown, sum(place.is_right for place in found.places))


def test_the_definition_and_the_extension_recall_the_same(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    characters = model.vocabulary.encode(TEXT)
    for window in (0, 1, 48, 8192):
        monkeypatch.undo()
        fast = Recollection.along(characters, window)
        monkeypatch.setattr(recollection, "has_extension", lambda: False)
        for ours, theirs in zip(Recollection.along(characters, window), fast, strict=True):
            assert ours.tolist() == theirs.tolist()


def test_what_the_vocabulary_lacks_is_recalled_by_nobody(model: Model) -> None:
    assert [place.length for place in recall(weighing(model), "abc中 abc中").places] == [0] * 9
    assert recall(weighing(model), "abcd abc中").places[-1][:3] == ("d", False, 3)


def test_classes_hold_every_place_where_something_is_recalled(model: Model) -> None:
    run = "abcdefg abc dee fab! gcd bed fad ace "
    found = recall(weighing(model, 8192), f"{run}ee{run}ga {run}")
    assert sum(each.places for each in found.by_length) == sum(bool(place.length) for place in found.places)
    assert (found.by_length[0].shortest, found.by_length[-1].shortest, found.by_length[-1].longest) == (3, 32, None)
    assert found.recalled_share == found.recalled / len(found.places)
    assert found.right_share == found.right / found.recalled > 0.8
    assert found.mean_length == pytest.approx(np.mean([place.length for place in found.places if place.length]))
    assert {each.mean_probability for each in found.by_length} == {0.5}


def test_the_longer_the_run_the_stronger_its_colour_and_right_is_below_nought(model: Model) -> None:
    found = recall(weighing(model, 8192), "abcdefg! abcdefg?")
    tints = [place.tint for place in found.places]
    assert tints[:12] == [0] * 12
    assert 0 > tints[12] > tints[13] > tints[15] >= -1  # "abc" was found again, then "abcd"
    assert 0 < tints[16] == pytest.approx(-tints[15], abs=0.1)


def test_a_model_without_recall_shows_nothing(model: Model) -> None:
    found = recall(replace(model, recall=Recall.none()), TEXT)
    assert (found.recalled, found.by_length, found.mean_length, found.right_share) == (0, (), 0, 0)
    assert recall(weighing(model, odds=0), TEXT).recalled == 0


@pytest.mark.parametrize("text", ["", "a"])
def test_too_short_a_text_is_refused(model: Model, text: str) -> None:
    with pytest.raises(InvalidField, match=r"text: \d characters? is out of range; allowed: 2 to 200,000 characters"):
        recall(model, text)
