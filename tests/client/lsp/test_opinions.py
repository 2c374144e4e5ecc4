"""What of a model's alternatives is told to who asks: as much as is likely, in whole words."""

from math import log

import pytest

from elman.lsp.opinions import as_far_as_likely, asked_for, with_opinions
from elman.protocol.suggestions import Suggestion


def suggestion(text: str, *probabilities: float, end: str | None = "stop") -> Suggestion:
    """One; the characters for which no probability is given are certain."""
    logs = [log(each) for each in probabilities] + [0.0] * (len(text) - len(probabilities))
    return Suggestion(text, 0, 0, end, tuple(logs))


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (suggestion("sys", 0.02), "sys"),
        (suggestion("sys", 0.02, 0.2), "sys"),
        (suggestion("sys.argv", 0.02, 0.2), "sys"),
        (suggestion("sys.argv", 1, 1, 1, 0.2), "sys"),
        (suggestion("sys.argv", 1, 1, 1, 0.6, 0.6), "sys.argv"),
        (suggestion("sys.argv", 1, 1, 1, 0.6, 0.4), "sys."),
        (suggestion("x = 1", 1, 1, 0.2), "x"),
        (suggestion("    print(x)", 0.3, 1, 1, 1, 0.1), "    print(x)"),
        (suggestion("    print(x)", 0.3, 1, 1, 1, 0.1, 1, 1, 0.2), "    print"),
        (suggestion("caf\u00e9 s", 1, 0.2), "caf\u00e9"),
        (suggestion(") + 1", 1, 0.1), ")"),
    ],
)
def test_it_ends_with_the_last_likely_word(one: Suggestion, expected: str) -> None:
    assert as_far_as_likely(one).text == expected


def test_one_that_is_cut_may_go_on() -> None:
    assert as_far_as_likely(suggestion("sys.argv", 1, 1, 1, 0.2)).finish_reason == "length"
    assert as_far_as_likely(suggestion("sys.argv")).finish_reason == "stop"


def test_what_comes_unasked_is_first_and_nothing_else_begins_as_it_does() -> None:
    sure = suggestion("es))", end="confidence")
    unsure = [suggestion("es))  # all"), suggestion("ing", 0.02), suggestion("x", 0.005)]
    assert [str(one) for one in with_opinions([sure], unsure)] == ["es))", "ing"]
    assert [str(one) for one in with_opinions([], unsure)] == ["es))  # all", "ing"]


def test_an_indentation_alone_hides_no_opinion() -> None:
    sure, unsure = suggestion("    ", end="confidence"), suggestion("    print", 0.3)
    assert [str(one) for one in with_opinions([sure], [unsure])] == ["    ", "    print"]


def test_those_that_look_alike_are_one() -> None:
    unsure = [suggestion(" # all", 0.1, 1, 0.1), suggestion("# all", 0.1, 0.1)]
    assert [str(one) for one in with_opinions([], unsure)] == [" #"]


def test_no_more_are_asked_for_than_there_may_be() -> None:
    assert [asked_for(shown)["alternatives"] for shown in (1, 3, 16)] == [4, 6, 16]
