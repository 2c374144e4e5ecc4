"""The process that keeps a model warm for a person's shells, at a Unix socket, and ends when the last of them has ended.

    lock      held as long as the daemon lives: who has it may take away a socket that a dead one left
    socket    of mode 0600, in a folder of mode 0700
    shells    a connection each; a shell that has ended is known by its process too, since its children may hold the connection

One thread answers everyone in turn: a person types in one shell at a time.
"""

import asyncio
import fcntl
import os
import signal
import socket
import struct
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from elman.shell import wire
from elman.shell.conversation import Conversation
from elman.shell.place import made_private
from elman.sync.client import Client

WARM_SECONDS: Final = 0.02
"""How long a shell is to be silent after the commands that it ran, before they are read."""
FIRST_SECONDS: Final = 10.0
"""How long the daemon waits for its first shell."""
LINGER_SECONDS: Final = 1.0
"""How long it waits for another one after the last."""
CREDENTIALS: Final = struct.Struct("3i")  # process, user, group: unix(7)


def serve(path: Path, open_engine: Callable[[], Client], is_private: Callable[[str], bool], ready: Callable[[], None]) -> None:
    """Answer at a socket until no shell is left; return at once where another daemon does.

    What of a shell `is_private` is neither kept nor continued. `ready` is called once shells are listened to. Raises ElmanError
    or OSError.
    """
    made_private(path.parent)
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        with open_engine() as client:
            asyncio.run(Daemon(lambda: Conversation(client, is_private)).run(path, ready))


class Daemon:
    """Counts its shells, and answers them."""

    def __init__(self, converse: Callable[[], Conversation]) -> None:
        self._converse = converse
        self._shells = 0
        self._is_over = asyncio.Event()

    async def run(self, path: Path, ready: Callable[[], None]) -> None:
        """Listen until there are no shells, or SIGTERM comes."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._is_over.set)
        loop.call_later(FIRST_SECONDS, self._end_if_alone)
        with bound(path) as listener:
            server = await asyncio.start_unix_server(self._hear, sock=listener, limit=wire.MOST_BYTES)
            ready()
            await self._is_over.wait()
            server.close()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One shell from its first word to its last."""
        self._shells += 1
        conversation = self._converse()
        try:
            with watched(writer):
                await talk(conversation, reader, writer)
        except (ConnectionError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # it has gone, or it is no shell, or the daemon is to end
        finally:
            conversation.close()
            writer.close()
            self._shells -= 1
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._end_if_alone)

    def _end_if_alone(self) -> None:
        if not self._shells:
            self._is_over.set()


async def talk(conversation: Conversation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer until the shell is gone. Raises an error of asyncio's or a ValueError then."""
    loop = asyncio.get_running_loop()
    warming = loop.call_later(WARM_SECONDS, conversation.warm)
    try:
        while True:
            message = wire.read(await reader.readuntil(wire.END))
            warming.cancel()
            if message.verb == wire.ASK:
                writer.write(wire.answer(message.number, conversation.ask(message.text)))
            else:
                conversation.ran(message.text)
                warming = loop.call_later(WARM_SECONDS, conversation.warm)
    finally:
        warming.cancel()


@contextmanager
def bound(path: Path) -> Generator[socket.socket]:
    """A socket at the path, for this person alone; one that a dead daemon left there gives way."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def watched(writer: asyncio.StreamWriter) -> Generator[None]:
    """Close the connection when the process at its other end has ended, whoever still holds it.

    Raises ConnectionRefusedError for another person's process.
    """
    loop = asyncio.get_running_loop()
    asked = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    process, user, _ = CREDENTIALS.unpack(asked)
    if user != os.getuid():
        raise ConnectionRefusedError(f"of user {user}")
    try:
        handle = os.pidfd_open(process)
    except OSError:  # it has ended, or the kernel is too old: the connection tells
        yield
        return
    loop.add_reader(handle, writer.close)
    try:
        yield
    finally:
        loop.remove_reader(handle)
        os.close(handle)
