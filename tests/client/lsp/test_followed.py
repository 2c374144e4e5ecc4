"""The client's documents that follow open ones: equal to them whenever they are asked, and few."""

from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from elman.lsp.encodings import Encoding
from elman.lsp.engines import Follower
from elman.lsp.followed import MOST_FOLLOWED, Followed, Key, Shelf
from elman.lsp.open_document import Edit, OpenDocument
from elman.lsp.open_text import Position
from elman.sync.client import Client
from elman.sync.document import Document

PLACES = st.tuples(st.integers(0, 3), st.integers(0, 6))
EDITS = st.tuples(PLACES, PLACES, st.text(st.sampled_from("ab\n\r😀"), max_size=4), st.booleans())


class FollowedHere:
    """One whose suggestions nobody waits for."""

    def __init__(self, text: str) -> None:
        self.document: Document = Client.over([]).document(text)
        self.is_let_go = False

    def let_go(self) -> None:
        self.is_let_go = True


def follower(text: str = "") -> Any:
    return cast("Follower", FollowedHere(text))


@example("\r\r\ra\n", [((1, 1), (3, 1), "", False)])  # a CR and an LF that meet, by a position beyond its line
@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab\n\r😀"), max_size=12), st.lists(EDITS, max_size=8))
def test_it_has_the_text_and_the_cursor_whenever_it_is_asked(text: str, edits: list[Any]) -> None:
    one = OpenDocument("file:///a.py", "python", 1, text, Encoding.UTF_16)
    followed = Followed(follower(one.text.text), "python", one.text.length)
    for start, end, inserted, is_asked in [*edits, ((0, 0), (0, 0), "", True)]:
        for change, length in one.apply(None, [Edit(inserted, Position(*start), Position(*end))]):
            followed.note(change, length)
        cursor = one.cursor_at(Position(*end))
        if is_asked and cursor is not None:
            followed.take_over(one, cursor)
            assert followed.follower.document.text == one.text.text
            assert followed.follower.document.cursor == cursor


def test_the_one_that_was_used_least_recently_gives_way() -> None:
    shelf, all_of_them = Shelf(), [follower() for _ in range(MOST_FOLLOWED + 1)]
    for number, one in enumerate(all_of_them[:-1]):
        shelf.put(Key(str(number), is_invoked=False), Followed(one, "python", 1))
    assert shelf.use(Key("0", is_invoked=False), "python")
    shelf.put(Key("new", is_invoked=False), Followed(all_of_them[-1], "python", 1))
    assert [one.is_let_go for one in all_of_them] == [False, True, *[False] * (MOST_FOLLOWED - 1)]
    assert shelf.use(Key("1", is_invoked=False), "python") is None
    assert shelf.use(Key("0", is_invoked=False), "another") is None


def test_long_texts_are_few_and_the_one_in_use_may_be_longer() -> None:
    shelf, first, second = Shelf(), follower(), follower()
    shelf.put(Key("first", is_invoked=False), Followed(first, "python", 1 << 23))
    assert not first.is_let_go
    shelf.put(Key("second", is_invoked=False), Followed(second, "python", 1))
    assert (first.is_let_go, second.is_let_go, len(shelf)) == (True, False, 1)
