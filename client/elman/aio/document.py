"""The asynchronous face of a document: the same names as `elman.sync.document`, over the same pure core (`draft`)."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Self

from elman.errors import ElmanError, SendTextAgain
from elman.protocol.draft import Draft
from elman.protocol.editable import Editable
from elman.protocol.replicas import Replicas
from elman.protocol.retry import Tries, shorter
from elman.protocol.suggestions import Suggestion

if TYPE_CHECKING:
    from elman.aio.stream import AsyncDocumentStream
    from elman.aio.transport import AsyncTransport


class AsyncDocument(Editable):
    """A document to edit, and what may follow its cursor.

        async with elman.AsyncClient("127.0.0.1:50051") as client, client.document("ROMEO:\\n") as document:
            document.insert("But, so")
            async for suggestion in document.suggestions():
                print(suggestion)                       # "f", "ft! wh", "ft! what light": each is all that is known
            document.accept(characters=4)               # "ft! "

    Edits never wait and are not coroutines. What waits is `suggestions()`: it connects, listens, and goes on at another replica
    where one is lost, without a gap and without a repeat. Other tasks may edit while one draws:

        while await document.wait():                    # in the drawing task, until the document is closed
            async for suggestion in document.suggestions():
                draw(suggestion)
    """

    def __init__(self, draft: Draft, replicas: "Replicas[AsyncTransport]", debounce_seconds: float) -> None:
        super().__init__(draft, nullcontext())
        self._replicas, self._debounce_seconds = replicas, debounce_seconds
        self._stream: AsyncDocumentStream | None = None
        self._tries: Tries | None = None  # of the last call, which may have been given up
        self._edited_at = -debounce_seconds
        self._is_closed = False
        self._is_changed = asyncio.Event()

    def suggestions(self, *, timeout: float | None = None) -> AsyncGenerator[Suggestion]:
        """What is suggested for the present text, each time more is known, until all alternatives have ended.

        If another task edits meanwhile, it goes on with what is suggested for the newer text. It ends at once if nothing is
        suggested: after a deletion, after a dismissal, or once everything was given. `timeout`, in seconds, covers every retry.
        One task at a time. Raises ElmanError, after which it may be called again.
        """
        self._tries = self._replicas.tries(timeout, self._tries)
        return self._suggestions(self._tries)

    async def wait(self) -> bool:
        """Wait until there is something to suggest; False once the document is closed."""
        while not (self._draft.is_waiting or self._is_closed):
            self._is_changed.clear()
            await self._is_changed.wait()
        return not self._is_closed

    async def close(self) -> None:
        """End the stream. The text stays."""
        self._is_closed = True
        self._is_changed.set()
        await self._close_stream()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _suggestions(self, tries: Tries) -> AsyncGenerator[Suggestion]:
        while not self._is_closed:
            try:
                suggestion, stream = self._next(tries)
                if suggestion:
                    yield suggestion
                elif stream:
                    await stream.wait(shorter(self._seconds_to_rest(), tries.seconds_left()))
                else:
                    return
            except ElmanError as error:
                await asyncio.sleep(await self._recover(tries, error))

    def _next(self, tries: Tries) -> "tuple[Suggestion | None, AsyncDocumentStream | None]":
        """A suggestion that is already known, otherwise the stream to wait for; neither if nothing more will come."""
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
        self._edited_at = time.monotonic()
        self._send_requests()
        if self._stream:
            self._stream.wake()
        self._is_changed.set()

    def _send_requests(self) -> None:
        if self._stream:
            for request in self._draft.requests(self._seconds_to_rest() is None):
                self._stream.send(request)

    def _seconds_to_rest(self) -> float | None:
        """How long until suggestions may be asked for after the last edit; None if they may be now."""
        left = self._edited_at + self._debounce_seconds - time.monotonic()
        return left if self._debounce_seconds and left > 0 else None

    async def _recover(self, tries: Tries, error: ElmanError) -> float:
        """The seconds to wait before another replica is tried. Raises the error if none may be."""
        await self._close_stream()
        if self._is_closed or (isinstance(error, SendTextAgain) and self._draft.begin_again()):
            return 0
        return self._replicas.wait_seconds(tries, error, self._draft)

    async def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        self._draft.lose_stream()
        if stream:
            stream.wake()
            await stream.close()
