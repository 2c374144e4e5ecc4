"""What the editor shows: the text, ghost text after the cursor, and a quiet line below. Changes nothing."""

from collections.abc import Callable

from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_width
from prompt_toolkit.layout import BufferControl, ConditionalContainer, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.processors import Processor, TabsProcessor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments

from elman.editor.session import EditorSession

LEAST_ROWS = 3
"""A terminal with fewer rows shows only the text."""

LEAST_ROOM = 8
"""With fewer columns to spare, nothing is shown on the right."""

LINE_END = "↵"


def layout(session: EditorSession) -> Layout:
    """The text above, the line below."""
    control = BufferControl(
        session.buffer, input_processors=[TabsProcessor(char1=" ", char2=" "), GhostText(lambda: session.ghost_text)]
    )
    text = Window(control, wrap_lines=True, dont_extend_height=session.file is None)
    bar = Window(FormattedTextControl(lambda: bar_of(session)), height=1, style="class:bar", dont_extend_height=True)
    has_room = Condition(lambda: get_app().output.get_size().rows >= LEAST_ROWS)
    return Layout(HSplit([text, ConditionalContainer(bar, has_room)]))


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
        ghost = self._text().replace("\n", LINE_END).replace("\t", " ")
        column, size = given.source_to_display(document.cursor_position_col), len(ghost)
        fragments = explode_text_fragments(given.fragments)
        return Transformation(
            [*fragments[:column], ("class:ghost", ghost), *fragments[column:]],
            source_to_display=lambda place: place if place <= column else place + size,
            display_to_source=lambda place: place if place <= column else max(column, place - size),
        )


def bar_of(session: EditorSession) -> StyleAndTextTuples:
    """The file and the last message on the left, the model and its latency on the right."""
    left = left_of(session)
    room = get_app().output.get_size().columns - fragment_list_width(left) - 2
    return [*left, ("", f" {cut(right_of(session), room).rjust(room)} ")] if room >= LEAST_ROOM else left


def cut(text: str, room: int) -> str:
    """The text, or as much of it as there is room for."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def left_of(session: EditorSession) -> StyleAndTextTuples:
    """The question to the person, otherwise the file and the last message."""
    if session.is_leaving:
        return [("class:bar.urgent", " Save the changes? (y)es, (n)o, or stay")]
    name = f"{session.file.path.name}{'*' if session.is_changed else ''}" if session.file else "Enter prints the line"
    return [("", f" {name}  {session.message}")]


def right_of(session: EditorSession) -> str:
    """The model and its latency, or its failure."""
    ghost, choices = session.ghost, session.ghost.choices
    if ghost.failure:
        return ghost.failure
    number = f"{choices.index(chosen) + 1}/{len(choices)}  " if len(choices) > 1 and (chosen := ghost.chosen) in choices else ""
    latency = "" if ghost.latency_seconds is None else f"  {1000 * ghost.latency_seconds:.1f} ms"
    return f"{number}{session.document.model}{latency}"
