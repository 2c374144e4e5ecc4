"""Structured logs: a JSON object a line, on standard error. They are enough to replay a call for one who has the text."""

import json
import logging
import sys
import traceback
from typing import Any

LOGGER = logging.getLogger("elman")


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, event, and the fields given as `extra={"fields": ...}`."""
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{record.msecs:03.0f}",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            kind, _, trace = record.exc_info
            line["exception"] = kind.__name__ if kind else None  # what it says may hold the user's text
            line["trace"] = "".join(traceback.format_tb(trace))
        return json.dumps(line, ensure_ascii=False)


def configure(level: str) -> None:
    """Log from this level on to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(level.upper())


def log(event: str, level: int = logging.INFO, exception: BaseException | None = None, **fields: object) -> None:
    """Write one line."""
    LOGGER.log(level, event, exc_info=exception, extra={"fields": fields})
