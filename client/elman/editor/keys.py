"""What each key does in the editor. What is not here is as in any line editor: prompt_toolkit's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

if TYPE_CHECKING:
    from elman.editor.app import Editor

WORD: Final = re.compile(r"\s*(?:\w+(?:['’]\w+)*|[^\w\s]+)?")
"""The space before a word, and the word, or the punctuation in its place."""


def bindings(editor: Editor) -> KeyBindings:
    """Every key of the editor's own."""
    keys = KeyBindings()
    bind_ghost(keys, editor)
    bind_ends(keys, editor)
    bind_question(keys, editor)
    return keys


def bind_ghost(keys: KeyBindings, editor: Editor) -> None:
    """Take, change or dismiss what is suggested."""
    has_ghost = Condition(lambda: bool(editor.ghost_text))
    is_at_line_end = Condition(lambda: editor.buffer.document.is_cursor_at_the_end_of_line)

    @keys.add("tab", filter=has_ghost)
    def _(event: KeyPressEvent) -> None:
        editor.accept()

    @keys.add("tab", filter=~has_ghost)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\t")

    @keys.add("right", filter=has_ghost & is_at_line_end)
    def _(event: KeyPressEvent) -> None:
        editor.accept(1)

    @keys.add("c-right", filter=has_ghost)
    def _(event: KeyPressEvent) -> None:
        editor.accept(first_word(editor.ghost_text))

    @keys.add("escape", "]", filter=has_ghost)
    def _(event: KeyPressEvent) -> None:
        editor.ghost.choose_next()

    @keys.add("escape", filter=has_ghost)
    def _(event: KeyPressEvent) -> None:
        editor.document.dismiss()


def bind_ends(keys: KeyBindings, editor: Editor) -> None:
    """Save, enter, leave."""
    is_line, is_file = Condition(lambda: editor.file is None), Condition(lambda: editor.file is not None)

    @keys.add("c-s", filter=is_file)
    def _(event: KeyPressEvent) -> None:
        editor.save()

    @keys.add("enter", filter=is_line)
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result=editor.buffer.text)

    @keys.add(Keys.BracketedPaste, filter=is_line)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(" ".join(event.data.splitlines()))

    @keys.add("c-d")
    def _(event: KeyPressEvent) -> None:
        editor.leave()

    @keys.add("c-c", filter=is_file)
    def _(event: KeyPressEvent) -> None:
        editor.leave()

    @keys.add("c-c", filter=is_line)
    @keys.add("<sigint>")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt())


def bind_question(keys: KeyBindings, editor: Editor) -> None:
    """Whether to save before the end."""
    is_asked = Condition(lambda: editor.is_leaving)

    @keys.add("<any>", filter=is_asked, eager=True)
    def _(event: KeyPressEvent) -> None:
        editor.is_leaving = False

    @keys.add("y", filter=is_asked, eager=True)
    def _(event: KeyPressEvent) -> None:
        editor.save()
        editor.is_leaving = False
        if not editor.is_changed:
            editor.leave()

    @keys.add("n", filter=is_asked, eager=True)
    @keys.add("c-c", filter=is_asked, eager=True)
    @keys.add("c-d", filter=is_asked, eager=True)
    def _(event: KeyPressEvent) -> None:
        editor.leave()


def first_word(text: str) -> int:
    """How many characters its first word has, with the space before it: at least one."""
    found = WORD.match(text)
    return max(1, found.end()) if found else 1
