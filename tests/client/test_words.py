"""What a word is, by Unicode's rules: what Ctrl-Right takes, and what whole words leave away."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.words import first_word, kinds, last_word, runs_on, without_unfinished

WITHOUT_MARKS = re.compile(r"\s*(?:\w+(?:['’]\w+)*|[^\w\s]+)?")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ft! what", "ft"),
        ("! what", "!"),
        (" what light", " what"),
        ("  … an", "  …"),
        ("don't go", "don't"),
        ("don’t go", "don’t"),
        ("'tis", "'"),
        ("x_1 = 2", "x_1"),
        ("cafe\u0301s here", "cafe\u0301s"),  # an accent that stands by itself
        ("n\u0303ando\u0301'n'x", "n\u0303ando\u0301'n'x"),
        ("\u0301s here", "\u0301s"),  # the letter stands before the cursor
        ("नमस्ते दुनिया", "नमस्ते"),
        ("안녕하세요 세계", "안녕하세요"),
        ("日本 語", "日"),
        ("葛\U000e0100城", "葛\U000e0100"),  # with a selector of its shape
        ("これは本です", "これは"),
        ("ラーメンを", "ラーメン"),
        ("らーめん屋", "らーめん"),
        ("ที่นี่", "ที่"),
        ("👩🏽\u200d🚀 flies", "👩🏽\u200d🚀"),
        ("1️⃣ one", "1️⃣"),
        (" ", " "),
        ("", ""),
    ],
)
def test_a_word_is_what_a_person_calls_one(text: str, word: str) -> None:
    assert text[: first_word(text)] == word


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("good mor", "good"),
        ("good ", "good"),
        ("good, ", "good,"),
        ("don'", ""),
        ("I don't", "I"),
        ("the cafe\u0301", "the"),
        ("世界", "世界"),
        ("世界は", "世界"),
        ("ラーメンを", "ラーメン"),
        ("らー", ""),
        ("ที่นี่", "ที่"),
        ("x" * 1000, ""),
        ("a " + "x" * 1000, "a"),
        ("", ""),
    ],
)
def test_a_last_word_that_may_be_incomplete_is_left_away(text: str, whole: str) -> None:
    assert without_unfinished(text) == whole


@given(st.text("aé_1 .,'’-\n😀", max_size=12))
def test_where_no_mark_stands_by_itself_a_word_is_what_it_was(text: str) -> None:
    found = WITHOUT_MARKS.match(text)
    assert found is not None
    assert first_word(text) == found.end()
    assert without_unfinished(text) == re.sub(r"\s*[\w'’]*\Z", "", text)


@given(st.text("a'.世はラーท\u0e35\u0301\u200d", max_size=12))
def test_words_are_the_same_from_either_end(text: str) -> None:
    text = f"a{text}"  # so that no mark is the first
    ends, starts = [0], [len(text)]
    while ends[-1] < len(text):
        ends.append(ends[-1] + first_word(text[ends[-1] :]))
    while starts[-1] > 0:
        starts.append(starts[-1] - last_word(text[: starts[-1]]))
    assert ends == starts[::-1]
    assert last_word(f"{text} \t\n") == 3 + last_word(text)
    assert first_word(f" \t\n{text}") == 3 + first_word(text)


@given(st.text("a '.世はラーท\u0e35\u0301\u200d", max_size=12))
def test_words_cover_a_text_and_no_mark_begins_one(text: str) -> None:
    place = 0
    while place < len(text):
        place += (step := first_word(text[place:]))
        assert step > 0
        assert kinds(text[place : place + 1]) != "m"
        assert not runs_on(text[:place], text[place:])
