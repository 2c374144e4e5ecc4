"""What of a suggestion is shown between what stands before the cursor and what follows it."""

from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elman.protocol.surroundings import is_in_word, until_met, worth_showing


@pytest.mark.parametrize(
    ("text", "is_inside"),
    [
        ("|", False),
        ("a gent|", False),
        ("a gent|leman", True),
        ("a |gentleman", False),
        ("a gent| leman", False),
        ("a_|b", True),
        ("don|'t", True),
        ("don'|t", True),
        ("'|tis", False),
        ("the dogs|' tails", False),
        ("x|)", False),
        ("caf|e\u0301", True),
        ("cafe|\u0301", True),
        ("cafe\u0301|s", True),
        ("cafe\u0301| s", False),
        ("日|本", False),
        ("日本|\ufe00", True),
        ("これ|は", True),
        ("これ|世", False),
        ("ラ|ーメン", True),
        ("ท|ี่", True),
        ("नम|स्ते", True),
        ("👩|\u200d💻", True),
        ("a\n|b", False),
    ],
)
def test_where_a_word_is_and_where_it_is_not(text: str, is_inside: bool) -> None:
    before, _, after = text.partition("|")
    assert is_in_word(before, after) == is_inside


@pytest.mark.parametrize(
    ("suggestion", "after", "shown"),
    [
        ("light through yonder", "", "light through yonder"),
        ("light through yonder", "\n", "light through yonder"),
        ("light through yonder", " yonder window", "light through"),
        ("light through yon", " yonder window", "light through"),  # it may become yonder
        ("light through yonderly", " yonder window", "light through yonderly"),
        ("light through ", " yonder window", "light through"),  # the space may be that before yonder
        ("light, yonder", ", yonder", "light"),
        (" and then", " and when", ""),
        ('hello")', '")', "hello"),
        ("x) + 1", ")", "x"),
        ("len(x)) + 1", ")", "len(x)"),
        ("len(x)[0])", ")", "len(x)[0]"),
        ("good man", "man came", "good "),
        ("goodly", "man came", ""),
        ("good, ", "man came", "good, "),
        ("one\ntwo", "\ntwo", "one"),
        ("    x", "\n    y", "    x"),
        ("    ", "\n    y", "    "),  # what a line begins with is worth a key
        ("これはよい", "本です", "これはよい"),  # an ideograph is a word of its own
        ("これはよい", "です", ""),
        ("世界よ", "です", "世界"),
        ("nai\u0308ve", "te\u0301", ""),
        (" ", "man came", ""),  # but a space before the next word is not
    ],
)
def test_a_suggestion_ends_where_it_meets_what_follows(suggestion: str, after: str, shown: str) -> None:
    assert until_met(suggestion, after) == shown


TEXT = st.text("ab ().'\"\nはラー世\u0301", max_size=12)


@given(TEXT, TEXT)
@example("\t a", " a")
@example(" a", "a")
def test_while_a_suggestion_grows_what_is_shown_only_grows(suggestion: str, after: str) -> None:
    check_growth(suggestion, after)


def test_what_is_shown_of_every_short_suggestion_only_grows() -> None:
    short = ["".join(each) for length in range(5) for each in product("a \n)", repeat=length)]
    for suggestion, after in product(short, [each for each in short if len(each) < 4]):
        check_growth(suggestion, after)


def check_growth(suggestion: str, after: str) -> None:
    shown = ""
    for length in range(len(suggestion) + 1):
        now = until_met(suggestion[:length], after)
        assert now.startswith(shown)
        assert suggestion.startswith(now)
        shown = now


@pytest.mark.parametrize(
    ("suggestion", "shown"),
    [
        ("f" * 64, ""),
        (f"fff; color: #{'0' * 50}", "fff; color: #"),
        ("ha" * 32, ""),
        (f"lo, {'la, ' * 15}", "lo"),
        ("-" * 64, "-" * 64),
        ("=-" * 32, "=-" * 32),
        (f"0x{'0' * 16};", f"0x{'0' * 16};"),
        (" " * 40 + "return", " " * 40 + "return"),
        (" ", ""),
        ("\n", "\n"),
    ],
)
def test_what_goes_in_circles_is_not_shown(suggestion: str, shown: str) -> None:
    assert worth_showing(suggestion) == shown
