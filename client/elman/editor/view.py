"""What the editor shows: the text, ghost text after the cursor, and a quiet line below. Changes nothing."""

from collections.abc import Callable

from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_width
from prompt_toolkit.layout import BufferControl, ConditionalContainer, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.processors import (
    HighlightSelectionProcessor,
    Processor,
    TabsProcessor,
    Transformation,
    TransformationInput,
)
from prompt_toolkit.layout.utils import explode_text_fragments

from elman.editor.session import EditorSession

LEAST_ROWS = 3
"""A terminal with fewer rows shows only the text."""

LEAST_ROOM = 8
"""With fewer columns to spare, nothing is shown on the right."""

LINE_END = "↵"
CUT = "…"
SPACE = "·"
TAB_STOP = 4
"""A tab ends at the next column that is a multiple of this."""

LEAST_SCREENFUL = 2048

GHOST_KEYS = {"Tab": "takes it", "Ctrl-Right": "a word", "Right": "a character", "Esc": "dismisses it", "Alt-]": "another"}
FILE_KEYS = {"Ctrl-S": "saves", "Ctrl-D": "leaves"}
"""What the keys do, in the few words that the line below has room for."""


def layout(session: EditorSession) -> Layout:
    """The text above, the line below."""
    control = BufferControl(
        session.buffer,
        input_processors=[
            LongLine(),
            HighlightSelectionProcessor(),
            TabsProcessor(TAB_STOP, char1=" ", char2=" "),
            GhostText(lambda: session.ghost_text),
        ],
        include_default_input_processors=False,  # they would look at all of a long line
    )
    text = Window(control, wrap_lines=True, dont_extend_height=session.file is None)
    bar = Window(FormattedTextControl(lambda: bar_of(session)), height=1, style="class:bar", dont_extend_height=True)
    has_room = Condition(lambda: get_app().output.get_size().rows >= LEAST_ROWS)
    return Layout(HSplit([text, ConditionalContainer(bar, has_room)]))


class LongLine(Processor):
    """Shows of a line that is longer than the screen only the part around the cursor: all else costs time and is not seen.

    a part begins where a screenful does, one before the cursor's:    … |before|cursor's|after| …
    """

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """The line, or its part."""
        given, document = transformation_input, transformation_input.document
        size = get_app().output.get_size()
        screenful = max(LEAST_SCREENFUL, size.rows * size.columns)
        if sum(len(fragment[1]) for fragment in given.fragments) <= 3 * screenful:
            return Transformation(given.fragments)
        column = document.cursor_position_col if given.lineno == document.cursor_position_row else 0
        start = max(0, column // screenful - 1) * screenful
        text = document.lines[given.lineno]
        part, more = text[start : start + 3 * screenful], text[start + 3 * screenful : start + 3 * screenful + 1]
        before = CUT if start else ""
        end, shift = len(before) + len(part), len(before) - start
        return Transformation(
            [("class:ghost", before), ("", part), ("class:ghost", CUT if more else "")],
            source_to_display=lambda place: min(max(place + shift, 0), end),
            display_to_source=lambda place: min(max(place - shift, 0), len(text)),
        )


class GhostText(Processor):
    """Puts a text after the cursor, in the cursor's line.

    shown:     B u t ,   s o|f t !    the cursor stays where it is, on the first character of the ghost
    """

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """The line with the ghost."""
        given, document = transformation_input, transformation_input.document
        if given.lineno != document.cursor_position_row:
            return Transformation(given.fragments)
        column = given.source_to_display(document.cursor_position_col)
        ghost = drawn(self._text(), column)
        size = len(ghost)
        fragments = explode_text_fragments(given.fragments)
        return Transformation(
            [*fragments[:column], ("class:ghost", ghost), *fragments[column:]],
            source_to_display=lambda place: place if place <= column else place + size,
            display_to_source=lambda place: place if place <= column else max(column, place - size),
        )


def drawn(ghost: str, column: int) -> str:
    """The ghost as it stands in one line from a column on, its tabs as wide as they will be once it is taken."""
    return visible((" " * column + ghost.replace("\n", LINE_END)).expandtabs(TAB_STOP)[column:])


def visible(ghost: str) -> str:
    """The ghost, with dots in place of spaces if it is nothing but spaces."""
    return ghost if ghost.strip(" ") else SPACE * len(ghost)


def bar_of(session: EditorSession) -> StyleAndTextTuples:
    """The file and the last message on the left, the model and its latency on the right."""
    left = left_of(session)
    room = get_app().output.get_size().columns - fragment_list_width(left) - 2
    return [*left, ("", f" {cut(right_of(session, room), room).rjust(room)} ")] if room >= LEAST_ROOM else left


def cut(text: str, room: int) -> str:
    """The text, or as much of it as there is room for."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def left_of(session: EditorSession) -> StyleAndTextTuples:
    """The question to the person, otherwise the file and the last message."""
    if session.question:
        return [("class:bar.urgent", f" {session.question.words}")]
    name = f"{session.file.path.name}{'*' if session.is_changed else ''}" if session.file else "Enter prints the line"
    return [("", f" {name}  {session.message}")]


def right_of(session: EditorSession, room: int) -> str:
    """The keys that were not used yet, as far as there is room, and the model and its latency, or its failure."""
    ghost, choices = session.ghost, session.ghost.choices
    if ghost.failure:
        return ghost.failure
    number = f"{choices.index(chosen) + 1}/{len(choices)}  " if len(choices) > 1 and (chosen := ghost.chosen) in choices else ""
    latency = "" if ghost.latency_seconds is None else f"  {1000 * ghost.latency_seconds:.1f} ms"
    fixed = f"{number}{session.document.model}{latency}"
    return "   ".join(filter(None, [keys_of(session, room - len(fixed) - 3), fixed]))


def keys_of(session: EditorSession, room: int) -> str:
    """What the keys do that mean something now and were not used yet, as many as there is room for."""
    if session.question:
        return ""
    words = GHOST_KEYS if session.ghost_text else FILE_KEYS if session.file else {}
    shown = ""
    for key, does in words.items():
        is_needed = key not in session.used and (key != "Alt-]" or len(session.ghost.choices) > 1)
        longer = f"{shown}{'  ' if shown else ''}{key} {does}"
        if is_needed and len(longer) <= room:
            shown = longer
    return shown
