"""What each key does in the editor. What is not here is as in any line editor: prompt_toolkit's own."""

from typing import Final

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from elman.editor.session import EditorSession
from elman.words import first_word, last_word

LONGEST_WORD: Final = 1024
"""How many characters around the cursor are looked at, and most that one key moves over."""


def bindings(session: EditorSession) -> KeyBindings:
    """Every key of the editor's own."""
    keys = KeyBindings()
    bind_words(keys)
    bind_ghost(keys, session)
    bind_ends(keys, session)
    bind_question(keys, session)
    return keys


def bind_words(keys: KeyBindings) -> None:
    """Move and delete by words, which to prompt_toolkit are of ASCII alone. A ghost's Ctrl-Right is bound after these."""

    @keys.add("c-right")
    @keys.add("escape", "f")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.cursor_position += word_after(event.current_buffer)

    @keys.add("c-left")
    @keys.add("escape", "b")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.cursor_position -= word_before(event.current_buffer)

    @keys.add("escape", "d")
    @keys.add("c-delete")
    def _(event: KeyPressEvent) -> None:
        event.app.clipboard.set_text(event.current_buffer.delete(word_after(event.current_buffer)))

    @keys.add("escape", "backspace")
    def _(event: KeyPressEvent) -> None:
        event.app.clipboard.set_text(event.current_buffer.delete_before_cursor(word_before(event.current_buffer)))


def word_after(buffer: Buffer) -> int:
    """The length of the word after the cursor."""
    return first_word(buffer.document.text_after_cursor[:LONGEST_WORD])


def word_before(buffer: Buffer) -> int:
    """The length of the word before the cursor."""
    return last_word(buffer.document.text_before_cursor[-LONGEST_WORD:])


def bind_ghost(keys: KeyBindings, session: EditorSession) -> None:
    """Take, change or dismiss what is suggested."""
    has_ghost = Condition(lambda: bool(session.ghost_text))
    is_at_line_end = Condition(lambda: session.buffer.document.is_cursor_at_the_end_of_line)

    @keys.add("tab", filter=has_ghost)
    def _(event: KeyPressEvent) -> None:
        session.used.add("Tab")
        session.accept()

    @keys.add("tab", filter=~has_ghost)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\t")

    @keys.add("right", filter=has_ghost & is_at_line_end)
    def _(event: KeyPressEvent) -> None:
        session.used.add("Right")
        session.accept(1)

    @keys.add("c-right", filter=has_ghost)
    def _(event: KeyPressEvent) -> None:
        session.used.add("Ctrl-Right")
        session.accept(first_word(session.ghost_text))

    @keys.add("escape", "]")
    def _(event: KeyPressEvent) -> None:
        """Without a ghost nothing: otherwise the second character of the chord would be typed."""
        if session.ghost_text:
            session.used.add("Alt-]")
            session.ghost.choose_next()

    @keys.add("escape", filter=has_ghost)
    def _(event: KeyPressEvent) -> None:
        session.used.add("Esc")
        session.document.dismiss()


def bind_ends(keys: KeyBindings, session: EditorSession) -> None:
    """Save, enter, leave."""
    is_line, is_file = Condition(lambda: session.file is None), Condition(lambda: session.file is not None)

    @keys.add("c-s", filter=is_file)
    def _(event: KeyPressEvent) -> None:
        session.used.add("Ctrl-S")
        session.save()

    @keys.add("enter", filter=is_line)
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result=session.buffer.text)

    @keys.add("enter", filter=is_file)
    def _(event: KeyPressEvent) -> None:
        """Without --auto-indent a line's end alone: the indentation is suggested, and a wrong indent would cost keys."""
        event.current_buffer.newline(copy_margin=session.indents)

    @keys.add(Keys.BracketedPaste, filter=is_line)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(" ".join(event.data.splitlines()))

    @keys.add("c-d", filter=is_line)
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result=None)

    @keys.add("c-d", filter=is_file)
    @keys.add("c-c", filter=is_file)
    def _(event: KeyPressEvent) -> None:
        session.used.add("Ctrl-D")
        if session.may_leave():
            event.app.exit(result=None)

    @keys.add("c-c", filter=is_line)
    @keys.add("<sigint>")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt())


def bind_question(keys: KeyBindings, session: EditorSession) -> None:
    """What is answered to a question. Ctrl-D and Ctrl-C answer like any other key: pressed twice, they lose nothing."""
    is_asked = Condition(lambda: session.question is not None)

    @keys.add("<any>", filter=is_asked, eager=True)
    def _(event: KeyPressEvent) -> None:
        if session.answer(event.key_sequence[0].key.lower()):  # a paste is no answer
            event.app.exit(result=None)
