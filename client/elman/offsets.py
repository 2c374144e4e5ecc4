"""Offsets as others count them: some editors count UTF-16 code units, others UTF-8 bytes; elman counts code points.

    "a😀b"    code points:  a 0   😀 1   b 2
              UTF-16:       a 0   😀 1   b 3      (LSP, VS Code, JavaScript, Java, .NET, Qt)
              UTF-8:        a 0   😀 1   b 5      (Vim, Go, Rust)

An offset belongs to the text that is given with it: a line, or a whole document.
"""

from typing import Final

from elman.errors import MendRequest
from elman.ranges import encodable, in_range

UNIT_BYTES: Final = {"utf-16-le": 2, "utf-8": 1}


def from_utf16(text: str, offset: int) -> int:
    """The offset in code points of an offset in UTF-16 code units. Raises MendRequest, also for the middle of a character."""
    return _decoded(text, offset, "utf-16-le")


def to_utf16(text: str, offset: int) -> int:
    """The offset in UTF-16 code units of an offset in code points. Raises MendRequest."""
    return _encoded(text, offset, "utf-16-le")


def from_utf8(text: str, offset: int) -> int:
    """The offset in code points of an offset in UTF-8 bytes. Raises MendRequest, also for the middle of a character."""
    return _decoded(text, offset, "utf-8")


def to_utf8(text: str, offset: int) -> int:
    """The offset in UTF-8 bytes of an offset in code points. Raises MendRequest."""
    return _encoded(text, offset, "utf-8")


def _decoded(text: str, offset: int, codec: str) -> int:
    data = encodable("text", text).encode(codec)
    in_range("offset", offset, 0, len(data) // UNIT_BYTES[codec])
    try:
        return len(data[: offset * UNIT_BYTES[codec]].decode(codec))
    except UnicodeDecodeError:
        raise MendRequest(f"offset: {offset} lies within a character; allowed: one between two characters") from None


def _encoded(text: str, offset: int, codec: str) -> int:
    in_range("offset", offset, 0, len(text))
    return len(encodable("text", text)[:offset].encode(codec)) // UNIT_BYTES[codec]
