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
        self._seen = self._read()
        take(self._seen)
        self._trouble = ""

    def look(self) -> None:
        """Take what has changed."""
        try:
            contents = self._read()
            if contents == self._seen:
                return
            self._take(contents)
            self._seen, self._trouble = contents, ""
        except (InvalidField, OSError) as error:
            self._tell(str(error))
            return
        log(f"{self._what} renewed")

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
