"""What a worker tells its parent, a line of JSON at a time: that it could not start, or, again and again, how it is doing."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from elman_models.errors import ArtifactError, Refused
from elman_server.telemetry.sums import Families


class NotStarted(Exception):
    """A worker could not start; `status` is that of what it refused, as of an error of its own."""

    def __init__(self, message: str, status: str | None) -> None:
        super().__init__(message)
        self.status = status

    @classmethod
    def because(cls, error: Refused | ArtifactError | OSError) -> "NotStarted":
        """What a worker tells of an error."""
        if isinstance(error, Refused):
            return cls(str(error), error.status)
        if isinstance(error, ArtifactError):
            return cls(str(error), "NOT_FOUND")
        words = error.strerror or str(error)
        return cls(f"{error.filename}: {words}" if error.filename else words, None)


class Report(NamedTuple):
    """How a worker is doing."""

    is_alive: bool
    is_ready: bool
    facts: Mapping[str, Any]
    """Where it listens and what it serves, as the log tells it."""
    status: str
    """That of ListModels, for the other workers: what a proto holds, in base64."""
    metrics: Families


def encode(told: Report | NotStarted) -> bytes:
    """A line."""
    fields = {"failed": str(told), "status": told.status} if isinstance(told, NotStarted) else told._asdict()
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def decode(line: bytes) -> Report | NotStarted:
    """What a line tells."""
    fields: dict[str, Any] = orjson.loads(line)
    return NotStarted(fields["failed"], fields["status"]) if "failed" in fields else Report(**fields)
