"""The text of an open document, and the places in it, by each way in which editors count."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.lsp.encodings import Encoding, column, units
from elman.lsp.open_text import OpenText, Position

TEXTS = st.text(st.sampled_from("ab\n\r\té€😀\ud83d\ude00\u2028\x0c"), max_size=24)
NUMBERS = st.integers(0, 9)
UTF_8, UTF_16, UTF_32 = Encoding


def code_units(text: str) -> list[int]:
    data = text.encode("utf-16-le", "surrogatepass")
    return [data[at] | data[at + 1] << 8 for at in range(0, len(data), 2)]


def text_of(code_units: list[int]) -> str:
    return b"".join(unit.to_bytes(2, "little") for unit in code_units).decode("utf-16-le", "surrogatepass")


def as_read(text: str) -> str:
    """What a model reads of it."""
    return re.sub("\r\n|\r", "\n", re.sub("[\ud800-\udfff]", "\ufffd", text))


class Editor:
    """A text as an editor that counts UTF-16 code units keeps it: the units, and nothing else."""

    def __init__(self, text: str) -> None:
        self.units = code_units(text)

    @property
    def text(self) -> str:
        return text_of(self.units)

    def place(self, line: int, unit: int) -> tuple[Position, int]:
        """The place nearest to a position, as a position and as a number of units."""
        starts = [0, *(len(code_units(self.text[: end.end()])) for end in re.finditer("\r\n|\r|\n", self.text))]
        line = min(line, len(starts) - 1)
        length = len(code_units(re.split("\r\n|\r|\n", self.text)[line]))
        return Position(line, min(unit, length)), starts[line] + min(unit, length)

    def replace(self, start: int, end: int, text: str) -> None:
        self.units[start:end] = code_units(text)


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, TEXTS), max_size=6))
def test_after_any_edits_the_text_is_the_editors(text: str, edits: list[tuple[int, int, int, int, str]]) -> None:
    editor, opened, followed = Editor(text), OpenText(text, UTF_16), as_read(text_of(code_units(text)))
    for start_line, start_unit, end_line, end_unit, inserted in edits:
        (start, first), (end, last) = editor.place(start_line, start_unit), editor.place(end_line, end_unit)
        editor.replace(min(first, last), max(first, last), inserted)
        change = opened.change(start, end, inserted)
        assert followed[change.start : change.start + len(change.removed)] == change.removed
        followed = followed[: change.start] + change.inserted + followed[change.start + len(change.removed) :]
        assert opened.text == as_read(editor.text) == followed
        assert opened.length == len(followed)
        assert opened.slice(1, len(followed) - 1) == followed[1:-1]


@settings(max_examples=300, deadline=None)
@given(TEXTS, NUMBERS, NUMBERS)
def test_an_offset_is_the_editors(text: str, line: int, unit: int) -> None:
    editor, opened = Editor(text), OpenText(text, UTF_16)
    position, place = editor.place(line, unit)
    before = text_of(editor.units[:place])
    is_within_pair = as_read(before) + as_read(text_of(editor.units[place:])) != as_read(editor.text)
    is_there = position == (line, unit) and not is_within_pair
    assert opened.offset(Position(line, unit)) == (len(as_read(before)) if is_there else None)


@settings(deadline=None)
@given(st.text(st.sampled_from("aé€😀\ud83d"), max_size=9))
def test_every_encoding_counts_the_units_before_each_character(line: str) -> None:
    line = text_of(code_units(line))
    for encoding, of in (UTF_8, "utf-8"), (UTF_16, "utf-16-le"), (UTF_32, "utf-32-le"):
        size = {UTF_8: 1, UTF_16: 2, UTF_32: 4}[encoding]
        for place in range(len(line) + 1):
            unit = len(line[:place].encode(of, "surrogatepass")) // size
            assert units(line[:place], encoding) == unit
            assert column(line, unit, encoding) == place
            for within in range(unit + 1, len(line[: place + 1].encode(of, "surrogatepass")) // size):
                assert column(line, within, encoding) == place


@pytest.mark.parametrize(
    ("start", "end"), [((9, 9), (9, 9)), ((0, 99), (0, 99)), ((-1, 0), (-5, 3)), ((2, 1), (1, 0)), ((1 << 40, 0), (0, 1 << 40))]
)
def test_ranges_outside_or_reversed_mean_the_nearest_place(start: tuple[int, int], end: tuple[int, int]) -> None:
    opened = OpenText("one\r\ntwo\nsix", UTF_16)
    opened.change(Position(*start), Position(*end), "X")
    expected = {
        (9, 9): "one\ntwo\nsixX",
        (0, 99): "oneX\ntwo\nsix",
        (-1, 0): "Xone\ntwo\nsix",
        (2, 1): "one\nXix",
        (1 << 40, 0): "oneX",
    }
    assert opened.text == expected[start]
    assert opened.offset(Position(*start)) is None or start == (2, 1)


def test_a_line_feed_after_a_carriage_return_joins_it() -> None:
    opened = OpenText("a\rb", UTF_16)
    change = opened.change(Position(1, 0), Position(1, 0), "\n")
    assert (change.removed, change.inserted) == ("", "")
    assert opened.text == "a\nb"
    assert opened.offset(Position(1, 1)) == 3
    assert opened.offset(Position(2, 0)) is None


@pytest.mark.parametrize(("text", "encoding"), [("\r\r", UTF_16), ("\r€", UTF_8)])
def test_it_does_so_behind_an_empty_line_and_within_a_character_too(text: str, encoding: Encoding) -> None:
    opened = OpenText(text, encoding)
    length = opened.length
    opened.change(Position(1, 1), Position(1, 1), "\n")
    assert opened.length == len(opened.text) == length
    assert opened.offset(Position(1, 0)) == 1


def test_a_character_that_comes_in_two_halves_is_whole() -> None:
    opened = OpenText("ab", UTF_16)
    opened.change(Position(0, 1), Position(0, 1), "\ud83d")
    assert opened.text == "a\ufffdb"
    opened.change(Position(0, 2), Position(0, 2), "\ude00")
    assert opened.text == "a😀b"
    opened.change(Position(0, 2), Position(0, 3), "")
    assert opened.text == "a\ufffdb"


def test_other_separators_end_no_line() -> None:
    opened = OpenText("a\u2028b\x0bc\x85d\n", UTF_16)
    assert opened.line(0) == "a\u2028b\x0bc\x85d"
    assert opened.offset(Position(1, 0)) == 8
