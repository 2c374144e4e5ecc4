"""`elman type`: keys through a pipe, the real engine in this process, and what the line, the document and the file then are."""

import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.document import Document as Shown
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.layout.processors import Transformation, TransformationInput
from prompt_toolkit.output import DummyOutput

from elman.cli.main import main
from elman.editor.app import Editor
from elman.editor.mirror import Mirror
from elman.editor.session import EditorSession
from elman.editor.text_file import TextFile
from elman.editor.view import GhostText, LongLine, bar_of, cut, keys_of
from elman.errors import MendRequest
from elman.languages import PROSE
from elman.protocol.difference import clean, difference
from elman.sync.client import Client
from elman.sync.embedded import open_client
from elman.words import first_word

TAB, RIGHT, CONTROL_RIGHT, CONTROL_LEFT, NEXT, ESCAPE = "\t", "\x1b[C", "\x1b[1;5C", "\x1b[1;5D", "\x1b]", "\x1b"
ENTER, SAVE, END_OF_FILE, INTERRUPT = "\r", "\x13", "\x04", "\x03"
HOME, LEFT, BACKSPACE, UNDO, DRAW = "\x1b[H", "\x1b[D", "\x7f", "\x1f", "\x0c"
STILL_SECONDS = 0.05
FULL_SCREEN = b"\x1b[?1049h"
PASTE = "\x1b[200~{}\x1b[201~"
WAIT_SECONDS = 20.0


class Typist:
    """Sends keys to an editor and waits until it has taken them."""

    def __init__(self, pipe: PipeInput, editor: Editor) -> None:
        self._pipe, self._session = pipe, editor.session
        self._rendered = threading.Event()
        editor.application.after_render += self._note

    def _note(self, _: object) -> None:
        self._rendered.set()

    def press(self, *keys: str) -> None:
        """Send keys."""
        self._pipe.send_bytes("".join(keys).encode("utf-8", "surrogateescape"))

    def until(self, is_so: Callable[[EditorSession], object]) -> None:
        """Wait until something is so: looked at after each time that the screen was drawn."""
        while not is_so(self._session):
            self._rendered.clear()
            if is_so(self._session):
                return
            assert self._rendered.wait(WAIT_SECONDS), "the screen stays as it is"


Script: TypeAlias = Callable[[Typist], None]


class Play(Protocol):
    """Runs an editor while a typist follows a script; returns the line and the session."""

    def __call__(self, script: Script, file: TextFile | None = None, **fields: Any) -> tuple[str | None, EditorSession]:
        """One session."""
        ...


def is_suggested(session: EditorSession) -> bool:
    """Whether all of the first alternative has come."""
    chosen = session.ghost.chosen
    return chosen is not None and chosen.finish_reason is not None


def asks(session: EditorSession) -> bool:
    """Whether suggestions are on the way, or there."""
    document: Any = session.document
    return bool(document._draft.is_waiting or session.ghost.choices)


def number(session: EditorSession) -> int:
    """Of the alternative that is shown."""
    chosen = session.ghost.chosen
    return chosen.alternative if chosen else -1


def suggested_for(text: str) -> Callable[[EditorSession], bool]:
    """Whether it has come for this text."""
    return lambda session: session.document.text == text and is_suggested(session)


@pytest.fixture
def client(artifact: Path) -> Iterator[Client]:
    """The engine in this process."""
    with open_client(str(artifact), device="cpu") as client:
        yield client


@pytest.fixture
def play(client: Client) -> Iterator[Play]:
    """Plays scripts to the engine in this process."""
    with create_pipe_input() as pipe:

        def run(script: Script, file: TextFile | None = None, **fields: Any) -> tuple[str | None, EditorSession]:
            fields = {"max_characters": 12, "seed": 3, "min_confidence": 0} | fields
            document = client.document(file.text if file else "", cursor=0 if file else None, **fields)
            editor = Editor(document, file, given=pipe, output=DummyOutput())
            failures: list[BaseException] = []
            typist = threading.Thread(target=follow, args=(script, Typist(pipe, editor), pipe, failures))
            typist.start()
            try:
                return editor.run(), editor.session
            finally:
                typist.join(WAIT_SECONDS)
                assert not failures, failures
                assert document.text == editor.session.buffer.text

        yield run


def follow(script: Script, typist: Typist, pipe: PipeInput, failures: list[BaseException]) -> None:
    """A typist's thread: whatever fails, the editor ends."""
    try:
        script(typist)
    except BaseException as error:
        failures.append(error)
        pipe.send_text(INTERRUPT + "n")


def suggested(client: Client, text: str, **fields: Any) -> str:
    """What `Complete` says to a text: a document's suggestion must be that."""
    fields = {"max_characters": 12, "seed": 3, "temperature": 0.0, "stop": ["\n"]} | fields
    return client.complete(text, **fields).read()


def test_what_is_shown_is_what_complete_answers_and_tab_accepts_all_of_it(play: Play, client: Client) -> None:
    def script(typist: Typist) -> None:
        typist.press("a bad ")
        typist.until(suggested_for("a bad "))
        typist.press(TAB, ENTER)

    line, _ = play(script)
    assert line == "a bad " + suggested(client, "a bad ")


def test_right_accepts_a_character_and_the_rest_is_suggested_again(play: Play, client: Client) -> None:
    def script(typist: Typist) -> None:
        typist.press("a bad ")
        typist.until(suggested_for("a bad "))
        typist.press(RIGHT)
        typist.until(lambda session: len(session.document.text) == 7 and is_suggested(session))
        typist.press(TAB, ENTER)

    line, _ = play(script)
    first = "a bad " + suggested(client, "a bad ")[0]
    assert line == first + suggested(client, first)


def test_of_a_file_several_lines_are_accepted_at_once(play: Play, client: Client, tmp_path: Path) -> None:
    def script(typist: Typist) -> None:
        typist.press("a bad ")
        typist.until(suggested_for("a bad "))
        typist.press(TAB, INTERRUPT, "n")

    _, session = play(script, TextFile.read(tmp_path / "new.txt"), stop=())
    ghost = suggested(client, "a bad ", stop=())
    assert "\n" in ghost
    assert session.buffer.text == "a bad " + ghost


def test_right_within_a_line_moves(play: Play) -> None:
    def script(typist: Typist) -> None:
        typist.press("a bad-", LEFT, " ")
        typist.until(suggested_for("a bad -"))
        typist.press(RIGHT, "d", HOME, RIGHT, "c", ENTER)

    assert play(script)[0] == "ac bad -d"


def test_control_right_accepts_a_word(play: Play, client: Client) -> None:
    def script(typist: Typist) -> None:
        typist.press("a bad ")
        typist.until(suggested_for("a bad "))
        typist.press(CONTROL_RIGHT, ENTER)

    ghost = suggested(client, "a bad ")
    assert play(script)[0] == "a bad " + ghost[: first_word(ghost)]


def test_keys_move_and_delete_by_unicode_s_words(play: Play) -> None:
    def script(typist: Typist) -> None:
        typist.press("nai\u0308ve cafe\u0301, 日本")
        typist.until(lambda session: session.buffer.text.endswith("本"))
        typist.press(
            ESCAPE, "b", "1", CONTROL_LEFT, CONTROL_LEFT, CONTROL_LEFT, CONTROL_LEFT, "2", CONTROL_LEFT, CONTROL_LEFT, "3"
        )
        typist.press(CONTROL_RIGHT, "4", ESCAPE, "f", "5", ESCAPE, "d", ESCAPE, BACKSPACE, ENTER)

    assert play(script, min_confidence=1.0)[0] == "3nai\u0308ve4  日1本"


def test_alt_bracket_shows_the_next_alternative_and_accepting_goes_on_with_it(play: Play, client: Client) -> None:
    fields: dict[str, Any] = {"alternatives": 3, "temperature": 2.0, "stop": ["\n"], "seed": 4}
    completion = client.complete("a bad ", max_characters=12, **fields)
    completion.read()
    texts = [alternative.text for alternative in completion.alternatives]
    shown: list[str] = []

    def script(typist: Typist) -> None:
        typist.press("a bad ")
        typist.until(lambda session: [one.text for one in session.ghost.choices] == texts)
        for _ in range(4):
            typist.until(lambda session: shown.append(session.ghost_text) or True)
            typist.press(NEXT)
            typist.until(lambda session: session.ghost_text != shown[-1])
        typist.press(RIGHT)
        typist.until(lambda session: len(session.document.text) == 7 and is_suggested(session) and number(session) == 1)
        typist.press(TAB, ENTER)

    line, _ = play(script, **fields)
    assert shown == [*texts, texts[0]]
    assert line
    assert line.startswith("a bad " + texts[1])


def test_escape_dismisses_until_the_next_key(play: Play) -> None:
    def script(typist: Typist) -> None:
        typist.press("a bad ")
        typist.until(suggested_for("a bad "))
        typist.press(ESCAPE)
        typist.until(lambda session: not session.ghost_text)
        typist.press("c")
        typist.until(suggested_for("a bad c"))
        typist.press(ENTER)

    assert play(script)[0] == "a bad c"


def test_nothing_is_suggested_on_deletion_and_tab_is_then_a_tab(play: Play) -> None:
    def script(typist: Typist) -> None:
        typist.press("ab")
        typist.until(suggested_for("ab"))
        typist.press(BACKSPACE)
        typist.until(lambda session: session.buffer.text == "a")
        typist.press(TAB)
        typist.until(lambda session: session.buffer.text == "a\t")
        typist.press(ENTER)

    assert play(script)[0] == "a\t"


def test_a_pasted_line_end_is_a_space_in_a_line(play: Play) -> None:
    assert play(lambda typist: typist.press(PASTE.format("a\r\nb\n"), ENTER))[0] == "a b"


def test_an_interrupt_leaves_a_line_and_so_does_the_end_of_input(play: Play) -> None:
    with pytest.raises(KeyboardInterrupt):
        play(lambda typist: typist.press("ab", INTERRUPT))
    assert play(lambda typist: typist.press("ab", END_OF_FILE))[0] is None


@pytest.mark.parametrize(
    "content", ["", "a bad cab", "a\nb\n", "a\r\nb\r\n", "\ufeffé 日本 😀\u0301\n\ta\0\n", "one\rtwo\n\n", "\n", "one\rtwo\r"]
)
def test_a_saved_file_is_right_byte_for_byte(content: str, tmp_path: Path, play: Play) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content.encode())

    def script(typist: Typist) -> None:
        typist.press("é😀", ENTER, "x", SAVE)
        typist.until(lambda session: session.message == "saved")
        typist.press(END_OF_FILE)

    play(script, TextFile.read(path))
    line_end = "\r\n" if "\r\n" in content else "\n" if "\n" in content or "\r" not in content else "\r"
    mark = "\ufeff" if content.startswith("\ufeff") else ""
    assert path.read_bytes() == f"{mark}é😀{line_end}x{content.removeprefix(mark)}".encode()
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


def test_a_new_file_is_made_when_it_is_saved(tmp_path: Path, play: Play) -> None:
    path = tmp_path / "new.txt"

    def script(typist: Typist) -> None:
        typist.press("ab")
        typist.until(lambda _: not path.exists())
        typist.press(SAVE)
        typist.until(lambda session: session.message == "saved")
        typist.press(INTERRUPT)

    play(script, TextFile.read(path))
    assert path.read_bytes() == b"ab"


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        ("y", b"xab"),
        ("n", b"ab"),
        (PASTE.format("n") + "x\x04y", b"xxab"),
        ("qx\x04y", b"xxab"),
        (INTERRUPT + "x\x04y", b"xxab"),
        (END_OF_FILE + "x\x04Y", b"xxab"),
    ],
)
def test_unsaved_changes_are_asked_about(answer: str, content: bytes, tmp_path: Path, play: Play) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"ab")

    def script(typist: Typist) -> None:
        typist.press("x", END_OF_FILE)
        typist.until(lambda session: session.question)
        typist.press(answer)

    play(script, TextFile.read(path))
    assert path.read_bytes() == content


def test_a_file_that_can_not_be_saved_is_told_and_nothing_is_lost(tmp_path: Path, play: Play) -> None:
    path = tmp_path / "folder" / "notes.txt"
    path.parent.mkdir()
    file = TextFile.read(path)
    path.parent.rmdir()

    def script(typist: Typist) -> None:
        typist.press("ab", SAVE)
        typist.until(lambda session: session.message.startswith("not saved: "))
        typist.press(END_OF_FILE)
        typist.until(lambda session: session.question)
        typist.press("y")
        typist.until(lambda session: not session.question)
        typist.press(END_OF_FILE, "n")

    _, session = play(script, file)
    assert session.buffer.text == "ab"


def test_a_link_and_the_permissions_survive(tmp_path: Path) -> None:
    path, link = tmp_path / "notes.txt", tmp_path / "link"
    path.write_bytes(b"a")
    path.chmod(0o640)
    link.symlink_to(path)
    TextFile.read(link).save("b")
    assert link.is_symlink()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"b", 0o640)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\r\nb\n", "1 of 2 lines end with CR LF"),
        (b"a\r\r\n", "some lines end with CR CR LF"),
        (b"a\xff", "byte 0xff at offset 1 is not UTF-8"),
    ],
)
def test_a_file_that_could_not_be_saved_as_it_was_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(MendRequest, match=words):
        TextFile.read(path)


def test_bytes_that_are_not_text_become_replacement_characters(play: Play) -> None:
    line, _ = play(lambda typist: typist.press("a\udcffb", ENTER))
    assert line == "a\ufffdb"


def test_a_line_end_of_another_system_is_not_mirrored() -> None:
    document = Client("127.0.0.1:1").document("ab")
    with pytest.raises(MendRequest):
        Mirror(document, "ab").show("a\r\nb", 3)
    assert (document.text, clean("a\r\nb\udc80")) == ("ab", "a\nb\ufffd")


def test_undo_leads_the_document_back_and_nothing_is_suggested_until_a_key_is_typed(play: Play) -> None:
    asked: list[bool] = []

    def script(typist: Typist) -> None:
        typist.press("a bad ")
        typist.until(suggested_for("a bad "))
        typist.press("\x17")  # deletes a word: undoing that puts text in, as typing does
        typist.until(lambda session: session.buffer.text == "a ")
        typist.press(UNDO)
        typist.until(lambda session: session.document.text == "a bad ")
        typist.until(lambda session: not asks(session))
        typist.press(LEFT)
        typist.until(lambda session: session.buffer.cursor_position == 5)
        typist.press(RIGHT)
        typist.until(lambda session: session.buffer.cursor_position == 6)
        typist.until(lambda session: asked.append(asks(session)) or True)
        typist.press("c")
        typist.until(suggested_for("a bad c"))
        typist.press(ENTER)

    assert play(script)[0] == "a bad c"
    assert asked == [False]


def test_nothing_is_suggested_before_the_first_key(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "new.txt"

    def script(typist: Typist) -> None:
        typist.until(lambda session: not asks(session))
        typist.press("a")
        typist.until(suggested_for("a"))
        typist.press(INTERRUPT, "n")

    play(script, TextFile.read(path))


def test_nothing_is_suggested_in_the_middle_of_a_word(play: Play) -> None:
    def script(typist: Typist) -> None:
        typist.press("a bad", LEFT, "e")
        typist.until(lambda session: session.document.text == "a baed" and not asks(session))
        typist.press(" ")
        typist.until(lambda session: session.document.text == "a bae d" and asks(session))
        typist.press(ENTER)

    assert play(script)[0] == "a bae d"


def test_alt_bracket_without_a_suggestion_types_nothing(play: Play) -> None:
    assert play(lambda typist: typist.press(NEXT, "a", NEXT, ENTER))[0] == "a"


def test_the_keys_are_shown_until_they_were_used(play: Play) -> None:
    shown: list[str] = []

    def script(typist: Typist) -> None:
        typist.press("a bad ")
        typist.until(suggested_for("a bad "))
        typist.until(lambda session: shown.append(keys_of(session, 80)) or True)
        typist.press(RIGHT)
        typist.until(lambda session: len(session.document.text) == 7 and is_suggested(session))
        typist.until(lambda session: shown.append(keys_of(session, 80)) or True)
        typist.until(lambda session: shown.append(keys_of(session, 14)) or True)
        typist.press(ENTER)

    play(script)
    assert shown == [
        "Tab takes it  Ctrl-Right a word  Right a character  Esc dismisses it",
        "Tab takes it  Ctrl-Right a word  Esc dismisses it",
        "Tab takes it",
    ]


TEXT = st.text("ab\n😀", max_size=12)


@given(TEXT, TEXT, st.data())
def test_a_difference_makes_the_new_text_of_the_old(old: str, new: str, data: st.DataObject) -> None:
    start, end, inserted = difference(old, new, data.draw(st.integers(0, len(new))))
    assert 0 <= start <= end <= len(old)
    assert old[:start] + inserted + old[end:] == new


@given(TEXT, TEXT, TEXT)
def test_what_is_typed_is_put_where_it_was_typed(before: str, typed: str, after: str) -> None:
    start, end, inserted = difference(before + after, before + typed + after, len(before + typed))
    assert (start, end, inserted) == (len(before), len(before), typed)


@given(st.lists(st.tuples(TEXT, st.integers(0, 12)), max_size=8))
def test_a_mirrored_document_is_the_text(shown: list[tuple[str, int]]) -> None:
    document = Client("127.0.0.1:1").document()
    mirror = Mirror(document, "")
    for text, cursor in shown:
        mirror.show(text, min(cursor, len(text)))
        assert (document.text, document.cursor) == (text, min(cursor, len(text)))


def transformed(line: str, cursor: int, ghost: str) -> Transformation:
    """A line as it is shown."""
    given = TransformationInput(cast("Any", None), Shown(line, cursor), 0, lambda place: place, [("", line)], 80, 24)
    return GhostText(lambda: ghost).apply_transformation(given)


@pytest.mark.parametrize(
    ("line", "cursor", "ghost", "shown"),
    [
        ("ab", 2, "cd", "abcd"),
        ("ab", 1, "cd", "acdb"),
        ("日😀", 1, "本", "日本😀"),
        ("ab", 2, "c\nd", "abc↵d"),
        ("a", 1, "", "a"),
        ("a:", 2, "  ", "a:··"),
        ("a:", 2, " \t", "a:··"),
        ("", 0, "\t\treturn", "        return"),
        ("if x {", 6, "\n\ty", "if x {↵ y"),
        ("a", 1, " b", "a b"),
    ],
)
def test_the_ghost_stands_after_the_cursor(line: str, cursor: int, ghost: str, shown: str) -> None:
    found: Any = transformed(line, cursor, ghost)
    assert "".join(fragment[1] for fragment in found.fragments) == shown
    assert found.source_to_display(cursor) == cursor
    for place in range(len(line) + 1):
        assert found.display_to_source(found.source_to_display(place)) == place


@pytest.mark.parametrize("column", [0, 5, 4096, 9000, 1_499_999, 2_999_999, 3_000_000])
def test_of_a_long_line_the_part_around_the_cursor_is_shown(column: int) -> None:
    line = "0123456789" * 300_000
    given = TransformationInput(cast("Any", None), Shown(line, column), 0, lambda place: place, [("", line)], 80, 24)
    found: Any = LongLine().apply_transformation(given)
    shown = "".join(fragment[1] for fragment in found.fragments)
    place = found.source_to_display(column)
    assert len(shown) < 20_000
    assert shown[place : place + 1] == line[column : column + 1]
    assert shown[max(0, place - 1) : place].strip("…") == line[max(0, column - 1) : column]
    assert found.display_to_source(place) == column


def test_a_long_failure_is_cut() -> None:
    assert (cut("abc", 3), cut("abcd", 3)) == ("abc", "ab…")


def test_typing_goes_on_without_a_server_and_the_bar_says_so() -> None:
    with create_pipe_input() as pipe, Client("127.0.0.1:1") as client:
        editor = Editor(client.document(), None, given=pipe, output=DummyOutput())

        def script(typist: Typist) -> None:
            typist.press("ab")
            typist.until(lambda session: session.ghost.failure)
            typist.press("c", ENTER)

        failures: list[BaseException] = []
        thread = threading.Thread(target=follow, args=(script, Typist(pipe, editor), pipe, failures))
        thread.start()
        assert editor.run() == "abc"
        thread.join(WAIT_SECONDS)
        assert not failures
        assert "no completion service at 127.0.0.1:1" in editor.session.ghost.failure
        assert bar_of(editor.session)[-1][1].strip().startswith("no completion")


@pytest.mark.parametrize(
    ("other", "words"), [("tiny", ""), (None, f"'{PROSE}' is not served; there are: tiny"), ("own", "'own' is not served")]
)
def test_where_a_server_lacks_the_model_the_configured_one_suggests_and_no_other(
    other: str | None, words: str, client: Client
) -> None:
    with create_pipe_input() as pipe:
        document = client.document(model=PROSE, min_confidence=0)
        editor = Editor(document, None, given=pipe, output=DummyOutput(), other_model=other)

        def script(typist: Typist) -> None:
            typist.press("ab")
            typist.until(lambda session: session.ghost.failure if words else session.ghost_text)
            typist.press(INTERRUPT)

        failures: list[BaseException] = []
        thread = threading.Thread(target=follow, args=(script, Typist(pipe, editor), pipe, failures))
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            editor.run()
        thread.join(WAIT_SECONDS)
        assert not failures
        assert words in editor.session.ghost.failure
        assert document.model == ("" if words else "tiny")


def test_without_a_terminal_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["type"]) == 2
    assert capsys.readouterr().err == "elman: error: this needs a terminal as standard input and standard error\n"


def test_a_polite_end_leaves_the_terminal_as_it_was() -> None:
    controller, terminal_file = pty.openpty()
    before = termios.tcgetattr(terminal_file)
    with subprocess.Popen([sys.executable, "-m", "elman", "type"], stdin=terminal_file, stderr=terminal_file) as process:
        shown = b""
        while b"Enter prints the line" not in shown:  # the bar at the bottom
            shown += os.read(controller, 4096)
        assert termios.tcgetattr(terminal_file) != before
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_SECONDS) == 128 + signal.SIGTERM
    assert termios.tcgetattr(terminal_file) == before


@pytest.fixture
def at_terminal() -> Iterator[Callable[..., "Screen"]]:
    """Runs `elman type` in a process of its own, at a terminal of its own."""
    with ExitStack() as screens:
        yield lambda *arguments: screens.enter_context(Screen.of(arguments))


class Screen:
    """A terminal at which `elman type` runs."""

    def __init__(self, controller: int, process: "subprocess.Popen[bytes]") -> None:
        self._controller, self.process = controller, process
        self._has_begun = False

    @classmethod
    @contextmanager
    def of(cls, arguments: Sequence[str]) -> Generator["Screen"]:
        """The screen of a process that is started with arguments, and ended if it is not over."""
        controller, terminal_file = pty.openpty()
        fcntl.ioctl(terminal_file, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
        command = [sys.executable, "-m", "elman", "type", *arguments]
        with subprocess.Popen(command, stdin=terminal_file, stderr=terminal_file) as process:
            os.close(terminal_file)
            try:
                yield cls(controller, process)
            finally:
                process.kill()
                os.close(controller)

    def press(self, keys: str) -> None:
        """Type keys."""
        os.write(self._controller, keys.encode())

    def until(self, words: str) -> None:
        """Wait until the words are on the screen, which is drawn whole once it is still: otherwise only changes are written."""
        seen = b""
        while words.encode() not in seen:
            if self._has_begun and not select.select([self._controller], [], [], STILL_SECONDS)[0]:
                self.press(DRAW)  # not more often: what is suggested would wait for it
            seen += os.read(self._controller, 1 << 16)
            self._has_begun = self._has_begun or FULL_SCREEN in seen


@pytest.mark.parametrize(("name", "model", "typed"), [("s.py", "python", "def __init__(s"), ("new.md", PROSE, "it was th")])
def test_a_new_file_is_silent_until_a_key_and_then_the_model_that_suits_its_name_suggests(
    name: str, model: str, typed: str, at_terminal: Callable[..., Screen], tmp_path: Path
) -> None:
    path = tmp_path / name
    screen = at_terminal(str(path))
    screen.until(name)
    screen.press(f"{TAB}{typed}")
    screen.until(f"{model}  ")  # in the bar, with its latency
    screen.press(SAVE)
    screen.until("saved")
    assert path.read_text() == f"\t{typed}"  # as Tab is without a suggestion


@pytest.mark.parametrize(("flags", "margin"), [((), ""), (("--auto-indent",), "    "), (("--no-auto-indent",), "")])
def test_a_line_is_indented_as_the_one_before_it_only_where_that_is_asked_for(
    flags: tuple[str, ...], margin: str, at_terminal: Callable[..., Screen], tmp_path: Path
) -> None:
    path = tmp_path / "x.zig"  # for which nothing is suggested
    screen = at_terminal(str(path), *flags)
    screen.until("no model fits x.zig: nothing is suggested")
    screen.press(f"    a{ENTER}b{SAVE}")
    screen.until("saved")
    assert path.read_text() == f"    a\n{margin}b"


def test_where_no_model_fits_it_is_said_and_nothing_suggested(at_terminal: Callable[..., Screen], tmp_path: Path) -> None:
    path = tmp_path / "x.zig"
    screen = at_terminal(str(path))
    screen.until("elman: note: no model fits x.zig, so nothing is suggested; --model names one, or the configuration\r\n")
    screen.until("no model fits x.zig: nothing is suggested")
    screen.press(f"fn main{TAB}{SAVE}")
    screen.until("saved")
    assert path.read_text() == "fn main\t"  # as Tab is without a suggestion
    screen.press(END_OF_FILE)
    assert screen.process.wait(WAIT_SECONDS) == 0


async def test_whatever_thread_has_news_the_loop_s_own_draws_them_and_nobody_once_it_has_ended(client: Client) -> None:
    drawn: list[threading.Thread] = []
    with create_pipe_input() as pipe, client.document() as document:
        editor = Editor(document, None, given=pipe, output=DummyOutput())
        editor.application.invalidate = lambda: drawn.append(threading.current_thread())
        for editor.application.loop in (asyncio.get_running_loop(), None):
            await asyncio.to_thread(editor.session.ghost._show)  # pyright: ignore[reportPrivateUsage]
            await asyncio.sleep(0)
    assert drawn == [threading.current_thread()]
