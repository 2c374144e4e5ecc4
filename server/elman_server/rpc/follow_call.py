"""One Follow while it lasts: a reader that takes requests as they come, and a writer. Knows no fields of either."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from elman.v1 import completion_service_pb2 as pb
from elman_server.errors import Busy, Unavailable
from elman_server.follow.editing import Witness
from elman_server.follow.session import Session
from elman_server.requests.catalogue import Served
from elman_server.rpc.bell import Bell
from elman_server.rpc.call import CALL_BYTES, CallRecord, Context

Read: TypeAlias = Callable[[], Awaitable[pb.FollowRequest | None]]
"""The next request; None after the last. Raises Refused for bytes that are none."""

OpenSession: TypeAlias = Callable[[Witness, Callable[[], None]], Session]
TURNS = 2
"""After this many turns of the event loop an idle engine has drawn the first character and it is written: time to read on."""

MOST_UNCONSUMED = 1 << 20
"""The next request is taken only while no more characters than this wait to be consumed."""


class FollowCall:
    """Writes what the session has to say, always of the newest revision read."""

    def __init__(self, read: Read, context: Context, call: CallRecord, open_session: OpenSession) -> None:
        self._read, self._context, self._call = read, context, call
        self._session = open_session(call, self._wake)
        self._change, self._room = Bell(), Bell()
        self._failure: Exception | None = None
        self._retry: asyncio.TimerHandle | None = None  # while the queue is full
        call.hold_less = self._hold_less

    @property
    def served(self) -> Served | None:
        """The model of the document; None before the first open."""
        return self._session.pattern.served if self._session.pattern else None

    async def run(self) -> None:
        """Until the requests and what they ask for have ended. Raises what ended the stream otherwise."""
        reading = asyncio.create_task(self._take_all())
        reading.add_done_callback(lambda _: self._wake())
        self._call.release = partial(self._release, reading)
        try:
            await self._write_all(reading)
        except Unavailable:
            await self._context.write(self._session.goodbye())
            raise
        finally:
            self._session.close()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _release(self, reading: asyncio.Task[None]) -> None:
        """Give back what is held for a caller who does not read, and take no more of its requests."""
        reading.cancel()
        self._session.close()

    def _hold_less(self) -> bool:
        if not self._session.is_at_rest:
            return False
        self._session.hold_less()
        self._note_held()
        return True

    def _note_held(self) -> None:
        """Count what is held by now, though it may be more than there is room for."""
        self._call.holding.count(CALL_BYTES + self._session.held_bytes)

    def end(self, failure: Exception) -> None:
        """End the stream with a status, after goodbye if that is Unavailable."""
        self._failure = self._failure or failure
        self._wake()

    def _wake(self) -> None:
        self._change.ring()
        self._room.ring()

    async def _take_all(self) -> None:
        while (request := await self._read()) is not None:
            self._session.take(request)
            self._call.note_request()
            self._begin()
            for _ in range(TURNS):
                await asyncio.sleep(0)
            self._call.holding.hold(CALL_BYTES + self._session.held_bytes)  # until then what decoding takes is counted
            self._note(request)
            del request  # it may be long, and the next a long time off
            while self._session.unconsumed > MOST_UNCONSUMED:
                self._room.mute()
                await self._room.heard()

    def _begin(self) -> None:
        """Let the engine work before the writer asks for it: a turn of the loop less."""
        try:
            self._session.begin()
        except Busy:
            self._wake()  # the writer will try again

    def _note(self, request: pb.FollowRequest) -> None:
        pattern = self._session.pattern
        if request.HasField("open") and pattern:
            self._call.model, self._call.canonical = pattern.served.name, pattern.canonical
            self._call.note_prefix(len(request.open.prefix), pattern.state.position)
        self._call.note_prefix(len(request.edit.insert), 0)

    async def _write_all(self, reading: asyncio.Task[None]) -> None:
        while True:
            self._change.mute()
            while response := self._next(reading):  # nothing may come between this and the write
                await self._call.write(self._context.write(response))
                self._call.written()
            if self._session.is_at_rest:
                self._note_held()
                if reading.done():
                    return
            await self._change.heard()

    def _next(self, reading: asyncio.Task[None]) -> pb.FollowResponse | None:
        """The response to write now. Raises what ended the stream."""
        if self._failure:
            raise self._failure
        if reading.done():
            reading.result()
        try:
            return self._session.next()
        except Busy as full:
            if self._retry is None:
                self._call.note_refused(full)
                self._retry = asyncio.get_running_loop().call_later(full.retry_seconds, self._try_again)
            return None

    def _try_again(self) -> None:
        self._retry = None
        self._wake()
