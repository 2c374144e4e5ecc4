"""What bash and fish have in place of a socket: a small process for each shell that talks to the daemon for it.

    /proc/PID/fd/241    a pipe that the shell writes messages to (wire.py), and with WANT a question of its own
    /proc/PID/fd/242    a pipe that it then reads the answer from, which comes within PATIENCE_SECONDS, whatever has happened

Neither shell can hold a socket, and fish not even a file; but both can open these for a moment, and they are gone with the
process, so that nothing is ever waited for that is not there. It ends when the shell has ended. It imports little, to be small.
"""

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from elman.shell import wire

ASKED, SAID = 241, 242
"""The ends of the pipes that the scripts know."""
PATIENCE_SECONDS: Final = 0.15
"""How long a person may have to wait who has asked by a key."""
KEPT_COMMANDS: Final = 50
LONGEST: Final = 1000
HISTORY_LINE: Final = re.compile(rb" *(\d+)\*?  (.+)\n", re.DOTALL)
LAUNCHES, BETWEEN_SECONDS = 3, 5.0
"""How often a daemon is started in vain, and how long after one another."""


def main(shell: int, path: Path, serve: Sequence[str]) -> None:
    """Pass on what the shell says until it has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the daemon
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the shell's
    ended = os.pidfd_open(shell)
    asked, said = pipe_at(ASKED), pipe_at(SAID, is_read_there=True)
    with selectors.DefaultSelector() as selector:
        selector.register(ended, selectors.EVENT_READ)
        selector.register(asked, selectors.EVENT_READ)
        link = Link(path, serve, lambda told: selector.register(told, selectors.EVENT_READ))
        link.connect()
        unread = b""
        while ended not in (ready := {key.fd for key, _ in selector.select()}):
            for told in ready - {asked}:
                selector.unregister(told)
                link.meet(told)
            if asked not in ready:
                continue
            *messages, unread = (unread + os.read(asked, wire.MOST_BYTES)).split(wire.END)
            for message in messages:
                if message.startswith(wire.WANT):
                    number, _, line = message.removeprefix(wire.WANT).partition(b"\t")
                    os.write(said, number + b"\t" + link.ghost(line) + wire.END)
                elif message.startswith(wire.DID):
                    link.did(message.removeprefix(wire.DID))
                else:
                    link.ran(message)


def pipe_at(number: int, *, is_read_there: bool = False) -> int:
    """A pipe that the shell knows by the number of one end; returns the other. This process holds both."""
    read, write = os.pipe()
    shells, own = (read, write) if is_read_there else (write, read)
    os.dup2(shells, number, inheritable=False)
    os.close(shells)
    return own


class Link:
    """The connection to the daemon, made anew where it is lost."""

    def __init__(self, path: Path, serve: Sequence[str], await_readable: Callable[[int], object]) -> None:
        self._path, self._serve, self._await_readable = path, serve, await_readable
        self._past: deque[bytes] = deque(maxlen=KEPT_COMMANDS)
        self._daemon: socket.socket | None = None
        self._launches, self._launched = 0, -BETWEEN_SECONDS
        self._number, self._event = 0, b""

    def did(self, line: bytes) -> None:
        """The last line of bash's history, which is the same where nothing was entered that it keeps."""
        found = HISTORY_LINE.fullmatch(line)
        if found and found[1] != self._event:
            self._event = found[1]
            if not found[2].startswith((b" ", b"\t")) and len(found[2]) <= LONGEST:
                self.ran(wire.RAN.encode() + b"\t" + found[2])

    def ran(self, message: bytes) -> None:
        """A command was entered."""
        self._past.append(message)
        if self._daemon:
            self._send(message)

    def ghost(self, line: bytes) -> bytes:
        """What the daemon says to a line, within the time that there is; nothing otherwise."""
        end = time.monotonic() + PATIENCE_SECONDS
        if not self._daemon:
            self.connect()
        self._number += 1
        self._send(b"%b\t%d\t%b" % (wire.ASK.encode(), self._number, line))
        begin = b"%d\t" % self._number
        return next((each.removeprefix(begin) for each in self._answers(end) if each.startswith(begin)), b"")

    def _answers(self, end: float) -> Iterator[bytes]:
        heard = b""
        while self._daemon and (left := end - time.monotonic()) > 0:
            self._daemon.settimeout(left)
            try:
                piece = self._daemon.recv(wire.MOST_BYTES)
            except OSError as error:
                if isinstance(error, TimeoutError):
                    return
                piece = b""
            if not piece:
                self._leave()
            *answers, heard = (heard + piece).split(wire.END)
            yield from answers

    def connect(self) -> None:
        """Find the daemon and tell it what was entered before, or start one for the next time."""
        daemon = socket.socket(socket.AF_UNIX)
        daemon.settimeout(PATIENCE_SECONDS)
        try:
            if self._path.stat().st_uid != os.getuid():
                raise PermissionError(self._path)
            daemon.connect(str(self._path))
        except OSError:
            daemon.close()
            self._launch()
            return
        self._daemon, self._launches = daemon, 0
        for message in self._past:
            self._send(message)

    def _send(self, message: bytes) -> None:
        try:
            if self._daemon:
                self._daemon.sendall(message + wire.END)
        except OSError:
            self._leave()

    def _leave(self) -> None:
        if self._daemon:
            self._daemon.close()
        self._daemon = None

    def meet(self, told: int) -> None:
        """The daemon that was started listens, as it has told here; or there is another, or none can be."""
        os.close(told)
        if not self._daemon:
            self.connect()

    def _launch(self) -> None:
        """Start a daemon, which says when it listens, unless that was in vain too often."""
        if self._launches < LAUNCHES and time.monotonic() - self._launched >= BETWEEN_SECONDS:
            self._launches, self._launched = self._launches + 1, time.monotonic()
            nothing = subprocess.DEVNULL
            told, tell = os.pipe()
            subprocess.Popen(self._serve, stdin=nothing, stdout=tell, stderr=nothing, start_new_session=True)  # noqa: S603 (the script's)
            os.close(tell)
            self._await_readable(told)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
