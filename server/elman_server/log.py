"""Structured logs: a JSON object a line, on standard error. They are enough to replay a call for one who has the text."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

LOGGER = logging.getLogger("elman")
encode = json.JSONEncoder(ensure_ascii=False).encode


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


def configure(level: str) -> None:
    """Log from this level on to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(level.upper())


def log(event: str, level: int = logging.INFO, exception: BaseException | None = None, **fields: object) -> None:
    """Write one line."""
    if LOGGER.isEnabledFor(level):
        traced = (type(exception), exception, exception.__traceback__) if exception else None
        record = logging.LogRecord(LOGGER.name, level, "", 0, event, None, traced)  # without a search for who called
        record.fields = fields
        LOGGER.handle(record)
