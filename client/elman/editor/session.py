"""A text that is edited: the buffer that keys change, the document that follows it, its ghost text, its file and its recovery.

Knows neither keys nor a screen.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document as Shown

from elman.editor.ghost import Ghost
from elman.editor.mirror import Mirror
from elman.editor.recovery import LeftBehind, Recovery
from elman.editor.text_file import TextFile, as_edited
from elman.editor.undo import EditedBuffer
from elman.errors import MendRequest
from elman.protocol.difference import clean, difference
from elman.sync.document import Document
from elman.terminal import decoded


@dataclass(frozen=True, slots=True)
class Question:
    """What the person is asked, and what each key does, which returns whether the session ends. Any other key means: stay."""

    words: str
    answers: Mapping[str, Callable[[], bool]]
    must_be_answered: bool = False


class EditorSession:
    """What keys act on and the view shows. Without a file it is one line. `draw` is called when there is more to see."""

    def __init__(
        self,
        document: Document,
        file: TextFile | None,
        draw: Callable[[], None],
        other_model: str | None = None,
        silence: str = "",
    ) -> None:
        self.file, self.message = file, ""
        self.question: Question | None = None
        self.used: set[str] = set()
        """The names of the keys that were used, which need not be shown any longer."""
        self.document = document
        self.ghost = Ghost(document, draw, other_model, silence)
        self._recovery = Recovery(file.path) if file else None
        self._saved: str = file.text if file else document.text
        self._mirror = Mirror(document, self._saved, suggests=not silence)
        self.buffer = EditedBuffer(multiline=file is not None, document=Shown(self._saved, document.cursor))
        self.buffer.on_text_changed += self._follow
        self.buffer.on_cursor_position_changed += self._follow
        self._look_around()

    @property
    def is_changed(self) -> bool:
        """Whether there is something to be saved."""
        return self.file is not None and self.buffer.text != self._saved

    @property
    def ghost_text(self) -> str:
        """What is shown after the cursor; without a file, only up to the end of the line."""
        text = chosen.text if (chosen := self.ghost.chosen) else ""
        return text if self.file else text.partition("\n")[0]

    def accept(self, characters: int | None = None) -> None:
        """Insert what is shown, or its first characters."""
        try:
            accepted = self.ghost.accept(characters or len(self.ghost_text))
        except MendRequest:  # it has just been withdrawn: the server that made it is gone
            return
        self._mirror.expect(accepted)
        self.buffer.insert_text(accepted)

    def save(self) -> bool:
        """Save the file; returns whether it was. If not, the message says why, or a question was asked."""
        if self.file is None:
            return False
        if self.file.is_changed_on_disk:
            words = f"{self.file.path.name} has been changed by another program. (o)verwrite that, or stay"
            self.question = Question(words, {"o": self._overwrite})
            return False
        return self._write(self.file)

    def _overwrite(self) -> bool:
        if self.file:
            self._write(self.file)
        return False

    def _write(self, file: TextFile) -> bool:
        text = self.buffer.text
        try:
            file.save(text)
        except OSError as error:
            self.message = f"not saved: {error.strerror or error}"
            return False
        self._saved, self.message = text, "saved"
        self._drop()
        return True

    def may_leave(self) -> bool:
        """Whether it can end now. If changes would be lost, the person is asked first."""
        if self.is_changed:
            self.question = Question("Save the changes? (y)es, (n)o, or stay", {"y": self.save, "n": lambda: True})
            return False
        return True

    def answer(self, key: str) -> bool:
        """What the person says to the question; returns whether the session ends."""
        question, self.question = self.question, None
        if question is None:
            return False
        if act := question.answers.get(key):
            return act()
        if question.must_be_answered:
            self.question = question
        return False

    def keep_changes(self) -> None:
        """Bring the recovery file up to date. Threads may call it."""
        if self._recovery is None or self.file is None:
            return
        text = self.buffer.text
        try:
            if text != self._saved:
                self._recovery.keep(self.file.encoded(text))
            else:
                self._recovery.drop()
        except OSError as error:
            self.message = f"unsaved changes cannot be kept: {error.strerror or error}"

    def end(self, is_wanted: bool) -> Path | None:
        """The session is over. Unless the person has wanted that, changes are kept; returns where, if there are any."""
        if self._recovery is None:
            return None
        if is_wanted:
            self._drop()
        else:
            self.keep_changes()
        return self._recovery.leave_behind()

    def _drop(self) -> None:
        if self._recovery:
            self._recovery.drop()

    def _look_around(self) -> None:
        """Say at the start what would be a surprise later, and offer what an earlier session has left behind."""
        if self.file is None or self._recovery is None:
            return
        if not self.file.is_writable:
            self.message = "nothing can be saved here: the folder is read-only"
        try:
            if self._recovery.is_edited_elsewhere():
                self.message = "another elman type has unsaved changes to this file"
            self._offer(self._recovery, self._recovery.left_behind())
        except OSError as error:
            self.message = f"the recovery file cannot be read: {error.strerror or error}"

    def _offer(self, recovery: Recovery, found: LeftBehind | None) -> None:
        if found is None or self.file is None:
            return
        if found.data == self.file.encoded(self._saved):
            found.path.unlink()
            return
        when = time.strftime("%d %b %H:%M", time.localtime(found.seconds))
        answers = {"r": partial(self._recover, recovery, found), "d": partial(self._discard, found), "q": lambda: True}
        self.question = Question(
            f"Unsaved changes from {when}: (r)ecover, (d)iscard, or (q)uit", answers, must_be_answered=True
        )

    def _recover(self, recovery: Recovery, found: LeftBehind) -> bool:
        try:
            text = as_edited(decoded(str(found.path), found.data))
            recovery.adopt(found)
        except (MendRequest, OSError) as error:
            self.message = f"not recovered: {error}"
            return False
        changed = difference(self._saved, text, len(text))
        self.buffer.save_to_undo_stack()
        self.buffer.is_undoing = True
        self.buffer.document = Shown(text, changed.start + len(changed.inserted))
        self.buffer.is_undoing = False
        self.message = "recovered, not saved yet"
        return False

    def _discard(self, found: LeftBehind) -> bool:
        found.path.unlink(missing_ok=True)
        return False

    def _follow(self, buffer: Buffer) -> None:
        """Let the document follow the buffer."""
        try:
            if self._mirror.show(buffer.text, buffer.cursor_position, is_typed=not self.buffer.is_undoing):
                self.ghost.note_edit()
                self.message = ""
        except MendRequest:
            text = clean(buffer.text)
            buffer.document = Shown(text, min(buffer.cursor_position, len(text)))  # comes back here
