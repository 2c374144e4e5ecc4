"""Structured logs: one JSON object a line, on standard error. With the text, a line is enough to replay its call.

Nobody waits for who reads them (`writer`).
"""

import asyncio
import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson

from elman_server.telemetry.writer import Writer

LOGGER = logging.getLogger("elman")
PATIENCE_SECONDS = 0.05


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON; what is `always` told follows the event."""

    def __init__(self, **always: object) -> None:
        super().__init__()
        self._always = always

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, event, and the fields given as `extra={"fields": ...}`."""
        event = record.msg if record.name == LOGGER.name else f"a warning of {record.name}"  # whose words may hold text
        line = {**head(record.levelname.lower(), str(event), record.created), **self._always, **getattr(record, "fields", {})}
        if record.exc_info:
            kind, _, trace = record.exc_info
            line["exception"] = kind.__name__ if kind else None  # what it says may hold the user's text
            line["trace"] = "".join(traceback.format_tb(trace))
        return encode(line)


class PatientHandler(logging.StreamHandler[Writer]):
    """Where an event loop runs, hands the lines of a moment over in one go, for that is most of what a line costs.

    Warnings and worse, and what is logged without a loop, are handed over at once.
    """

    def __init__(self, stream: Writer) -> None:
        super().__init__(stream)
        self._is_due = False

    def emit(self, record: logging.LogRecord) -> None:
        """Format the line now; a warning or worse is handed over now, too."""
        super().emit(record)
        if record.levelno >= logging.WARNING:
            self._hand_over()

    def flush(self) -> None:
        """Hand over soon where an event loop runs, and otherwise now."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._hand_over()
            return
        if not self._is_due:
            self._is_due = True
            loop.call_later(PATIENCE_SECONDS, self._hand_over)

    def _hand_over(self) -> None:
        self._is_due = False
        super().flush()


def encode(line: dict[str, Any]) -> str:
    """JSON; what cannot be UTF-8, such as the name of a file that is not, is escaped."""
    try:
        return orjson.dumps(line).decode()
    except orjson.JSONEncodeError:
        return json.dumps(line)


def configure(level: str, **always: object) -> Writer:
    """Log from this level on to standard error, and let nothing but these lines go there; returns what writes them.

    What is `always` told is a field of each line.
    """
    descriptor = sys.stderr.fileno() if sys.stderr else os.open(os.devnull, os.O_WRONLY)  # standard error may be closed
    writer = Writer(descriptor, lambda lines: encode({**head("warning", "log lines dropped"), **always, "lines": lines}) + "\n")
    handler = PatientHandler(writer)
    handler.setFormatter(JsonFormatter(**always))
    logging.getLogger().handlers = [handler]  # what libraries warn of comes as such a line, too
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(level.upper())
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = (
        False  # no line tells them: half of a record's cost
    )
    return writer


def head(level: str, event: str, seconds: float | None = None) -> dict[str, Any]:
    """What every line begins with."""
    moment = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return {"time": moment.isoformat(timespec="milliseconds"), "level": level, "event": event}


def log(event: str, level: int = logging.INFO, exception: BaseException | None = None, **fields: object) -> None:
    """Log an event with its fields; an exception adds its class and its trace, not its message, which may hold text."""
    if LOGGER.isEnabledFor(level):
        traced = (type(exception), exception, exception.__traceback__) if exception else None
        record = logging.LogRecord(LOGGER.name, level, "", 0, event, None, traced)  # without a search for who called
        record.fields = fields
        LOGGER.handle(record)
