"""Text in and out of the command line: bytes are UTF-8, nothing is stripped, what is folded is said, and a pipe gets no colour.

What a model was trained on, it may say: characters that command a terminal are shown there as escapes. A pipe gets them as
they are.
"""

import io
import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any, cast

from elman.errors import MendRequest
from elman.text import COMMANDS, escaped, fold


def read_text(argument: str | None, most_bytes: int | None = None) -> str:
    """What `given_text` gives, as a model reads it."""
    return as_read("the text", given_text(argument, most_bytes))


def as_read(what: str, given: str) -> str:
    """The text as a model reads it (elman/text.py); where that is not as it was given, a note says so."""
    text, changes = fold(given)
    if words := str(changes):
        note(f"{what} was folded: {words}")
    return text


def given_text(argument: str | None, most_bytes: int | None = None) -> str:
    """The argument; without one, or for -, standard input unless that is a terminal. Raises MendRequest if it is not UTF-8.

    Of standard input that is longer than `most_bytes`, its end, which is noted.
    """
    if argument is not None and argument != "-":
        text = decoded("argument", os.fsencode(argument))  # UTF-8 in every locale
        if names_a_file(argument):
            name = shlex.quote(argument)
            note(f"{name} is read as text, not as the file of that name; for the file: < {name}")
        return text
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    data = sys.stdin.buffer.read()
    text = decoded("standard input", data)
    if most_bytes is None or len(data) <= most_bytes:
        return text
    note(f"standard input holds {len(data):,} bytes; its last {most_bytes:,} are used")
    return data[-most_bytes:].decode(errors="ignore")  # a character that was cut is left out


def names_a_file(argument: str) -> bool:
    """Whether there is a file of that name."""
    try:
        return Path(argument).is_file()
    except (OSError, ValueError):  # too long for a name, or no name at all
        return False


def decoded(source: str, data: bytes) -> str:
    """The text that the bytes encode. Raises MendRequest if they are not UTF-8; `source` says where they come from."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if (place := data.find(b"\0")) >= 0:
            raise MendRequest(f"{source}: binary, not text (a NUL byte at {place})") from None
        raise MendRequest(
            f"{source}: byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8 ({error.reason});"
            " convert it first, for example with: iconv -f LATIN1 -t UTF-8"
        ) from None


def use_utf8() -> None:
    """Let text be written as UTF-8 with LF, whatever the locale and the system."""
    cast("io.TextIOWrapper", sys.stdout).reconfigure(encoding="utf-8", newline="\n")


def write(text: str) -> None:
    """Write text that is to be seen at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def write_text(text: str) -> None:
    """Write what a model or a person said; on a terminal, what would command it is shown as escapes."""
    write(shown(text))


def write_json(value: dict[str, Any]) -> None:
    """Write one JSON object on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if is_terminal():
        line = COMMANDS.sub(as_json_escape, line)
    write(f"{line}\n")


def as_json_escape(found: re.Match[str]) -> str:
    """A character as JSON may spell it, be it ASCII or not."""
    return f"\\u{ord(found[0]):04x}"


def shown(text: str) -> str:
    """The text as standard output may have it: with escapes such as \\x1b, as Python writes them, if that is a terminal."""
    return escaped(text) if is_terminal() else text


def tell(line: str) -> None:
    """One line on standard error, which people read, wherever it leads: it commands nothing, whatever a file is called."""
    if sys.stderr:
        print(escaped(line), file=sys.stderr, flush=True)


def note(words: str) -> None:
    """One line on standard error about what is done otherwise than a person may expect."""
    tell(f"elman: note: {words}")


def dim(text: str) -> str:
    """The text as it may be shown, in a dimmer colour if standard output is a terminal and NO_COLOR is not set."""
    return f"\x1b[2m{shown(text)}\x1b[0m" if is_terminal() and "NO_COLOR" not in os.environ else shown(text)


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()
