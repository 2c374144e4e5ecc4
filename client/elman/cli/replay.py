"""Records of `elman complete --json`: written so that any program can carry them, read back, and held to what they say."""

import json
import sys
from base64 import b64decode
from binascii import Error as NotBase64
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from elman.errors import ElmanError, MendRequest
from elman.protocol.fields import COMPLETE_FIELDS
from elman.protocol.results import Alternative
from elman.terminal import decoded
from elman.text import BYTE_ORDER_MARK

FIELDS: Final = {each.name: each for each in COMPLETE_FIELDS}


class Recorded(NamedTuple):
    """What a record asks for, and what came of it."""

    prefix: str
    model: str
    fields: dict[str, Any]  # keywords of `Client.complete`
    texts: list[str]  # of its alternatives


def for_programs(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its seeds as strings: many programs round numbers above 2^53."""
    request = record["request"]
    return record | {"seed": str(record["seed"]), "request": request | {"seed": str(request["seed"])}}


def read_record(path: Path) -> Recorded:
    """The record in a file, or for - in standard input. Raises MendRequest or OSError."""
    path, data = (Path("standard input"), sys.stdin.buffer.read()) if path == Path("-") else (path, path.read_bytes())
    try:
        record = json.loads(decoded(str(path), data).removeprefix(BYTE_ORDER_MARK))
        request = dict(record["request"])
        texts = [str(each["text"]) for each in record["alternatives"]]
        prefix, model = str(request.pop("prefix")), str(request.pop("model"))
    except json.JSONDecodeError as error:
        raise MendRequest(f"{path}: no record of elman complete --json: it is not JSON: {error}") from None
    except KeyError as error:
        raise MendRequest(f"{path}: no record of elman complete --json: {error} is missing") from None
    except (ValueError, TypeError):
        raise MendRequest(f"{path}: no record of elman complete --json: it is JSON of another shape") from None
    if lacking := FIELDS.keys() ^ request.keys():
        raise MendRequest(f"{path}: request: {', '.join(sorted(lacking))}: missing, or unknown to this version")
    return Recorded(prefix, model, {name: value_of(path, name, value) for name, value in request.items()}, texts)


def value_of(path: Path, name: str, value: object) -> object:
    """A value of the request as `Client.complete` takes it. Raises MendRequest."""
    try:
        if name == "seed":
            value = int(cast("str", value))
        if name == "state":
            value = b64decode(cast("str", value), validate=True)
    except (ValueError, TypeError, NotBase64):
        raise MendRequest.of_field(f"{path}: request.{name}", value, FIELDS[name].kind.allowed) from None
    FIELDS[name].check(value, lambda _, refused, allowed: MendRequest.of_field(f"{path}: request.{name}", refused, allowed))
    return value


def check_replayed(recorded: Recorded, alternatives: list[Alternative]) -> None:
    """Raise ElmanError unless the same came again. The same model answered, so that a difference is one of the record."""
    texts = [each.text for each in alternatives]
    if texts == recorded.texts:
        return
    pairs = zip(texts, recorded.texts, strict=False)
    number = next((index for index, (text, old) in enumerate(pairs) if text != old), min(len(texts), len(recorded.texts)))
    raise ElmanError(
        f"alternative {number} differs from the record, whose request or text has been changed: the same model, parameters"
        " and seed always give the same text"
    )
