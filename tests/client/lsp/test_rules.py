"""Rules that need no server: what an edit says about suggestions, what was dismissed, and the figures."""

import pytest

from elman.lsp.dismissals import Dismissals, Spot
from elman.lsp.encodings import Encoding
from elman.lsp.figures import Figures
from elman.lsp.open_document import Edit, OpenDocument
from elman.lsp.open_text import Change, Position


def document(text: str) -> OpenDocument:
    return OpenDocument("file:///a.py", "python", 1, text, Encoding.UTF_16)


def edit(one: OpenDocument, start: int, end: int, text: str, version: int | None = None) -> None:
    """Edit its first line."""
    assert len(list(one.apply(version, [Edit(text, Position(0, start), Position(0, end))]))) == 1


def test_after_a_deletion_nothing_is_suggested_before_the_next_key() -> None:
    one = document("a bad cab")
    edit(one, 8, 9, "")
    assert one.is_quiet
    edit(one, 8, 8, "b")
    assert not one.is_quiet


def test_what_an_undo_puts_back_was_not_typed() -> None:
    one = document("a bad cab")
    edit(one, 2, 6, "")
    edit(one, 2, 2, "bad ")
    assert one.is_quiet
    edit(one, 9, 9, "\n    ")
    assert not one.is_quiet


@pytest.mark.parametrize("starts", [(8, 7, 6), (6, 6, 6)])
def test_what_was_deleted_key_by_key_is_put_back_at_once(starts: tuple[int, ...]) -> None:
    one = document("a bad cab")
    for start in starts:
        edit(one, start, start + 1, "")
    edit(one, 6, 6, "cab")
    assert one.is_quiet


@pytest.mark.parametrize(
    ("text", "deleted", "typed", "restored", "is_undo"),
    [
        ("a bad", (3, 5), "", "ad", True),
        ("a bad", (3, 5), "", "a", False),
        ("a bad", (3, 4), "", "a", False),  # the same key again
        ("f()", (1, 3), "", "()", False),  # which types two
        ("a bad", (3, 4), "o", "a", True),
        ("a bad", (3, 5), "one", "ad", True),
        ("a bad", (3, 5), "one", "ow", False),
    ],
)
def test_a_short_text_is_put_back_where_it_was_at_once_or_in_place_of_another(
    text: str, deleted: tuple[int, int], typed: str, restored: str, is_undo: bool
) -> None:
    one = document(text)
    edit(one, *deleted, typed)
    edit(one, deleted[0], deleted[0] + len(typed), restored)
    assert one.is_quiet == is_undo


def test_an_edit_of_an_older_text_is_not_taken_and_nobody_knows_the_text_any_more() -> None:
    one = document("abc")
    edit(one, 3, 3, "d", version=9)
    assert one.cursor_at(Position(0, 4)) == 4
    assert not list(one.apply(8, [Edit("X", Position(0, 0), Position(0, 0))]))
    assert one.text.text == "abcd"
    assert one.cursor_at(Position(0, 4)) is None
    edit(one, 4, 4, "e", version=12)  # skipped versions are no news
    assert one.cursor_at(Position(0, 4)) is None
    list(one.apply(13, [Edit("whole")]))
    assert one.cursor_at(Position(0, 5)) == 5


def test_a_whole_text_changes_only_where_it_differs() -> None:
    one = document("one two three")
    ((change, length),) = one.apply(2, [Edit("one 2 three")])
    assert (change, length) == (Change(4, "two", "2"), 11)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["def f():", "\tpass", "\t\tx", ""], ("\t", 2)),
        (["def f():", "    if x:", "        y"], ("    ", 2)),
        (["def f():"], ("", 0)),
        (["  x", "def f():"], ("  ", 0)),
    ],
)
def test_a_document_is_indented_like_the_lines_above(lines: list[str], expected: tuple[str, int]) -> None:
    place = document("\n".join([*lines, ""])).place(Position(len(lines), 0), sum(len(line) + 1 for line in lines))
    assert (place.indentation, place.level) == expected


def test_what_was_dismissed_twice_at_a_place_is_not_shown_there_again() -> None:
    dismissals, spot = Dismissals(), Spot(10, 2, "a ")
    dismissals.note(spot, "gentleman")
    assert not dismissals.forbid(spot, "gentleman")
    dismissals.note(spot, "gentleman")
    assert dismissals.forbid(spot, "gentleman")
    assert dismissals.forbid(Spot(10, 5, "a gen"), "tleman")  # the rest of it, once that was typed
    assert dismissals.forbid(Spot(10, 5, "gen"), "tleman")  # in a line of which only the end is looked at
    assert not dismissals.forbid(spot, "gent")
    assert not dismissals.forbid(Spot(30, 2, "a "), "gentleman")
    assert not dismissals.forbid(Spot(10, 2, "o "), "gentleman")
    assert not dismissals.forbid(Spot(10, 5, "a man"), "tleman")
    assert not dismissals.forbid(Spot(10, 1, " "), "gentleman")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (Change(0, "a", "ten more"), 17),
        (Change(3, "", "above\n"), 16),
        (Change(10, "", "above\n"), 16),
        (Change(9, "\n", ""), 9),
        (Change(10, "", "gentle"), 10),
        (Change(10, "a ", "a\n"), 10),
        (Change(4, "the end\n", ""), None),
        (Change(40, "", "below"), 10),
    ],
)
def test_a_place_moves_with_its_line_and_goes_with_it(change: Change, line: int | None) -> None:
    dismissals = Dismissals()
    for _ in range(2):
        dismissals.note(Spot(10, 2, "a "), "gentleman")
    dismissals.move(change)
    found = [at for at in range(60) if dismissals.forbid(Spot(at, 2, "a "), "gentleman")]
    assert found == ([] if line is None else [line])


def test_a_place_stays_when_what_stands_before_it_is_typed_again() -> None:
    one = document("first\nof a cab")
    here = Position(1, 8)

    def spot() -> Spot:
        cursor = one.cursor_at(here)
        assert cursor is not None
        return one.spot(here, cursor)

    for _ in range(2):
        one.dismissals.note(spot(), " driver")
        for start, end, text in ((1, 7), (1, 8), ""), ((1, 7), (1, 7), "b"), ((0, 5), (1, 0), ""), ((0, 5), (0, 5), "\n"):
            list(one.apply(None, [Edit(text, Position(*start), Position(*end))]))
    assert one.dismissals.forbid(spot(), " driver")


def test_keys_saved_are_those_that_were_not_needed() -> None:
    figures = Figures()
    for _ in range(3):
        figures.note_inserted(1)
    figures.note_inserted(9)  # accepted below
    figures.note_accepted(9)
    figures.note_inserted(1)
    figures.note_accepted(1)  # by character
    assert (figures.characters_typed, figures.characters_accepted, figures.accepted) == (3, 10, 2)
    assert figures.keys_saved == 8
