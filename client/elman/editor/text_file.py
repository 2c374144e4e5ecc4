"""A text file that is edited: read as UTF-8 with LF, saved whole, with the line ends and the byte order mark that it had."""

import os
import shlex
from pathlib import Path
from typing import Final

from elman.errors import MendRequest
from elman.terminal import decoded
from elman.text import BYTE_ORDER_MARK

ANYBODY_WRITES: Final = 0o222


class TextFile:
    """A path and what was read from it; a missing file counts as an empty one."""

    def __init__(self, path: Path, data: bytes | None) -> None:
        self.path = path
        self._on_disk = data  # as far as this session knows; None: no such file
        text = decoded(str(path), data or b"")
        self._mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
        both, any_end = text.count("\r\n"), text.count("\n")
        if both not in (0, any_end):
            kinds = f"{both:,} of {any_end:,} lines end with CR LF, the others with LF"
            raise MendRequest(f"{path}: {kinds}; make them alike first, for example with: dos2unix")
        self._line_end = line_end_of(text)
        self.text: str = as_edited(text)
        if "\r\n" in self.text:
            raise MendRequest(f"{path}: some lines end with CR CR LF; make them alike first, for example with: dos2unix")

    @classmethod
    def read(cls, path: Path) -> "TextFile":
        """Read a file. Raises OSError, or MendRequest for what could not be saved, or not as it was."""
        target = path.resolve()
        if not target.parent.is_dir():
            raise MendRequest(
                f"{path}: its folder does not exist; make it first with: mkdir -p {shlex.quote(str(target.parent))}"
            )
        if target.exists() and not target.is_file():
            raise MendRequest(f"{path} is a {'folder' if target.is_dir() else 'special file'}, not a text file")
        return cls(path, contents(target))

    @property
    def is_writable(self) -> bool:
        """Whether the folder takes files: one is saved under another name first, and then renamed."""
        return os.access(self.path.resolve().parent, os.W_OK | os.X_OK)

    @property
    def is_read_only(self) -> bool:
        """Whether there is a file that may not be written to. Its folder may let it be replaced all the same."""
        path = self.path.resolve()
        return path.exists() and not (path.stat().st_mode & ANYBODY_WRITES and os.access(path, os.W_OK))

    @property
    def is_changed_on_disk(self) -> bool:
        """Whether something else has written to the file since it was read or saved. A file that is gone has not changed."""
        try:
            now = contents(self.path.resolve())
        except OSError:
            return False  # saving says what is wrong
        return now is not None and now != self._on_disk

    def encoded(self, text: str) -> bytes:
        """The bytes of the file with this text."""
        return f"{self._mark}{text}".replace("\n", self._line_end).encode()

    def save(self, text: str) -> None:
        """Replace the file; whatever happens, it is wholly the old one or wholly the new one. Raises OSError."""
        path, data = self.path.resolve(), self.encoded(text)  # a link stays one
        partial = path.with_name(f".elman.{os.getpid()}.partial")  # of a length that any folder takes
        try:
            with partial.open("wb") as file:
                if path.exists():
                    os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        self._on_disk = data


def contents(path: Path) -> bytes | None:
    """The bytes of a file; None if there is none. Raises OSError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def as_edited(text: str) -> str:
    """A file's text without its byte order mark, and with LF. A CR among lines that end otherwise stays."""
    return text.removeprefix(BYTE_ORDER_MARK).replace(line_end_of(text), "\n")


def line_end_of(text: str) -> str:
    """What its lines end with: CRLF or LF, or CR if that is all there is."""
    if "\r\n" in text:
        return "\r\n"
    return "\r" if "\r" in text and "\n" not in text else "\n"
