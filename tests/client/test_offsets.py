"""Offsets in code points, UTF-16 code units and UTF-8 bytes stand for the same places."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman import offsets
from elman.errors import MendRequest

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(TEXTS, st.data())
def test_every_offset_travels_both_ways(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    assert offsets.to_utf16(text, place) == len(text[:place].encode("utf-16-le")) // 2
    assert offsets.from_utf16(text, offsets.to_utf16(text, place)) == place
    assert offsets.to_utf8(text, place) == len(text[:place].encode())
    assert offsets.from_utf8(text, offsets.to_utf8(text, place)) == place


@pytest.mark.parametrize(("convert", "offset"), [(offsets.from_utf16, 2), (offsets.from_utf8, 2), (offsets.from_utf8, 4)])
def test_the_middle_of_a_character_is_not_a_place(convert: Callable[[str, int], int], offset: int) -> None:
    with pytest.raises(MendRequest, match=f"offset: {offset} lies within a character"):
        convert("a😀b", offset)


@pytest.mark.parametrize("convert", [offsets.from_utf16, offsets.to_utf16, offsets.from_utf8, offsets.to_utf8])
def test_offsets_beyond_the_text_and_lone_surrogates_are_refused(convert: Callable[[str, int], int]) -> None:
    for offset in (-1, 4):
        with pytest.raises(MendRequest, match=f"offset: {offset} is out of range; allowed: 0 to 3"):
            convert("abc", offset)
    with pytest.raises(MendRequest, match=r"text: U\+D83D at character 1 is not a character"):
        convert("a\ud83db", 1)
