"""The vocabulary: the characters seen at least 3 times, in code-point order, and then UNK."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman_models.errors import ArtifactError, InvalidField
from elman_models.law.vocabulary import CHUNK, LARGEST_VOCABULARY, MOST_LEARNED, Vocabulary

CHARACTERS = "\n !abcé…😀"


def test_characters_seen_three_times_are_known_in_code_point_order() -> None:
    assert Vocabulary.of("zz😀😀😀aaa\U0010ffffbb\n\n\n").characters == "\na😀"
    assert Vocabulary.of("ba", at_least=1).characters == "ab"


def test_characters_are_counted_through_all_of_a_long_text_and_of_several() -> None:
    assert Vocabulary.of("b" + "a" * (CHUNK - 1) + "b☃", "😀b☃", "", "☃").characters == "ab☃"


def test_a_text_of_no_character_seen_three_times_is_refused() -> None:
    with pytest.raises(
        InvalidField, match="training text: no character seen at least 3 times is out of range; allowed: at least 1"
    ):
        Vocabulary.of("abab")


def test_of_many_characters_the_most_frequent_are_learnt_and_of_equal_ones_the_first() -> None:
    many = "".join(map(chr, range(0x4E00, 0x4E00 + MOST_LEARNED)))
    assert Vocabulary.of(many * 3).characters == many
    assert Vocabulary.of("z" * 4 + many * 3 + "\U0001f600" * 4).characters == f"z{many[:-2]}\U0001f600"


@given(st.text(max_size=200))
@settings(deadline=None, max_examples=50)
def test_a_character_is_a_code_point_and_those_lacking_are_unk(text: str) -> None:
    vocabulary = Vocabulary(CHARACTERS)
    indices = vocabulary.encode(text).tolist()
    assert indices == [CHARACTERS.find(one) if one in CHARACTERS else len(CHARACTERS) for one in text]
    assert vocabulary.unknown == len(vocabulary) == len(CHARACTERS)


@given(st.text(CHARACTERS, max_size=50))
@settings(deadline=None)
def test_what_is_known_comes_back(text: str) -> None:
    vocabulary = Vocabulary(CHARACTERS)
    assert vocabulary.decode(vocabulary.encode(text).tolist()) == text


def test_combining_marks_nul_and_the_planes_beyond_the_first_are_characters_of_their_own() -> None:
    vocabulary = Vocabulary("\0e\u00e9\u0301\uffff😀\U0010ffff")
    assert vocabulary.encode("e\u0301\u00e9\0😀\U0010ffff\uffff").tolist() == [1, 3, 2, 0, 5, 6, 4]


@pytest.mark.parametrize(
    ("characters", "words"),
    [
        ("", "vocabulary: 0 characters; allowed: 1 to 65536"),
        ("ba", "ascending"),
        ("aa", "ascending"),
        ("a\ud800", "surrogate"),
        ("".join(map(chr, range(0x10000, 0x10001 + LARGEST_VOCABULARY))), "65537 characters"),
    ],
)
def test_no_other_vocabulary_is_accepted(characters: str, words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        Vocabulary(characters)


def test_what_is_lacking_is_read_as_the_nearest_plain_form_that_is_known() -> None:
    vocabulary = Vocabulary.reading_plainly("\n '-.Aaetâ")
    text = "I don’t “c…”\t—\u00a0ấäêÆ´ﬁＡ☂\u0301"
    read = [
        "?",
        " ",
        "?",
        "?",
        "?",
        "'",
        "t",
        " ",
        "'",
        "?",
        ".",
        "'",
        " ",
        "-",
        " ",
        "â",
        "a",
        "e",
        "?",
        "'",
        "?",
        "A",
        "?",
        "?",
    ]
    expected = ["\n '-.Aaetâ".find(one) if one != "?" else vocabulary.unknown for one in read]
    for again in (1, 9):  # few characters, and many
        assert vocabulary.encode(text * again).tolist() == expected * again
        exactly = [
            place if one in vocabulary.characters else vocabulary.unknown for place, one in zip(expected, text, strict=True)
        ]
        assert vocabulary.exactly(text * again).tolist() == exactly * again
    assert vocabulary.decode(vocabulary.encode("’ä").tolist()) == "'a"


def test_a_character_that_is_known_is_read_as_itself_and_one_without_a_known_form_as_unk() -> None:
    vocabulary = Vocabulary.of("“é”’—\t" * 3)
    assert vocabulary.characters == "\té—’“”"
    assert vocabulary.encode("“é”’—\te-…").tolist() == [4, 1, 5, 3, 2, 0, 6, 6, 6]
    assert dict(zip(vocabulary.variants, vocabulary.plain, strict=True))["'"] == "’"  # as a keyboard has it
    assert Vocabulary.of("ab" * 3).variants == "ªàáâãäåāăąǎǟǡǻȁȃȧ" + "ḁḃḅḇẚạảấầẩẫậắằẳẵặₐａｂ"
    assert Vocabulary("ab").variants == ""


def test_equal_vocabularies_are_equal() -> None:
    assert Vocabulary("ab") == Vocabulary("ab") != Vocabulary("abc")
    assert len({Vocabulary("ab"), Vocabulary("ab")}) == 1
