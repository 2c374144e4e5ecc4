"""The one door for text: what is folded, and what is said of it."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.text import NO_CHANGES, Changes, fold, folded, nfc


@pytest.mark.parametrize(
    ("given", "read", "said"),
    [
        ("a\nb", "a\nb", ""),
        ("", "", ""),
        ("a\r\nb\r\n", "a\nb\n", "2 line ends from CRLF to LF"),
        ("a\rb\r\r", "a\nb\n\n", "3 line ends from CR to LF"),
        ("\r\r\n", "\n\n", "1 line end from CRLF to LF, 1 line end from CR to LF"),
        ("\ufeffa", "a", "1 byte order mark left out"),
        ("\ufeffa\n\ufeffb", "a\nb", "2 byte order marks left out"),  # of two files that were joined
        ("cafe\u0301 na\u00efve", "café naïve", "1 character composed (NFC)"),
        ("\u212b", "\u00c5", "1 character composed (NFC)"),
        ("q\u0307\u0323", "q\u0323\u0307", "1 character composed (NFC)"),  # put in order
        ("“I don’t…”\t\u00a0", "“I don’t…”\t\u00a0", ""),  # what a model reads as another character is its own affair
    ],
)
def test_a_text_has_one_spelling_and_what_was_changed_is_said(given: str, read: str, said: str) -> None:
    found = fold(given)
    assert (found.text, str(found.changes)) == (read, said)


@given(st.text("ae\u0301\u0323\r\n\ufeffé\u1100\u1161", max_size=12))
def test_a_folded_text_is_not_folded_again(text: str) -> None:
    read = fold(text).text
    assert folded(text) == read
    assert fold(read) == (read, NO_CHANGES)
    assert not set("\r\ufeff") & set(read)
    assert unicodedata.is_normalized("NFC", read)


@settings(deadline=None)
@given(st.text("e\u0301\u0302\u0323\u0327\u0344\u0f73\u1ab0-:", max_size=80), st.sampled_from("ee\u0301ẹx "))
def test_many_marks_are_composed_as_few_are(marks: str, base: str) -> None:
    marks *= 3
    assert nfc(f"{base}{marks}") == folded(f"{base}{marks}") == unicodedata.normalize("NFC", f"{base}{marks}")


@pytest.mark.timeout(60)
def test_a_character_may_have_any_number_of_marks() -> None:
    """Put in order pair by pair, these would take an hour."""
    assert folded("e" + "\u0301\u0323" * 500_000) == "\u1eb9" + "\u0323" * 499_999 + "\u0301" * 500_000


def test_changes_add_up() -> None:
    both = fold("a\r\nb\r").changes + fold("\ufeffe\u0301\r\n").changes
    assert both == Changes(crlf=2, cr=1, marks=1, composed=1)
