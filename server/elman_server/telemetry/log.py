"""Structured logs: one JSON object a line, on standard error. With the text, a line is enough to replay its call."""

import asyncio
import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

LOGGER = logging.getLogger("elman")
PATIENCE_SECONDS = 0.05


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, event, and the fields given as `extra={"fields": ...}`."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            kind, _, trace = record.exc_info
            line["exception"] = kind.__name__ if kind else None  # what it says may hold the user's text
            line["trace"] = "".join(traceback.format_tb(trace))
        return encode(line)


class PatientHandler(logging.StreamHandler[TextIO]):
    """Where an event loop runs, writes the lines of a moment in one go, for writing is most of what a line costs.

    Warnings and worse, and what is logged without a loop, are written at once.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._is_due = False

    def emit(self, record: logging.LogRecord) -> None:
        """Format the line now; a warning or worse is written now, too."""
        super().emit(record)
        if record.levelno >= logging.WARNING:
            self._write()

    def flush(self) -> None:
        """Write soon where an event loop runs, and otherwise now."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write()
            return
        if not self._is_due:
            self._is_due = True
            loop.call_later(PATIENCE_SECONDS, self._write)

    def _write(self) -> None:
        self._is_due = False
        super().flush()


def encode(line: dict[str, Any]) -> str:
    """JSON; what cannot be UTF-8, such as the name of a file that is not, is escaped."""
    try:
        return orjson.dumps(line).decode()
    except orjson.JSONEncodeError:
        return json.dumps(line)


def configure(level: str) -> None:
    """Log from this level on to standard error."""
    target = sys.stderr.fileno() if sys.stderr else os.devnull  # standard error may be closed
    stream = open(target, "w", encoding="utf-8", errors="backslashreplace", closefd=not sys.stderr)  # noqa: SIM115 # kept for the process's life
    handler = PatientHandler(stream)
    handler.setFormatter(JsonFormatter())
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(level.upper())
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = (
        False  # no line tells them: half of a record's cost
    )


def log(event: str, level: int = logging.INFO, exception: BaseException | None = None, **fields: object) -> None:
    """Log an event with its fields; an exception adds its class and its trace, not its message, which may hold text."""
    if LOGGER.isEnabledFor(level):
        traced = (type(exception), exception, exception.__traceback__) if exception else None
        record = logging.LogRecord(LOGGER.name, level, "", 0, event, None, traced)  # without a search for who called
        record.fields = fields
        LOGGER.handle(record)
