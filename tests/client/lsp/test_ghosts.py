"""What of a suggestion is shown at a place: brackets, repeats, marks, indentation, alternatives."""

import pytest

from elman.lsp.ghosts import Ghost, Place, distinct, ghost_at


@pytest.mark.parametrize(
    ("before", "after", "suggestion", "shown"),
    [
        ("print(", "", "x)", ("x)", 0)),
        ("print(", ")", "x", ("x", 0)),
        ("print(", ")", "x)", ("x", 0)),
        ("print(", ")", "x) + 1", ("x) + 1", 1)),
        ("print(f(", "))", "x), y)", ("x), y", 1)),
        ("print(f(", "))", "x), y) + 1", ("x), y) + 1", 2)),
        ("print(f(", "))", "x) + 1", ("x) + 1", 1)),
        ("print(", ")", "f(x)", ("f(x)", 0)),
        ("print(", ")", "f(x)[0]) + 1", ("f(x)[0]) + 1", 1)),
        ("print(", ")", "x) + f(y)", ("x) + f(y", 0)),
        ("print(", ")", '")")', ('")"', 0)),
        ('print("', '")', 'hi")', ("hi", 0)),
        ('print("', '")', 'hi", end="")', ('hi", end="', 0)),
        ('print("', '")', 'hi", end=x)', ('hi", end=x', 1)),
        ('print("', '")', "a)b(", ("a)b(", 0)),
        ("f(", ") + g(x)", "x) + g(x)", ("x", 0)),
        ("f(", ")", ")", ("", 0)),
        ("a ", "man came", "man came", ("", 0)),
        ("a ", "man came", "good man came", ("good ", 0)),
        ("", " = 1", "x = 1", ("x", 0)),
        ("", "", "one\ntwo", ("one", 0)),
        ("", "", "\ntwo", ("", 0)),
        ("", "", "   ", ("", 0)),
        ("e", "", "\u0301tude", ("", 0)),
    ],
)
def test_what_is_shown(before: str, after: str, suggestion: str, shown: tuple[str, int]) -> None:
    assert ghost_at(Place(before, after), suggestion) == shown


@pytest.mark.parametrize(
    ("suggestion", "shown"),
    [
        ("cafe\u0301", "caf"),
        ("👩\u200d🚀 👩\u200d", "👩\u200d🚀 "),
        ("to 🇫🇷🇩", "to 🇫🇷"),
        ("to 🇫🇷", "to 🇫🇷"),
        ("日本", "日本"),
        ("e\u0301", ""),
    ],
)
def test_half_a_character_is_never_shown(suggestion: str, shown: str) -> None:
    assert ghost_at(Place("", ""), suggestion, is_cut=True).text == shown
    assert ghost_at(Place("", ""), suggestion).text == suggestion


@pytest.mark.parametrize(
    ("place", "suggestion", "shown"),
    [
        (Place("", "", "\t", 1), "    return x", "\treturn x"),  # as the model would have it
        (Place("", "", "\t", 1), "  return x", "\t\treturn x"),  # as it reads this document
        (Place("\t", "", "\t", 1), "    return x", "\treturn x"),
        (Place("", "", "\t", 0), "\t\treturn x", "\t\treturn x"),
        (Place("", "", "\t", 1), "       return x", ""),  # deeper than it can be
        (Place("\tx = ", "", "\t", 1), "  1", "  1"),
        (Place("", "", "  ", 1), "\treturn x", "  return x"),
        (Place("", "", "", 0), "    return x", "    return x"),
    ],
)
def test_indentation_is_the_documents(place: Place, suggestion: str, shown: str) -> None:
    assert ghost_at(place, suggestion).text == shown


def test_alternatives_differ_in_what_is_shown() -> None:
    ghosts = [Ghost("a"), Ghost(""), Ghost("b"), Ghost("a"), Ghost("c"), Ghost("d")]
    assert distinct(ghosts, 3) == [Ghost("a"), Ghost("b"), Ghost("c")]
