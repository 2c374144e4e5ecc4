"""A text file that is edited: read as UTF-8 with LF, and saved as a whole with the line ends that it had."""

import os
from dataclasses import dataclass
from pathlib import Path

from elman.errors import MendRequest
from elman.terminal import decoded


@dataclass(frozen=True, slots=True)
class TextFile:
    """A path and what was read from it; a missing file counts as an empty one."""

    path: Path
    text: str
    line_end: str

    @classmethod
    def read(cls, path: Path) -> "TextFile":
        """Read a file. Raises OSError, or MendRequest for what could not be saved as it was."""
        text = decoded(str(path), path.read_bytes() if path.exists() else b"")
        both, any_end = text.count("\r\n"), text.count("\n")
        if both not in (0, any_end):
            kinds = f"{both:,} of {any_end:,} lines end with CR LF, the others with LF"
            raise MendRequest(f"{path}: {kinds}; make them alike first, for example with: dos2unix")
        return cls(path, text.replace("\r\n", "\n"), "\r\n" if both else "\n")

    def save(self, text: str) -> None:
        """Replace the file; whatever happens, it is wholly the old one or wholly the new one. Raises OSError."""
        path = self.path.resolve()  # a link stays one
        partial = path.with_name(f".{path.name}.partial")
        try:
            with partial.open("wb") as file:
                if path.exists():
                    os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
                file.write(text.replace("\n", self.line_end).encode())
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
