"""Laws of what recall favours along a text, and of the odds that are fitted for an n-gram."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from elman_models.law.artifact import Model
from elman_models.law.recall import Recall, recalled
from elman_models.measure.favoured import Favoured
from elman_models.measure.gram_predictor import GramPredictor
from elman_models.measure.grams import Grams
from elman_models.measure.ngram import NGram
from elman_models.measure.report import with_recall

TEXT = "a bad cab, a faded egg ☃ a bad cab! a faded face\n" * 3


@pytest.fixture
def recall() -> Recall:
    """Other odds in each class, and a window that the text is longer than."""
    random = np.random.default_rng(3)
    return Recall.of(60, random.integers(1, 1 << 20, Recall.SHAPES["odds"]).astype(np.int32))


def test_at_every_place_it_is_what_the_law_recalls(model: Model, recall: Recall) -> None:
    text, unknown = model.vocabulary.encode(TEXT), model.vocabulary.unknown
    favoured = Favoured.along(recall, text, unknown)
    assert len(favoured.odds) == len(text) + 1
    for place in range(len(text) + 1):
        found = recalled(text[max(0, place - recall.window) : place])
        assert favoured.odds[place] * 65536 == recall.odds_of(found, unknown)
        if favoured.odds[place]:
            assert favoured.characters[place] == found.character
    assert 0 < np.count_nonzero(favoured.odds) < len(text)


def test_after_the_texts_own_character_it_is_what_is_favoured_at_the_next_place(model: Model, recall: Recall) -> None:
    text, unknown = model.vocabulary.encode(TEXT), model.vocabulary.unknown
    along = Favoured.along(recall, text, unknown)
    after = Favoured.after(recall, text, np.arange(len(text)), text, unknown)
    assert np.array_equal(after.odds, along.odds[1:])
    assert np.array_equal(after.characters, along.characters[1:])


def test_a_window_of_nothing_favours_nothing(model: Model) -> None:
    text, unknown = model.vocabulary.encode(TEXT), model.vocabulary.unknown
    for favoured in (
        Favoured.along(Recall.none(), text, unknown),
        Favoured.after(Recall.none(), text, np.arange(len(text)), text, unknown),
    ):
        assert not favoured.odds.any()


def test_the_odds_of_an_n_gram_are_the_best_on_the_validation_text(model: Model) -> None:
    vocabulary = model.vocabulary
    words = ["a bad ", "cab, ", "faded ", "egg\n", "a face ", "bead! ", "age, "]
    validation = "".join(Random(4).choices(words, k=12000))
    ngram = NGram(Grams.of(vocabulary.encode("a bad cab, a faded egg\n" * 9), len(vocabulary) + 1, 3), 3)
    fitted = with_recall(ngram, model, [validation])
    text, classes = vocabulary.encode(validation), with_recall(ngram, model, []).recall
    assert classes is model.recall
    least = fitted.nats([text])
    assert least < GramPredictor(ngram, vocabulary, model.recall).nats([text])
    assert least < GramPredictor(ngram, vocabulary).nats([text])
    for factor in (0.7, 1.4):
        other = replace(fitted.recall, odds=np.minimum(fitted.recall.odds * factor, 1 << 22).astype(np.int32))
        assert least < GramPredictor(ngram, vocabulary, other).nats([text])
