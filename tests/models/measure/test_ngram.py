"""Laws of the n-gram and of PPM, which networks are measured against: both by the book, in dictionaries, beside the arrays."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import pytest

from elman_models.law.recall import Recall, recalled
from elman_models.law.tables import UNKNOWN_NATS
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.adapting import AdaptingPredictor
from elman_models.measure.gram_predictor import GramModel, GramPredictor
from elman_models.measure.grams import Grams
from elman_models.measure.ngram import NGram, discounts
from elman_models.measure.ppm import Ppm
from elman_models.measure.predictor import Indices

TEXT = "the cat sat on the mat; the rat sat on the cat. ☃ " * 2 + "a hat, a bat, that is that. The end! (what?)\n"
VOCABULARY = Vocabulary("".join(sorted(set(TEXT) - {"☃", "?"})))
SIZE = len(VOCABULARY) + 1
GRAMS = Grams.of(VOCABULARY.encode(TEXT), SIZE, 6)
QUOTING = Vocabulary("".join(sorted(set("cat's hat e is"))))
CONTEXTS = ["the ca", "zzz", "t", "", "is that. the", "☃", "☃ ", "what?", "what?)"]

Make: TypeAlias = Callable[[Grams, int], GramModel]


def distribution(model: GramModel, context: str) -> Sequence[float]:
    places = model.places([VOCABULARY.encode(context)])[0]
    return model.probabilities(places)[-1].tolist()


def counts(length: int, is_longest: bool, texts: Sequence[str] = (TEXT,)) -> Counter[tuple[int, ...]]:
    """Occurrences, or how many different characters come before, each text's start among them; no gram that ends with UNK."""
    longer = length if is_longest else length + 1
    encoded = [VOCABULARY.encode(text).tolist() for text in texts]
    grams = [tuple(text[start : start + longer]) for text in encoded for start in range(len(text) - longer + 1)]
    counted = Counter(grams if is_longest else [gram[1:] for gram in set(grams)])
    if not is_longest:
        counted.update(tuple(text[:length]) for text in encoded if len(text) >= length)
    return Counter({gram: count for gram, count in counted.items() if gram[-1] != VOCABULARY.unknown})


def ngram_by_hand(context: Sequence[int], character: int, length: int, order: int) -> float:
    if length == 0:
        return 1 / len(VOCABULARY)
    counted = counts(length, length == order)
    before = tuple(context[len(context) - length + 1 :])
    shorter = ngram_by_hand(context, character, length - 1, order)
    followers = {gram[-1]: count for gram, count in counted.items() if gram[:-1] == before}
    if len(context) < length - 1 or not followers:
        return shorter
    off = discounts(np.array(list(counted.values()), np.int32))
    spared = sum(off[min(count, 3)] for count in followers.values())
    count = followers.get(character, 0)
    return (count - off[min(count, 3)] + spared * shorter) / sum(followers.values())


def ppm_by_hand(context: Sequence[int], character: int, order: int, texts: Sequence[str] = (TEXT,)) -> float:
    escaped, excluded = 1.0, set[int]()
    for length in range(order + 1, 0, -1):
        if len(context) < length - 1:
            continue
        before = tuple(context[len(context) - length + 1 :])
        counted = counts(length, length == order + 1, texts)
        followers = {gram[-1]: n for gram, n in counted.items() if gram[:-1] == before and gram[-1] not in excluded}
        total, is_last = sum(followers.values()), len(followers) + len(excluded) == len(VOCABULARY)
        if count := followers.get(character):
            return escaped * (count / total if is_last else (2 * count - 1) / (2 * total))
        escaped *= len(followers) / (2 * total) if followers else 1
        excluded |= set(followers)
    return escaped / (len(VOCABULARY) - len(excluded))


@pytest.mark.parametrize("order", [1, 2, 3, 6])
@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("make", [NGram, Ppm])
def test_the_probabilities_of_all_characters_make_one(make: Make, order: int, context: str) -> None:
    probabilities = distribution(make(GRAMS, order), context)
    assert len(probabilities) == len(VOCABULARY)
    assert min(probabilities) > 0
    assert math.fsum(probabilities) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("context", CONTEXTS)
def test_kneser_ney_is_what_the_book_says(order: int, context: str) -> None:
    encoded = VOCABULARY.encode(context).tolist()
    expected = [ngram_by_hand(encoded, each, order, order) for each in range(len(VOCABULARY))]
    assert distribution(NGram(GRAMS, order), context) == pytest.approx(expected)


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("context", CONTEXTS)
def test_ppm_is_what_the_book_says(order: int, context: str) -> None:
    encoded = VOCABULARY.encode(context).tolist()
    expected = [ppm_by_hand(encoded, each, order) for each in range(len(VOCABULARY))]
    assert distribution(Ppm(GRAMS, order), context) == pytest.approx(expected)


def test_discounts_are_the_published_ones() -> None:
    counted = np.repeat(np.array([0, 1, 2, 3, 4, 9], np.int32), [5, 400, 100, 50, 30, 7])  # share = 400 / 600
    assert discounts(counted) == pytest.approx([0, 1 - 2 / 1.5 / 4, 2 - 3 / 1.5 / 2, 3 - 4 / 1.5 * 0.6])
    assert discounts(np.array([5, 7], np.int32)) == pytest.approx([0, 0.5, 0.5, 0.5])  # too few to estimate any


@pytest.mark.parametrize("frequencies", [[1, 9, 9, 90], [90, 9, 9, 1], [9, 1, 90, 9]])
def test_a_discount_takes_something_and_no_more_than_there_is(frequencies: list[int]) -> None:
    counted = np.repeat(np.array([1, 2, 3, 4], np.int32), frequencies)
    assert np.all((discounts(counted)[1:] > 0) & (discounts(counted)[1:] <= [1, 2, 3]))


@pytest.mark.parametrize("make", [NGram, Ppm])
def test_a_longer_order_predicts_a_repeated_text_better(make: Make) -> None:
    text = VOCABULARY.encode(TEXT)
    costs = [GramPredictor(make(GRAMS, order), VOCABULARY).nats([text]) for order in (1, 2, 3, 5)]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("make", [NGram, Ppm])
def test_a_text_shorter_than_the_order_is_enough(make: Make) -> None:
    grams = Grams.of(VOCABULARY.encode("the"), SIZE, 6)
    assert len(grams.levels) == 3
    assert GramPredictor(make(grams, 6), VOCABULARY).nats([VOCABULARY.encode("the")]) > 0


def test_nothing_to_count_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to count"):
        Grams.of(np.zeros(0, np.int32), 3, 2)


@pytest.mark.parametrize("make", [NGram, Ppm])
def test_a_reading_is_the_most_probable_of_each_distribution(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman_models.measure.gram_predictor.MOST_PROBABILITIES", 3 * SIZE)  # parts of three places
    text = "the cat's hat ☃ is on that mat"
    model = make(GRAMS, 3)
    encoded = VOCABULARY.encode(text)
    reading = GramPredictor(model, VOCABULARY).read([encoded])[0]
    for place in range(len(text) + 1):
        probabilities = distribution(model, text[:place])
        top = probabilities.index(max(probabilities))
        assert reading.tops[place] == top
        assert reading.surprises[place] == round(-256 * math.log(probabilities[top]))
        if place < len(text) and encoded[place] < VOCABULARY.unknown:
            assert reading.costs[place] == pytest.approx(-math.log(probabilities[int(encoded[place])]))


def test_what_would_follow_an_apostrophe_is_read_too() -> None:
    text = "I can't say that I don't. "
    vocabulary = Vocabulary.of(text, at_least=1)
    model = NGram(Grams.of(vocabulary.encode(text * 2), len(vocabulary) + 1, 4), 4)
    reading = GramPredictor(model, vocabulary).read([vocabulary.encode("I can you do")])[0]
    assert vocabulary.decode(reading.tops[[5]]) == "'"
    assert vocabulary.decode(reading.seconds[[5]]) == "t"
    assert reading.second_surprises[5] > 0


@pytest.mark.parametrize("make", [NGram, Ppm])
def test_texts_do_not_see_each_other(make: Make) -> None:
    predictor = GramPredictor(make(GRAMS, 4), VOCABULARY)
    texts: list[Indices] = [VOCABULARY.encode(text) for text in ("the ca", "t sat", "☃", "on that")]
    alone = [predictor.nats([text]) for text in texts]
    assert predictor.nats(texts) == pytest.approx(math.fsum(alone))
    read = [float(reading.costs.sum()) for reading in predictor.read(texts)]
    assert read == pytest.approx(alone)


def test_a_character_that_the_vocabulary_lacks_costs_what_it_costs_everywhere() -> None:
    predictor = GramPredictor(NGram(GRAMS, 3), VOCABULARY)
    assert predictor.nats([VOCABULARY.encode("☃")]) == pytest.approx(math.log(1_114_112))


def document_costs(document: str, order: int) -> list[float]:
    """Of PPM that is trained on the text and on the document so far, anew for each character."""
    encoded = VOCABULARY.encode(document).tolist()
    return [
        -math.log(ppm_by_hand(encoded[:place], character, order, (TEXT, document[:place])))
        if character < VOCABULARY.unknown
        else UNKNOWN_NATS
        for place, character in enumerate(encoded)
    ]


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("document", ["the th", "bath. bath. bats", "a☃☃a☃☃b", "zzz the cat sat zzz the c"])
def test_adapting_ppm_is_ppm_that_is_trained_on_the_document_so_far_too(document: str, order: int) -> None:
    reading = AdaptingPredictor(GRAMS, order, VOCABULARY).read([VOCABULARY.encode(document)])[0]
    assert reading.costs == pytest.approx(document_costs(document, order))


def test_adapting_ppm_shows_what_is_most_probable_by_then() -> None:
    document, order = "bath. bath. bats", 3
    reading = AdaptingPredictor(GRAMS, order, VOCABULARY).read([VOCABULARY.encode(document)])[0]
    encoded = VOCABULARY.encode(document).tolist()
    for place in range(len(document) + 1):
        texts = (TEXT, document[:place])
        expected = [ppm_by_hand(encoded[:place], each, order, texts) for each in range(len(VOCABULARY))]
        assert reading.tops[place] == expected.index(max(expected))
        assert reading.surprises[place] == round(-256 * math.log(max(expected)))


def test_adapting_ppm_forgets_one_text_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman_models.measure.gram_predictor.MOST_PROBABILITIES", 3 * SIZE)
    texts: list[Indices] = [VOCABULARY.encode(text) for text in ("whom whom whom", "", "whom", "☃", "whom the whom")]
    predictor = AdaptingPredictor(GRAMS, 4, VOCABULARY)
    alone = [predictor.nats([text]) for text in texts]
    assert predictor.nats(texts) == pytest.approx(math.fsum(alone))
    assert [float(reading.costs.sum()) for reading in predictor.read(texts)] == pytest.approx(alone)
    assert alone[0] < 2 * alone[2]


def test_adapting_ppm_does_not_learn_a_wrong_character_but_looks_after_it() -> None:
    training, document = "I can't say that I don't. ", "I can you do"
    vocabulary = Vocabulary.of(training, at_least=1)
    encoded = vocabulary.encode(document)
    grams = Grams.of(vocabulary.encode(training * 2), len(vocabulary) + 1, 4)
    reading = AdaptingPredictor(grams, 3, vocabulary).read([encoded])[0]
    assert vocabulary.decode(reading.tops[[5]]) == "'"
    assert vocabulary.decode(reading.seconds[[5]]) == "t"


def test_recall_with_odds_of_nothing_leaves_an_n_gram_as_it_is() -> None:
    text = VOCABULARY.encode("the cat's hat ☃ the cat's mat " * 3)
    model = NGram(GRAMS, 4)
    plain, recalling = GramPredictor(model, VOCABULARY), GramPredictor(model, VOCABULARY, even(0))
    before, after = plain.read([text])[0], recalling.read([text])[0]
    assert np.array_equal(before.costs, after.costs)
    assert np.array_equal(before.tops, after.tops)
    assert np.array_equal(before.seconds, after.seconds)


def even(odds: int, window: int = 40) -> Recall:
    """The same odds in every class."""
    return Recall.of(window, np.full(Recall.SHAPES["odds"], odds, np.int32))


def recalled_by_hand(text: Indices, recall: Recall, probabilities: Sequence[float]) -> list[float]:
    """The probabilities after a text with what is recalled there."""
    found = recalled(text[max(0, len(text) - recall.window) :])
    odds = recall.odds_of(found, VOCABULARY.unknown) / 65536
    return [(each + odds * (character == found.character)) / (1 + odds) for character, each in enumerate(probabilities)]


@pytest.mark.parametrize("window", [40, 9])
def test_an_n_gram_with_recall_mixes_what_is_recalled_into_every_place(window: int) -> None:
    text = "the cat's hat ☃ is, the cat's mat ☃ is that"
    encoded, model = VOCABULARY.encode(text), NGram(GRAMS, 3)
    random = np.random.default_rng(2)
    recall = Recall.of(window, random.integers(0, 200_000, Recall.SHAPES["odds"]).astype(np.int32))
    predictor = GramPredictor(model, VOCABULARY, recall)
    reading = predictor.read([encoded])[0]
    expected = [recalled_by_hand(encoded[:place], recall, distribution(model, text[:place])) for place in range(len(text) + 1)]
    for place, probabilities in enumerate(expected):
        assert math.fsum(probabilities) == pytest.approx(1)
        assert reading.tops[place] == probabilities.index(max(probabilities))
        assert reading.surprises[place] == round(-256 * math.log(max(probabilities)))
        if place < len(text) and encoded[place] < VOCABULARY.unknown:
            assert reading.costs[place] == pytest.approx(-math.log(probabilities[int(encoded[place])]))
    assert predictor.nats([encoded]) == pytest.approx(float(reading.costs.sum()))
    assert predictor.costs([encoded, encoded])[1] == pytest.approx(reading.costs)
    assert predictor.name == "Kneser-Ney 3 with recall"


def test_a_text_recalls_only_itself() -> None:
    predictor = GramPredictor(NGram(GRAMS, 3), VOCABULARY, even(1 << 20))
    texts: list[Indices] = [VOCABULARY.encode(text) for text in ("whom! whom", "!", "", "whom!")]
    alone = [predictor.nats([text]) for text in texts]
    assert predictor.nats(texts) == pytest.approx(math.fsum(alone))


def test_what_would_follow_an_apostrophe_is_recalled_too() -> None:
    text = "cat'e sat'e tat'e hat is"  # "t'" was followed by an e
    encoded = QUOTING.encode(text)
    model = NGram(Grams.of(QUOTING.encode("cat's hat's"), len(QUOTING) + 1, 4), 4)
    reading = GramPredictor(model, QUOTING, even(1 << 20)).read([encoded])[0]
    place = text.index("hat") + 3
    assert QUOTING.decode(reading.tops[[place]]) == "'"
    assert QUOTING.decode(reading.seconds[[place]]) == "e"
    plain = GramPredictor(model, QUOTING).read([encoded])[0]
    assert QUOTING.decode(plain.seconds[[place]]) == "s"
