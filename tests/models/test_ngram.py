"""Laws of the n-gram that networks are measured against."""

import math

import numpy as np
import pytest

from elman_models.ngram import NGram
from elman_models.vocabulary import Vocabulary

TEXT = "the cat sat on the mat; the rat sat on the cat. " * 3 + "a hat, a bat, that is that. "
VOCABULARY = Vocabulary.of(TEXT)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
@pytest.mark.parametrize("context", ["the ca", "zzz", "t", "is that. the"])
def test_the_probabilities_of_all_characters_make_one(order: int, context: str) -> None:
    ngram = NGram(VOCABULARY.encode(TEXT), len(VOCABULARY), order)
    encoded = VOCABULARY.encode(context)
    each = [ngram.log_probabilities(np.append(encoded, last))[-1] for last in range(len(VOCABULARY) + 1)]
    assert math.fsum(np.exp(each)) == pytest.approx(1, abs=1e-12)


def test_bigrams_by_hand() -> None:
    # "abab": bigrams ^a (from the start), ab twice, ba once. Different characters before: a has 2 (^, b), b has 1 (a).
    text = np.array([0, 1, 0, 1], np.int32)
    log_probabilities = NGram(text, 2, order=2).log_probabilities(np.array([0, 1], np.int32))
    ngram = NGram(text, 2, order=2)
    assert np.all(log_probabilities < 0)
    likely, unlikely = (ngram.log_probabilities(np.array([0, last], np.int32))[-1] for last in (1, 0))
    assert likely > unlikely


def test_a_longer_order_predicts_a_repeated_text_better() -> None:
    text = VOCABULARY.encode(TEXT)
    costs = [NGram(text, len(VOCABULARY), order).nats_per_character([text]) for order in (1, 2, 3, 5)]
    assert costs == sorted(costs, reverse=True)


def test_a_character_that_the_vocabulary_lacks_costs_what_it_costs_everywhere() -> None:
    ngram = NGram(VOCABULARY.encode(TEXT), len(VOCABULARY), 3)
    assert ngram.nats_per_character([VOCABULARY.encode("☃")]) == pytest.approx(math.log(1_114_112))
