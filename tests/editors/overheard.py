"""What an editor has told a language server of its texts, put together from the bytes between them.

Positions are taken as the protocol defines them, in UTF-16 code units, by code that shares nothing with server or plugins.
"""

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


def overheard(command: Sequence[str], log: Path) -> list[str]:
    """A command that does the same and writes all that it is told to a file."""
    return ["sh", "-c", f"tee {shlex.quote(str(log))} | {shlex.join(command)}"]


def texts(log: Path) -> dict[str, str]:
    """Each open document's text, by the last part of its URI; none before the server has begun."""
    found: dict[str, str] = {}
    for message in messages(log.read_bytes() if log.exists() else b""):
        match message.get("method"):
            case "textDocument/didOpen":
                document = message["params"]["textDocument"]
                found[name_of(document)] = document["text"]
            case "textDocument/didChange":
                name = name_of(message["params"]["textDocument"])
                for change in message["params"]["contentChanges"]:
                    found[name] = changed(found[name], change)
            case _:
                pass
    return found


def messages(told: bytes) -> Iterator[dict[str, Any]]:
    """The messages that are there as a whole."""
    while b"\r\n\r\n" in told:
        head, told = told.split(b"\r\n\r\n", 1)
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        if len(told) < length:
            return
        yield json.loads(told[:length])
        told = told[length:]


def name_of(document: dict[str, Any]) -> str:
    return str(document["uri"]).rpartition("/")[2]


def changed(text: str, change: dict[str, Any]) -> str:
    """The text after one change."""
    if "range" not in change:
        return str(change["text"])
    lines = [line.encode("utf-16-le", "surrogatepass") for line in text.split("\n")]

    def offset(position: dict[str, int]) -> int:
        line, character = position["line"], position["character"]
        assert 0 <= 2 * character <= len(lines[line]), f"no such position: {position}"
        return sum(len(each) + 2 for each in lines[:line]) + 2 * character

    start, end = offset(change["range"]["start"]), offset(change["range"]["end"])
    assert start <= end
    units = "\n".encode("utf-16-le").join(lines)
    return (units[:start] + change["text"].encode("utf-16-le") + units[end:]).decode("utf-16-le")
