"""The simulated typist presses the keys that a person at `elman type` would, one after another."""

import math
import re
from collections.abc import Iterator

import pytest

from elman.sync.client import Client
from elman.sync.embedded import open_client
from elman.words import first_word
from elman_models.errors import InvalidField
from elman_models.law.artifact import Model, load
from elman_models.law.ghost import GhostSurprise
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.gram_predictor import GramPredictor
from elman_models.measure.grams import Grams
from elman_models.measure.network_predictor import NetworkPredictor
from elman_models.measure.ngram import NGram
from elman_models.measure.predictor import Predictor, Reading
from elman_models.measure.typist import Ghosts, Habits, Keystrokes, Typist
from elman_models.shipped import find

TEXT = """
KATHARINA:
I pray you, sir, I cannot stay; 'tis true that I'll be gone to-morrow ☃.

PETRUCHIO:
Why, then the king's daughter shall have what's her own, and I don't

KATHARINA:
I pray you, sir, I cannot stay; 'tis true that the king's daughter shall ha"""


@pytest.fixture(scope="module")
def shakespeare() -> Iterator[Client]:
    """The shipped model, in this process."""
    with open_client("shakespeare", device="cpu") as client:
        yield client


@pytest.fixture(scope="module")
def shipped() -> Model:
    """The same model, as it is."""
    return load(find("shakespeare")[1])


@pytest.fixture(scope="module")
def predictor(shipped: Model) -> NetworkPredictor:
    """The same model, to be read by."""
    return NetworkPredictor(shipped, rows=4)


def by_hand(client: Client, text: str, habits: Habits) -> Keystrokes:
    keys, place = Keystrokes(characters=len(text), typed=1), 1  # `elman type` suggests nothing before the first key
    while place < len(text):
        with client.document(
            text[:place],
            max_characters=habits.max_characters,
            min_confidence=habits.min_confidence,
            whole_words=habits.whole_words,
        ) as document:
            ghost = "".join(map(str, list(document.suggestions())[-1:]))
        word = ghost[: first_word(ghost)]
        if ghost and text.startswith(ghost, place):
            keys.tabs += 1
            place += len(ghost)
        elif word and text.startswith(word, place):
            keys.words += 1
            place += len(word)
        else:
            keys.typed += 1
            place += 1
    return keys


@pytest.mark.parametrize(
    ("min_confidence", "max_characters"), [(None, 64), (2**-20, 64), (0.05, 64), (0.05, 3), (0.3, 64), (0.9, 1)]
)
def test_the_typist_counts_what_a_person_would(
    min_confidence: float | None, max_characters: int, shakespeare: Client, predictor: NetworkPredictor, shipped: Model
) -> None:
    habits = Habits(min_confidence, max_characters)
    assert simulated(predictor, shipped, habits) == by_hand(shakespeare, TEXT, habits)


def simulated(predictor: NetworkPredictor, shipped: Model, habits: Habits) -> Keystrokes:
    readings = predictor.read([shipped.vocabulary.encode(TEXT)])
    return Typist(habits, shipped.vocabulary, shipped.ghost_surprise).enter([TEXT], readings)


def test_the_typist_counts_what_a_person_would_who_sees_whole_words(
    shakespeare: Client, predictor: NetworkPredictor, shipped: Model
) -> None:
    own, named = Habits(whole_words=True), Habits(0.05, whole_words=True)
    assert simulated(predictor, shipped, own) == by_hand(shakespeare, TEXT, own) != by_hand(shakespeare, TEXT, Habits())
    counted, pressed = simulated(predictor, shipped, named).keys, by_hand(shakespeare, TEXT, named).keys
    assert simulated(predictor, shipped, Habits(0.05)).keys != counted
    assert pressed <= counted <= 1.02 * pressed  # what would be shown beyond a wrong character is not known


SURPRISE = GhostSurprise(412, 412)
"""A probability of 0.2."""
SIMPLE = Vocabulary("\n '-abcdefghijklmnopqrstuvwxyz")


def reading_of(text: str, wrong: dict[int, str], surprise: int = 0) -> Reading:
    """All is right but at some places, where the ghost text would go on with other two characters."""
    reading = Reading.blank(len(text))
    reading.tops[:] = SIMPLE.encode(text + "z")
    reading.surprises[:] = reading.second_surprises[:] = surprise
    for place, two in wrong.items():
        reading.tops[place], reading.seconds[place] = SIMPLE.encode(two)
    return reading


def keys_for(text: str, habits: Habits, surprise: int = 0) -> tuple[int, int, int]:
    keys = Typist(habits, SIMPLE, SURPRISE).enter([text], [reading_of(text, {}, surprise)])
    assert keys.characters == len(text)
    assert keys.saved == pytest.approx(1 - keys.keys / len(text))
    return keys.tabs, keys.words, keys.typed


@pytest.mark.parametrize(
    ("wrong", "entered"),
    [
        ({}, 7),  # all up to the line's end
        ({7: "xx"}, 3),  # a wrong character after the cat: not all is right, but the first word
        ({4: "xx"}, 3),
        ({3: "xx"}, 1),
        ({3: "'s"}, 1),  # "the's" is one word, which is wrong
        ({3: "' "}, 3),  # "the' " is a word and a quotation mark
        ({3: "'\n"}, 3),  # so it is where the ghost text ends
        ({3: "--"}, 3),
        ({2: "x "}, 1),
        ({0: "\nx"}, 1),  # no ghost text
    ],
)
def test_a_word_is_taken_where_it_is_known_to_end(wrong: dict[int, str], entered: int) -> None:
    text = "the cat\n"
    ghosts = Ghosts(Typist(Habits(), SIMPLE, SURPRISE), text, reading_of(text, wrong))
    assert ghosts.press(0, Keystrokes()) == entered


@pytest.mark.parametrize(("min_confidence", "max_characters", "entered"), [(0.15, 64, 1), (0.2, 64, 3), (0.15, 4, 3)])
def test_what_is_not_shown_makes_no_word_longer(min_confidence: float, max_characters: int, entered: int) -> None:
    text = "the cat\n"
    reading = reading_of(text, {3: "'s"}, surprise=95)  # "the'" has the probability 0.23, "the's" 0.16
    ghosts = Ghosts(Typist(Habits(min_confidence, max_characters), SIMPLE, SURPRISE), text, reading)
    assert ghosts.press(0, Keystrokes()) == entered


def test_the_plain_form_of_a_character_is_not_what_the_person_types() -> None:
    vocabulary = Vocabulary(SIMPLE.characters, "’", "'")
    for text, entered in (("don't go\n", 8), ("don’t go\n", 1)):  # both are read alike, and don't is suggested for both
        reading = reading_of("don't go\n", {3: "'t"})
        assert Ghosts(Typist(Habits(), vocabulary, SURPRISE), text, reading).press(0, Keystrokes()) == entered


def test_no_ghost_text_is_longer_than_it_may_be() -> None:
    assert keys_for("abcdefgh\n", Habits(max_characters=3)) == (3, 0, 2)
    assert keys_for("abcdefgh\n", Habits(max_characters=64)) == (1, 0, 2)


def test_ghost_text_ends_where_its_probability_would_fall_below_the_least() -> None:
    assert keys_for("abcdefgh\n", Habits(min_confidence=0.3), surprise=100) == (3, 0, 2)  # 3 * 100 / 256 nats are 0.31
    assert keys_for("abcdefgh\n", Habits(min_confidence=0.32), surprise=100) == (4, 0, 2)
    assert keys_for("abcdefgh\n", Habits(min_confidence=1), surprise=100) == (0, 0, 9)


def test_without_a_confidence_the_models_own_surprise_ends_ghost_text() -> None:
    for surprise, keys in ((299, (4, 0, 2)), (300, (3, 0, 2)), (0, (0, 0, 9))):
        typist = Typist(Habits(), SIMPLE, GhostSurprise(surprise, surprise))
        entered = typist.enter(["--------\n"], [reading_of("--------\n", {}, 100)])
        assert (entered.tabs, entered.words, entered.typed) == keys
        assert typist.confidence == pytest.approx(math.exp(-surprise / 256))
    assert Typist(Habits(0.3), SIMPLE, SURPRISE).confidence == 0.3


@pytest.mark.parametrize(
    ("own", "keys"),
    [
        (GhostSurprise(0, 0), (0, 0, 11)),
        (GhostSurprise(400, 0), (2, 0, 4)),  # shown: bcde, ghi, the rests of words
        (GhostSurprise(400, 100), (2, 0, 3)),  # bcde, and fghi, which it began and finishes; not the space alone
        (GhostSurprise(200, 400), (2, 0, 2)),  # bc, de fghi
    ],
)
def test_the_rest_of_a_word_has_a_limit_of_its_own(own: GhostSurprise, keys: tuple[int, int, int]) -> None:
    text = "abcde fghi\n"
    entered = Typist(Habits(), SIMPLE, own).enter([text], [reading_of(text, {}, 100)])
    assert (entered.tabs, entered.words, entered.typed) == keys


def test_nothing_is_suggested_before_the_first_key() -> None:
    assert keys_for("a\n", Habits()) == (0, 0, 2)


def test_ghost_text_beyond_the_end_of_the_document_is_not_right() -> None:
    assert keys_for("the cat", Habits()) == (0, 1, 5)


@pytest.mark.parametrize("value", [0.0, 2**-21, 1.5, float("nan")])
def test_a_confidence_out_of_range_is_refused_by_name(value: float) -> None:
    words = f"min_confidence: {value} is out of range; allowed: 2^-20 to 1"
    with pytest.raises(InvalidField, match=re.escape(words)):
        Habits(min_confidence=value)


@pytest.mark.parametrize("value", [0, -1, 1025])
def test_a_length_out_of_range_is_refused_by_name(value: int) -> None:
    with pytest.raises(InvalidField, match=f"max_characters: {value} is out of range; allowed: 1 to 1024"):
        Habits(max_characters=value)


def test_any_predictor_has_the_same_typist(predictor: NetworkPredictor, shipped: Model) -> None:
    vocabulary, typist = shipped.vocabulary, Typist(Habits(), shipped.vocabulary, shipped.ghost_surprise)
    grams = Grams.of(vocabulary.encode(TEXT), len(vocabulary) + 1, 5)
    knows_it: Predictor = GramPredictor(NGram(grams, 5), vocabulary)
    texts = [vocabulary.encode(TEXT)]
    saved = [typist.enter([TEXT], each.read(texts)).saved for each in (predictor, knows_it)]
    assert 0 < saved[0] < saved[1] < 1
