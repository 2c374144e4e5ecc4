"""Text in and out of the command line: bytes are UTF-8, nothing is stripped, and a pipe gets no colour."""

import io
import json
import os
import sys
from typing import Any, cast

from elman.errors import MendRequest


def read_text(argument: str | None) -> str:
    """The argument, or else (also for -) standard input unless that is a terminal. Raises MendRequest for other than UTF-8."""
    if argument is not None and argument != "-":
        return decoded("argument", os.fsencode(argument))  # UTF-8 in every locale
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    return decoded("standard input", sys.stdin.buffer.read())


def decoded(source: str, data: bytes) -> str:
    """The text that the bytes are."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise MendRequest(
            f"{source}: byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8 ({error.reason});"
            " convert it first, for example with: iconv -f LATIN1 -t UTF-8"
        ) from None


def use_utf8() -> None:
    """Write text as it is, whatever the locale and the system's line ends."""
    cast("io.TextIOWrapper", sys.stdout).reconfigure(encoding="utf-8", newline="\n")


def write(text: str) -> None:
    """Let it be seen at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def write_json(value: dict[str, Any]) -> None:
    """One object, on one line."""
    write(f"{json.dumps(value, ensure_ascii=False)}\n")


def dim(text: str) -> str:
    """The text in a quieter colour where a person looks."""
    return f"\x1b[2m{text}\x1b[0m" if is_terminal() and "NO_COLOR" not in os.environ else text


def is_terminal() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout.isatty()
