"""Undo and redo are prompt_toolkit's own, but for the memory they take."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document as Shown

from elman.editor.undo import EditedBuffer

MIB = 1 << 20
ACTIONS = st.sampled_from(["save", "type a", "type b😀", "delete", "home", "end", "undo", "redo"])


def act(buffer: Buffer, action: str) -> None:
    """Do it as keys do: most are noted before."""
    name, _, words = action.partition(" ")
    match name:
        case "save":
            buffer.save_to_undo_stack()
        case "type":
            buffer.insert_text(words)
        case "delete":
            buffer.delete_before_cursor(2)
        case "home" | "end":
            buffer.cursor_position = len(buffer.text) if name == "end" else 0
        case _:
            getattr(buffer, name)()


@given(st.lists(ACTIONS, max_size=40))
def test_texts_and_cursors_come_back_as_in_any_buffer(actions: list[str]) -> None:
    ours, theirs = (kind(document=Shown("abc", 1), multiline=True) for kind in (EditedBuffer, Buffer))
    for action in actions:
        act(ours, action)
        act(theirs, action)
        assert (ours.text, ours.cursor_position) == (theirs.text, theirs.cursor_position)


def test_what_can_be_undone_of_a_long_text_takes_little() -> None:
    buffer = EditedBuffer(document=Shown("a line\n" * (MIB // 7), MIB // 2), multiline=True)
    tracemalloc.start()
    try:
        for _ in range(40):
            buffer.save_to_undo_stack()
            buffer.insert_text("x")
        assert tracemalloc.get_traced_memory()[0] < 8 * MIB
    finally:
        tracemalloc.stop()
    for _ in range(40):
        buffer.undo()
    assert (buffer.text.count("x"), buffer.cursor_position) == (0, MIB // 2)
