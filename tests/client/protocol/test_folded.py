"""What is read of a text is what folding the whole would give, whatever was edited, and offsets lead from one to the other."""

import sys
from unicodedata import category, combining, decomposition, is_normalized, normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.protocol.folded import LONGEST_DIVIDED, FoldedText, roles
from elman.text import fold, folded

ALPHABET = (
    *("a", "e", "o", "x", " ", "\n", "\r", "\r\n", "\ufeff", "😀", "日", "é", "ấ"),
    *("\u0301", "\u0302", "\u0323", "\u0308", "\u0344", "\u0345", "\u0f71", "\u0f72", "\u0f73", "\u3099", "か", "が"),
    *("\u1100", "\u1161", "\u11a8", "\u11a7", "\uac00", "\uac01", "\u1175"),  # jamo and syllables
    *("\u2126", "\u212b", "\u0958", "\ufb1d", "\U0001d15e", "\uf900", "\u09c7", "\u09be", "\u0cbf", "\u0cd5"),
    *("\U00011131", "\U00011127", "\u0dd9", "\u0dca", "\u0dcf", "\u1025", "\u102e"),
)
TEXTS = st.lists(st.sampled_from(ALPHABET), max_size=12).map("".join)


def is_between(text: str, offset: int) -> bool:
    """Whether both sides of an offset are read by themselves."""
    return folded(text) == folded(text[:offset]) + folded(text[offset:])


def test_a_mark_after_a_crlf_is_read_by_itself_however_it_came_there() -> None:
    text = "a\ufeffa\r\n\u0301"
    edited = FoldedText("a\r\n\u0301")
    edited.replace(0, 0, "a\ufeff")
    for page in FoldedText(text), edited:
        page.move(5)
        assert (page.cursor, page.is_cursor_within) == (3, False)


@pytest.mark.parametrize(
    ("text", "within"), [("\r\n\ufeffa", (1,)), ("\ufeff\u1161a", ()), ("a\ufeff\u0301b", (1, 2)), ("x\u0301b", ())]
)
def test_a_cursor_is_within_what_is_read_as_one_and_nowhere_else(text: str, within: tuple[int, ...]) -> None:
    page = FoldedText(text)
    for cursor in range(len(text) + 1):
        page.move(cursor)
        assert page.is_cursor_within == (cursor in within)


@settings(max_examples=200, deadline=None)
@given(st.data(), TEXTS)
def test_what_is_read_is_the_whole_text_folded_after_any_edits(data: st.DataObject, text: str) -> None:
    page = FoldedText(text)
    for _ in range(data.draw(st.integers(0, 8))):
        before = page.slice(0, len(page))
        start, end = sorted(data.draw(st.integers(0, len(text))) for _ in range(2))
        if data.draw(st.booleans()):
            end = min(len(text), start + 1)
        put = data.draw(TEXTS)
        text = text[:start] + put + text[end:]
        replaced = page.replace(start, end, put)
        read = fold(text).text
        assert page.given.slice(0, len(page.given)) == text
        assert (len(page), page.slice(0, len(page))) == (len(read), read)
        assert (
            before[: replaced.start] + read[replaced.start : replaced.start + replaced.added] + before[replaced.end :] == read
        )
        assert page.given.cursor == start + len(put)
        begin, stop = sorted(data.draw(st.integers(0, len(read))) for _ in range(2))
        assert page.slice(begin, stop) == read[begin:stop]
        page.move(data.draw(st.integers(0, len(text))))
        cursor = page.given.cursor
        assert page.is_cursor_within != is_between(text, cursor) or len(text) > LONGEST_DIVIDED
        assert read[: page.cursor] == folded(text[:cursor]) or page.is_cursor_within
        assert page.cursor == FoldedText(text[:cursor] + text[cursor:])._seams.to_read(cursor)  # pyright: ignore[reportPrivateUsage]


@settings(deadline=None)
@given(TEXTS)
def test_a_cursor_stands_where_what_is_before_it_ends(text: str) -> None:
    page, read = FoldedText(text), folded(text)
    for cursor in range(len(text) + 1):
        page.move(cursor)
        assert page.is_cursor_within != is_between(text, cursor)
        if not page.is_cursor_within:
            assert read[: page.cursor] == folded(text[:cursor])
            assert read[page.cursor :] == folded(text[cursor:])
        else:
            assert roles(text[cursor])[0] in "jbn"


def test_whatever_composes_with_what_stands_before_it_has_that_role() -> None:
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        if category(character) == "Cs":
            continue
        parts = decomposition(character)
        if parts and not parts.startswith("<"):
            for later in parts.split()[1:]:
                assert roles(chr(int(later, 16))) == "j", parts
        assert combining(character) == 0 or roles(character) == "j"
        if roles(character) == "s":
            assert is_normalized("NFC", character)
    for jamo in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)):
        assert roles(chr(jamo)) == "j"


def test_plain_text_has_no_joints() -> None:
    assert roles("aé 日\n\r\ufeffΩ\u2126\uac00\u1100\u1161") == "ssssnrbsxssj"


@pytest.mark.parametrize("mark", ["\u0301", "\ufeff", "\u0301\u0323"])
def test_a_long_run_of_marks_is_one_part(mark: str) -> None:
    marks = mark * 2000
    page = FoldedText(f"e{marks}x")
    page.replace(len(marks), len(marks), "\u0316")
    text = f"e{marks[:-1]}\u0316{marks[-1:]}x"
    assert page.slice(0, len(page)) == folded(text)
    page.replace(0, 1, "\r")
    page.replace(len(text) - 1, len(text), "\n")
    assert page.slice(0, len(page)) == folded(f"\r{text[1:-1]}\n")


def test_a_large_text_of_many_parts_is_edited_at_both_ends() -> None:
    text = "cafe\u0301\r\n" * 20_000
    page = FoldedText(text)
    assert len(page) == 5 * 20_000
    for _ in range(3):
        page.replace(0, 0, "e")
        page.replace(0, 1, "")
        page.replace(len(text), len(text), "\u0301")
        page.replace(len(text), len(text) + 1, "")
    assert page.slice(0, len(page)) == "café\n" * 20_000
    assert page.slice(50_000, 50_010) == "café\ncafé\n"
    assert normalize("NFC", text).replace("\r\n", "\n") == page.slice(0, len(page))
