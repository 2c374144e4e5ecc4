"""Laws of the recipe."""

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from elman_models.errors import InvalidField
from elman_models.training.recipe import DIALS, Recipe, from_json, read_recipe


@pytest.mark.parametrize(
    ("dial", "value", "words"),
    [
        ("layers", 0, "layers: 0 is out of range; allowed: 1 to 16, whole"),
        ("layers", True, "layers: True is out of range"),
        ("hidden_size", 1.5, "hidden_size: 1.5 is out of range"),
        ("hidden_size", 2**63 - 1, "allowed: 1 to 4096, whole"),
        ("dropout", -0.1, "dropout: -0.1 is out of range; allowed: 0 to 0.9"),
        ("dropout", math.nan, "dropout: nan is out of range"),
        ("learning_rate", math.inf, "learning_rate: inf is out of range"),
        ("learning_rate", "fast", "learning_rate: 'fast' is out of range"),
        ("clip", None, "clip: None is out of range"),
        ("precision", "float16", "allowed: auto, float32, bfloat16"),
    ],
)
def test_a_dial_out_of_range_is_refused_by_name_value_and_range(dial: str, value: object, words: str) -> None:
    values: dict[str, Any] = {dial: value}
    with pytest.raises(InvalidField) as refused:
        Recipe(**values)
    assert words in str(refused.value)


@pytest.mark.parametrize("characters", [1_000, 200_000, 1_000_000, 5_000_000, 10**9])
def test_every_dial_follows_the_amount_of_text_where_it_was_left_open(characters: int) -> None:
    followed = Recipe().for_text(characters)
    assert all(getattr(followed, each.name) is not None for each in fields(Recipe) if each.name != "threads")
    assert Recipe(epochs=7).for_text(characters).epochs == 7


@pytest.mark.parametrize("characters", [1_000, 200_000, 1_000_000, 5_000_000, 10**9])
def test_from_a_model_every_dial_but_those_of_its_structure_follows_the_amount_of_text(characters: int) -> None:
    followed = Recipe().for_more_text(characters)
    left = {each.name for each in fields(Recipe) if getattr(followed, each.name) is None}
    assert left == {"layers", "skips", "hidden_size", "threads"}
    assert Recipe(matrix_rate=0.0).for_more_text(characters).matrix_rate == 0


def test_a_model_goes_on_the_more_slowly_the_less_text_there_is() -> None:
    rates = [Recipe().for_more_text(characters) for characters in (50_000, 200_000, 2_000_000)]
    assert [recipe.matrix_rate for recipe in rates] == [0.0025, 0.005, 0.01]
    assert [recipe.learning_rate for recipe in rates] == [0.0005, 0.001, 0.002]


def test_a_recipe_comes_back_from_json() -> None:
    recipe = Recipe(hidden_size=96, dropout=0.25)
    assert from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_an_unknown_dial_is_refused() -> None:
    with pytest.raises(InvalidField, match="hiden_size"):
        from_json({"hiden_size": 3})


@pytest.mark.parametrize("held", ["", "[]", "a text", "3"])
def test_a_file_that_is_no_recipe_is_refused(held: str, tmp_path: Path) -> None:
    (path := tmp_path / "recipe.json").write_text(held)
    with pytest.raises(InvalidField, match=r"recipe: .* a file with a JSON object of dials"):
        read_recipe(path)


def test_every_dial_says_what_it_means() -> None:
    assert all(each.help and each.allowed for each in DIALS)


@pytest.mark.parametrize(
    "path",
    sorted((Path(__file__).parents[3] / "models" / "elman_models" / "shipyard" / "recipes").iterdir()),
    ids=lambda path: path.stem,
)
def test_the_shipped_recipes_leave_nothing_to_the_amount_of_text(path: Path) -> None:
    assert read_recipe(path).for_text(1_000) == read_recipe(path)
