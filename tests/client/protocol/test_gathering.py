"""The states of a document: each stands for the text before it, they suffice for a jump, and keys make few of them void."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.protocol import gathering
from elman.protocol.context import Context
from elman.protocol.gap import GapBuffer
from elman.protocol.gathering import LONGEST_STRETCH, SPACING, Gathering
from elman.protocol.landmarks import MOST_BYTES
from elman.v1 import completion_service_pb2 as pb

TEXTS = st.text("ab\n", max_size=300)
MODEL = pb.Model(name="m")
STATE_BYTES = 9000
"""What one takes: most of it is the text that is recalled."""
LINES = "".join(f"{number:x}, a line of words\n" for number in range(40_000))


class Page:
    """A text, and the states that are gathered of it. A state is the text that it stands for."""

    def __init__(self, text: str, most: int | None, state_bytes: int = 0) -> None:
        self.text = GapBuffer(text)
        self.context = Context(self.text, most)
        self.gathering = Gathering(self.text, self.context)
        self._state_bytes = state_bytes

    @property
    def cursor(self) -> int:
        return self.text.cursor

    def replace(self, start: int, end: int, text: str) -> None:
        self.text.move(end)
        self.text.delete(end - start)
        self.text.insert(text)
        self.context.edit(start)
        self.gathering.edit(start, end, len(text))

    def answer(self, request: pb.ScoreRequest) -> None:
        state = bytes(self._state_bytes) if self._state_bytes else request.state + request.text.encode()
        self.gathering.note(request, state, self.cursor)

    def read_ahead(self) -> int:
        """How many characters are read until there is nothing left to read."""
        read = 0
        while request := self.gathering.request_near(MODEL, self.cursor):
            read += len(request.text)
            self.answer(request)
        return read

    def left(self, cursor: int) -> int:
        """How many characters are to be read for a cursor."""
        offset, _ = self.gathering.nearest(self.context.start(self.context.page(cursor)), cursor)
        return cursor - offset


@settings(deadline=None)
@given(st.data(), st.text("ab\n", max_size=2000), st.sampled_from([None, 7, 60, 400]))
def test_a_state_stands_for_the_text_from_where_it_is_read_to_its_offset(data: Any, text: str, most: int | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "SPACING", 8)
        patch.setattr(gathering, "LONGEST_STRETCH", 40)
        page = Page(text, most)
        for _ in range(6):
            request = page.gathering.request(MODEL, page.cursor)
            start, end = sorted(data.draw(st.integers(0, len(page.text))) for _ in range(2))
            page.replace(start, end, data.draw(TEXTS))
            if request:
                page.answer(request)
            if data.draw(st.booleans()):
                page.read_ahead()
            page.text.move(data.draw(st.integers(0, len(page.text))))
            for cursor in range(0, len(page.text) + 1, 3):
                start = page.context.start(page.context.page(cursor))
                offset, state = page.gathering.nearest(start, cursor)
                assert start <= offset <= cursor
                assert state == page.text.slice(start, offset).encode()


def test_a_jump_to_any_place_near_reads_one_stretch_at_most() -> None:
    page = Page(LINES[:600_000], 65_536, STATE_BYTES)
    page.text.move(300_000)
    assert page.read_ahead() < 2.5 * 600_000
    behind = page.context.end(page.context.page(page.cursor) + 1) + 1
    for cursor in [*range(0, 300_000, 997), *range(behind, 600_000, 997)]:
        if abs(cursor - 300_000) < 240_000:
            assert page.left(cursor) <= LONGEST_STRETCH
    assert page.left(page.cursor) < SPACING


def test_a_key_makes_next_to_nothing_void() -> None:
    page = Page(LINES[:600_000], 65_536, STATE_BYTES)
    page.text.move(300_000)
    page.read_ahead()
    page.replace(page.cursor, page.cursor, "a")
    assert page.read_ahead() < 2 * SPACING
    page.replace(page.cursor, page.cursor, "and a line\n")
    assert page.read_ahead() < 100_000


@pytest.mark.parametrize("most", [None, 16_384, 65_536, 500_000])
def test_the_states_take_a_mebibyte_at_most_wherever_one_has_been(most: int | None) -> None:
    page, random = Page(LINES, most, STATE_BYTES), Random(1)
    for _ in range(12):
        page.text.move(random.randrange(len(page.text)))
        page.read_ahead()
        while request := page.gathering.request(MODEL, page.cursor):
            page.answer(request)
        assert 0 < STATE_BYTES * page.gathering.states <= MOST_BYTES


def test_what_is_not_bounded_is_not_read_ahead() -> None:
    assert Page(LINES, None).gathering.request_near(MODEL, 100) is None


def test_reading_ahead_takes_the_place_of_what_was_asked_for() -> None:
    page = Page(LINES[:100_000], 65_536)
    page.text.move(50_000)
    asked = page.gathering.request(MODEL, page.cursor)
    assert asked
    assert page.gathering.request(MODEL, page.cursor) is None
    ahead = page.gathering.request_near(MODEL, page.cursor)
    assert ahead
    assert ahead == asked
    page.answer(asked)
    assert page.left(50_000) == 50_000
    page.answer(ahead)
    assert page.left(50_000) < 50_000 - SPACING
