"""Changes that are not saved yet, kept beside the file until they are: whatever ends a session, the next one finds them.

.notes.txt.recovery       as the file would be if it were saved; for its owner alone
.notes.txt.recovery2      of a second session with the same file

A session holds a lock on its recovery file, which the system releases when the process ends, however it ends. So an unlocked
one was left behind. Knows neither the text nor the person.
"""

import fcntl
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOST: Final = 9
"""How many recovery files one file may have."""

LONGEST_NAME: Final = 200
"""The most bytes of a file's name that the recovery file's name repeats: a name may have 255."""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A recovery file of a session that has ended."""

    path: Path
    data: bytes
    seconds: float  # when it was written, since the epoch


class Recovery:
    """The recovery file of one session, for the file at `path`. Threads may share it."""

    def __init__(self, path: Path) -> None:
        path = path.resolve()
        name = os.fsdecode(os.fsencode(path.name)[:LONGEST_NAME])
        self._names = [path.with_name(f".{name}.recovery{number if number > 1 else ''}") for number in range(1, MOST + 1)]
        self._mutex = threading.Lock()
        self._path: Path | None = None  # of what this session keeps
        self._lock = -1
        self._data: bytes | None = None

    @property
    def path(self) -> Path | None:
        """Where this session's changes are kept; None while there are none."""
        return self._path

    def left_behind(self) -> LeftBehind | None:
        """What an earlier session has left behind, the newest first. Raises OSError."""
        found = [self._read(path) for path in self._names if path.exists() and not is_locked(path)]
        return max(found, key=lambda one: one.seconds, default=None)

    def is_edited_elsewhere(self) -> bool:
        """Whether another session that still runs has changes of the same file. Raises OSError."""
        return any(path.exists() and is_locked(path) for path in self._names if path != self._path)

    def adopt(self, found: LeftBehind) -> None:
        """Go on with a file that was left behind, as this session's own. Raises OSError."""
        with self._mutex:
            self._write(found.path, found.data)

    def keep(self, data: bytes) -> None:
        """Keep these bytes, until others are kept or dropped. Raises OSError, and then keeps what it kept."""
        with self._mutex:
            if data != self._data:
                self._write(self._path or self._free(), data)

    def drop(self) -> None:
        """Keep nothing: the changes are saved, or not wanted."""
        with self._mutex:
            if self._path is not None:
                self._path.unlink(missing_ok=True)
                self._release()

    def leave_behind(self) -> Path | None:
        """Keep what is kept for the next session; returns where, if anything is."""
        with self._mutex:
            path = self._path
            if path is not None:
                self._release()
            return path

    def _release(self) -> None:
        os.close(self._lock)
        self._path, self._lock, self._data = None, -1, None

    def _free(self) -> Path:
        for path in self._names:
            if not path.exists():
                return path
        raise FileExistsError(f"there are {MOST} already")

    def _write(self, path: Path, data: bytes) -> None:
        """Replace the file by one that is whole and locked before it has the name."""
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        lock = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with open(lock, "wb", closefd=False) as file:
                file.write(data)
                file.flush()
                os.fsync(lock)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            os.close(lock)
            raise
        if self._lock >= 0:
            os.close(self._lock)
        self._path, self._lock, self._data = path, lock, data

    def _read(self, path: Path) -> LeftBehind:
        return LeftBehind(path, path.read_bytes(), path.stat().st_mtime)


def is_locked(path: Path) -> bool:
    """Whether a session that still runs holds a file. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
