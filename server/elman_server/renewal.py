"""Files that are read again when they change, while the server runs. What is damaged leaves the old in place, told once.

A change is taken once it is the same at two looks: whoever writes the file may be in the middle. Who asks need not wait.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from elman_models.errors import ArtifactError, InvalidField
from elman_server.telemetry.log import log

LOOK_SECONDS: Final = 1.0
"""How often the files are looked at."""

Contents: TypeAlias = Sequence[bytes]
Fields: TypeAlias = Mapping[str, Any]
Take: TypeAlias = Callable[[Contents], None]
"""Checks what was seen, and goes by it from now on. Where it raises something, nothing has changed."""
See: TypeAlias = Callable[[Path], bytes]
"""What is seen of a file: its contents, or what changes with them. Raises OSError."""
PASSING: Final = (OSError, MemoryError)
"""What may be well at the next look, though the files have not changed."""
SAID: Final = (ArtifactError, InvalidField, OSError)
"""What says what is wrong with a file, and no more than that."""


class Events(NamedTuple):
    """What the log says. `taken` is empty where whoever takes it says so."""

    taken: str
    kept: str


class Renewal:
    """Some files that belong together."""

    def __init__(
        self,
        events: Events,
        paths: Sequence[Path],
        take: Take,
        *,
        see: See = Path.read_bytes,
        taken: Contents | None = None,
        fields: Fields | None = None,
    ) -> None:
        """Take what they hold, unless it was `taken` before. Raises InvalidField or OSError. `fields` stand in each line."""
        self._events, self._paths, self._take, self._see, self._fields = events, paths, take, see, fields or {}
        self._taken: Contents = self._read() if taken is None else taken
        self._last: Contents | str = self._taken
        self._refused: Contents | str = ""
        self.trouble = ""
        """Why the old holds, though the files have changed; empty where it is what they hold."""
        if taken is None:
            take(self._taken)

    def look(self, is_asked: bool = False) -> None:
        """Take what has changed; if that is asked for, also what may not be whole yet, and what was refused before."""
        found = self._found()
        is_settled, self._last = is_asked or found == self._last, found
        if is_asked:
            self._refused = self.trouble = ""
        if found == self._taken:
            self._refused = self.trouble = ""
        elif is_settled and found != self._refused:
            self._renew(found)

    def _renew(self, found: Contents | str) -> None:
        if isinstance(found, str):
            self._keep(found)
            return
        try:
            self._take(found)
        except Exception as error:  # whatever is wrong with the new, the old is sound
            self._refused = "" if isinstance(error, PASSING) else found
            self._keep(str(error) if isinstance(error, SAID) else type(error).__name__, error)
            return
        self._taken, self._refused, self.trouble = found, "", ""
        if self._events.taken:
            log(self._events.taken, **self._fields)

    def _found(self) -> Contents | str:
        """What is seen, or why nothing is."""
        try:
            return self._read()
        except OSError as error:
            return str(error)

    def _read(self) -> Contents:
        return [self._see(path) for path in self._paths]

    def _keep(self, trouble: str, error: Exception | None = None) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            log(self._events.kept, logging.WARNING, None if isinstance(error, SAID) else error, **self._fields, reason=trouble)


async def watch(renewals: Sequence[Renewal], asked: asyncio.Event | None = None) -> None:
    """Look at all of them again and again; whoever sets `asked` asks for a look at once."""
    asked = asked or asyncio.Event()
    while True:
        is_asked = await came(asked, LOOK_SECONDS)
        for each in renewals:
            await asyncio.to_thread(each.look, is_asked)  # a file system may be slow


async def came(event: asyncio.Event, seconds: float) -> bool:
    """Whether an event came within the time. It may come again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    is_there = event.is_set()
    event.clear()
    return is_there
