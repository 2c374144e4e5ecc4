"""The synchronous face of a document: the same names as `elman.aio.document`, over the same pure core (`draft`)."""

import threading
import time
from collections.abc import Generator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from elman.errors import ElmanError, SendTextAgain
from elman.protocol.draft import Draft
from elman.protocol.editable import Editable
from elman.protocol.replicas import Replicas
from elman.protocol.retry import Tries, shorter
from elman.protocol.suggestions import Suggestion

if TYPE_CHECKING:
    from elman.sync.stream import DocumentStream
    from elman.sync.transport import Transport

IDLE_SECONDS: Final = 0.5
"""How long after an edit nobody is taken to be typing."""


class Document(Editable):
    """A document to edit, and what may follow its cursor.

        with elman.Client("127.0.0.1:50051") as client, client.document("ROMEO:\\n") as document:
            document.insert("But, so")
            for suggestion in document.suggestions():
                print(suggestion)                       # "f", "ft! wh", "ft! what light": each is all that is known
            document.accept(characters=4)               # "ft! "
            document.text                               # "ROMEO:\\nBut, soft! "

    Edits never wait. What waits is `suggestions()`: it connects, listens, and goes on at another replica where one is lost,
    without a gap and without a repeat. Several threads may edit while one draws:

        while document.wait():                          # in the drawing thread, until the document is closed
            for suggestion in document.suggestions():
                draw(suggestion)
    """

    def __init__(self, draft: Draft, replicas: "Replicas[Transport]", debounce_seconds: float) -> None:
        self._changed = threading.Condition()
        super().__init__(draft, self._changed)
        self._replicas, self._debounce_seconds = replicas, debounce_seconds
        self._stream: DocumentStream | None = None
        self._edited_at = -debounce_seconds
        self._is_read = False  # whether all around is read, or cannot be
        self._is_closed = False

    def suggestions(self, *, timeout: float | None = None) -> Generator[Suggestion]:
        """What is suggested for the present text, each time more is known, until all alternatives have ended.

        If another thread edits meanwhile, it goes on with what is suggested for the newer text. It ends at once if nothing is
        suggested: after a deletion, after a dismissal, or once everything was given. `timeout`, in seconds, covers every retry.
        One thread at a time. Raises ElmanError, after which it may be called again.
        """
        return self._suggestions(self._replicas.tries(timeout))

    def wait(self) -> bool:
        """Wait until there is something to suggest; False once the document is closed.

        If the document bounds its context and the engine is in this process, what a jump may lead to is read meanwhile.
        """
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._draft.is_waiting or self._is_closed, self._seconds_to_idle()):
                    return not self._is_closed
            self._read_ahead()

    def _read_ahead(self) -> None:
        """Find one state of the text around, unless something else is to be done first."""
        with self._lock:
            stream, edited_at, request = self._stream, self._edited_at, self._draft.idle_request()
        state = b""
        if request and stream:
            state = stream.read(request, lambda: self._edited_at == edited_at and not self._is_closed)
        with self._lock:
            if request:
                self._draft.note_state(request, state)
            self._is_read = not state and self._edited_at == edited_at

    def close(self) -> None:
        """End the stream. The text stays."""
        with self._changed:
            self._is_closed = True
            self._close_stream()
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _suggestions(self, tries: Tries) -> Generator[Suggestion]:
        while not self._is_closed:
            try:
                suggestion, stream = self._next(tries)
                if suggestion:
                    yield suggestion
                elif stream:
                    stream.wait(shorter(self._seconds_to_rest(), tries.seconds_left()))
                else:
                    return
            except ElmanError as error:
                time.sleep(self._recover(tries, error))

    def _next(self, tries: Tries) -> "tuple[Suggestion | None, DocumentStream | None]":
        """A suggestion that is already known, otherwise the stream to wait for; neither if nothing more will come."""
        with self._lock:
            self._take_responses()
            if suggestion := self._draft.next_suggestion():
                return suggestion, None
            if not self._draft.is_waiting or self._is_closed:
                self._ask_for_a_state()
                return None, None
            self._stream = self._stream or self._replicas.transport(tries).follow()
            self._send_requests()
            return None, self._stream

    def _take_responses(self) -> None:
        """Let the draft take what has arrived. Raises what ended the stream."""
        if self._stream is None:
            return
        failure = self._stream.failure
        while heard := self._stream.take():
            if isinstance(heard, tuple):
                self._draft.note_state(*heard)
            else:
                self._draft.receive(heard)
        if failure:
            raise failure

    def _ask_for_a_state(self) -> None:
        """Ask while nothing else is asked: with a state, another replica need not be sent the whole text."""
        if self._stream and (request := self._draft.state_request()):
            self._stream.ask(request)

    def _note_change(self) -> None:
        self._edited_at, self._is_read = time.monotonic(), False
        self._send_requests()
        if self._stream:
            self._stream.wake()
        self._changed.notify_all()

    def _send_requests(self) -> None:
        if self._stream:
            for request in self._draft.requests(self._seconds_to_rest() is None):
                self._stream.send(request)

    def _seconds_to_rest(self) -> float | None:
        """How long until suggestions may be asked for after the last edit; None if they may be now."""
        left = self._edited_at + self._debounce_seconds - time.monotonic()
        return left if self._debounce_seconds and left > 0 else None

    def _seconds_to_idle(self) -> float | None:
        """How long until there is time to read ahead; None if there is nothing to read, or no engine here."""
        if self._is_read or self._stream is None or not self._stream.is_embedded:
            return None
        return max(0.0, self._edited_at + IDLE_SECONDS - time.monotonic())

    def _recover(self, tries: Tries, error: ElmanError) -> float:
        """The seconds to wait before another replica is tried. Raises the error if none may be."""
        with self._lock:
            self._close_stream()
            if self._is_closed or (isinstance(error, SendTextAgain) and self._draft.begin_again()):
                return 0
            return self._replicas.wait_seconds(tries, error, self._draft)

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        self._draft.lose_stream()
        if stream:
            stream.wake()
            stream.close()
