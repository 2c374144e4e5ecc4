"""Standard input and output, as the protocol uses them: messages after headers. Nothing else may write there."""

import asyncio
import os
import select
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

HEADERS_END: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length:"
MOST_BYTES: Final = 1 << 28
"""A longer message is passed over, unless another bound is given."""
AT_ONCE: Final = 1 << 16


class Output:
    """Where messages are written. It waits for an editor that does not read, and with it all else: nothing piles up."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._is_read = True

    @classmethod
    def take(cls) -> "Output":
        """Take standard output for the protocol alone: what anything else prints goes to standard error."""
        sys.stdout.flush()
        if sys.stderr is None:  # it is closed, and its number is free: the protocol's file would get it, and what is printed
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        file = os.dup(1)
        os.dup2(2, 1)
        return cls(file)

    def write(self, data: bytes) -> None:
        """Write all, unless nobody is there any more: then the input ends as well."""
        left = memoryview(data)
        while left and self._is_read:
            try:
                left = left[os.write(self._file, left) :]
            except BlockingIOError:  # it may be one thing with standard input, which does not block
                select.select([], [self._file], [])
            except OSError:
                self._is_read = False


async def standard_input() -> asyncio.StreamReader:
    """Standard input, in the event loop; nothing if it is closed."""
    reader = asyncio.StreamReader(AT_ONCE)
    if sys.stdin is not None and is_waited_for(sys.stdin.fileno()):
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        return reader
    if sys.stdin is not None:
        reader.feed_data(sys.stdin.buffer.read())
    reader.feed_eof()
    return reader


def is_waited_for(file: int) -> bool:
    """Whether an event loop can wait for a file: for a pipe, a socket or a terminal, not for /dev/null or one on a disk."""
    mode = os.fstat(file).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(file)


async def bodies(reader: asyncio.StreamReader, most_bytes: int = MOST_BYTES) -> AsyncIterator[bytes]:
    """The bodies of messages, until the editor has gone; headers that tell no length, or too great a one, are passed over."""
    with suppress(asyncio.IncompleteReadError):
        while True:
            size = length_of(await headers(reader))
            if size > most_bytes:
                await skip(reader, size)
            elif size:
                yield await reader.readexactly(size)


async def headers(reader: asyncio.StreamReader) -> bytes:
    """All before a body. Raises IncompleteReadError at the end."""
    while True:
        try:
            return await reader.readuntil(HEADERS_END)
        except asyncio.LimitOverrunError as error:
            await reader.readexactly(error.consumed)


async def skip(reader: asyncio.StreamReader, size: int) -> None:
    """Read and forget."""
    while size:
        size -= len(await reader.readexactly(min(size, AT_ONCE)))


def length_of(headers: bytes) -> int:
    """How long the body is; 0 if that is not told."""
    for line in headers.splitlines():
        if line.lower().startswith(LENGTH) and line[len(LENGTH) :].strip().isdigit():
            return int(line[len(LENGTH) :])
    return 0
