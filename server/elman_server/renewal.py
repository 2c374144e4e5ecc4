"""Files that are read again when they change, while the server runs. What is damaged leaves the old in place, told once."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from elman_models.errors import InvalidField
from elman_server.telemetry.log import log

LOOK_SECONDS: Final = 1.0
"""How often the files are looked at."""

Contents: TypeAlias = Sequence[bytes]
Take: TypeAlias = Callable[[Contents], None]
"""Checks what the files hold, and goes by it from now on. Raises InvalidField, and then nothing has changed."""


class Renewal:
    """Some files that belong together."""

    def __init__(self, what: str, paths: Sequence[Path], take: Take) -> None:
        """Take what they hold. Raises InvalidField or OSError."""
        self._what, self._paths, self._take = what, paths, take
        self._taken: Contents = self._read()
        self._last: Contents | str = self._taken
        self._trouble = ""
        take(self._taken)

    def look(self) -> None:
        """Take what has changed, once it is the same at two looks: whoever writes it may be in the middle."""
        found = self._found()
        is_settled, self._last = found == self._last, found
        if found == self._taken:
            self._trouble = ""
        elif is_settled:
            self._renew(found)

    def _renew(self, found: Contents | str) -> None:
        if isinstance(found, str):
            self._tell(found)
            return
        try:
            self._take(found)
        except (InvalidField, OSError) as error:
            self._tell(str(error))
            return
        self._taken, self._trouble = found, ""
        log(f"{self._what} renewed")

    def _found(self) -> Contents | str:
        """What the files hold, or why they cannot be read."""
        try:
            return self._read()
        except OSError as error:
            return str(error)

    def _read(self) -> Contents:
        return [path.read_bytes() for path in self._paths]

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            log(f"{self._what} not renewed: the old ones hold", logging.WARNING, reason=trouble)


async def watch(renewals: Sequence[Renewal]) -> None:
    """Look at all of them again and again."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        for each in renewals:
            await asyncio.to_thread(each.look)  # a file system may be slow
