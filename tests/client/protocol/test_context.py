"""Where what a model reads begins: near enough, at a line, the same however the text came to be, and for long the same."""

from functools import partial
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.errors import MendRequest
from elman.protocol.context import MOST_NEAR, Context
from elman.protocol.gap import GapBuffer

MOST = st.integers(1, 200)


def text_of(length: int, seed: int) -> str:
    return "".join(Random(seed).choices("ab\n", k=length))


TEXTS = st.integers(0, 400).flatmap(lambda length: st.integers().map(partial(text_of, length)))
"""Of many lines; hypothesis itself makes few."""


def begins(text: str, cursor: int, most: int | None) -> int:
    context = Context(GapBuffer(text), most)
    return context.start(context.page(cursor))


def lines(characters: int) -> str:
    """A text of lines that differ, of 40 characters in the middle."""
    random = Random(1)
    made = ["".join(random.choices("abcdefgh ", k=random.randrange(80))) for _ in range(characters // 40)]
    return "\n".join(made)


@settings(deadline=None)
@given(TEXTS, MOST)
def test_no_more_is_read_than_allowed_and_no_less_than_three_eighths_of_it(text: str, most: int) -> None:
    for cursor in range(len(text) + 1):
        read = cursor - begins(text, cursor, most)
        assert min(cursor, 3 * most // 8) <= read <= most


def test_all_is_read_where_nothing_is_said_or_all_is_near_enough() -> None:
    assert begins("a\n" * 50_000, 100_000, None) == 0
    assert begins("a\n" * 50_000, 65_536, 65_536) == 0
    assert begins("a\n" * 50_000, 65_537, 65_536) > 0


@pytest.mark.parametrize("most", [8000, 65_536])
def test_it_begins_with_a_line_if_one_begins_there(most: int) -> None:
    text = lines(200_000)
    for cursor in range(0, 200_000, 997):
        place = begins(text, cursor, most)
        assert place == 0 or text[place - 1] == "\n"


def test_a_text_without_lines_is_read_from_the_border() -> None:
    assert [begins("a" * 100, cursor, 32) for cursor in (32, 33, 48, 49, 64, 65)] == [0, 16, 16, 32, 32, 48]


@settings(deadline=None)
@given(TEXTS, MOST)
def test_what_follows_the_cursor_does_not_matter(text: str, most: int) -> None:
    for cursor in range(0, len(text) + 1, 7):
        assert begins(text, cursor, most) == begins(text[:cursor], cursor, most)


@settings(deadline=None)
@given(st.data(), TEXTS, MOST)
def test_it_is_the_same_however_the_text_came_to_be(data: st.DataObject, text: str, most: int) -> None:
    buffer = GapBuffer(text)
    context = Context(buffer, most)
    for _ in range(8):
        place = data.draw(st.integers(0, len(buffer)))
        context.start(context.page(data.draw(st.integers(0, len(buffer)))))
        end = data.draw(st.integers(place, len(buffer)))
        buffer.move(end)
        buffer.delete(end - place)
        buffer.insert(data.draw(TEXTS))
        context.edit(place)
        now = buffer.slice(0, len(buffer))
        for cursor in range(0, len(now) + 1, 5):
            assert context.start(context.page(cursor)) == begins(now, cursor, most)


def test_it_moves_in_large_steps() -> None:
    text = lines(300_000)
    places = [begins(text, cursor, 65_536) for cursor in range(0, 300_000, 499)]
    assert places == sorted(places)
    moved = [after - before for before, after in pairwise(sorted(set(places)))]
    assert len(moved) == 8
    assert min(moved) > 65_536 * 3 // 8


def test_a_line_put_in_far_before_it_moves_it_with_its_line() -> None:
    text, line = lines(1_000_000), "x" * 39 + "\n"
    pages = range(1, 29)
    before, after = (Context(GapBuffer(each), 65_536) for each in (text, line + text))
    stayed = [after.start(page) == before.start(page) + len(line) for page in pages]
    assert sum(stayed) >= 26


def test_near_are_the_pages_around_the_cursor_that_there_are() -> None:
    context = Context(GapBuffer("a\n" * 500_000), 65_536)
    assert list(context.near(0)) == list(range(MOST_NEAR + 1))
    assert list(context.near(1_000_000))[:4] == [29, 28, 27, 26]
    assert list(context.near(500_000))[:5] == [14, 15, 13, 16, 12]
    assert len(list(context.near(500_000))) == 2 * MOST_NEAR + 1
    assert list(Context(GapBuffer("a\n" * 500_000), None).near(7)) == [0]


@pytest.mark.parametrize("most", [0, -1, 2**32])
def test_what_cannot_be_read_is_refused(most: int) -> None:
    with pytest.raises(MendRequest, match=rf"^context_characters: {most} is out of range; allowed: 1 to 4294967295$"):
        Context(GapBuffer(""), most)
