"""One call from arrival to end: what it refuses becomes a status, what it did becomes metrics and one line of the log."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, TypeAlias, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc.aio import ServicerContext

from elman_models.errors import Refused
from elman_server.engine.job import Timing
from elman_server.errors import Busy, Defect
from elman_server.telemetry.log import log
from elman_server.telemetry.metrics import Metrics

PROCESS, NUMBERS = secrets.token_hex(4), count()
"""An identifier is random for the process, then a number for the call: drawing random bytes for each call would cost time."""

Context: TypeAlias = ServicerContext[Any, Any]


class CallRecord:
    """What one call did, for the metrics and the log."""

    def __init__(self, method: str, metrics: Metrics) -> None:
        self.method = method
        self.identifier = f"{PROCESS}{next(NUMBERS):08x}"
        self.model = ""
        self.outcome = "OK"
        self.canonical: Callable[[], Mapping[str, Any]] = dict  # what, with the text, repeats the call; called at its end
        self.timing: Timing | None = None  # of the last of its texts that ended
        self._metrics = metrics
        self._arrived = self._asked = time.monotonic()
        self._last_text = 0.0
        self._characters = 0

    def note_text(self, characters: int) -> None:
        """Measure the time to the first text, and between texts."""
        now = time.monotonic()
        if self._last_text:
            self._metrics.inter_character.observe((now - self._last_text) / characters)
        else:
            self._metrics.first_character.observe(now - self._asked)
        self._last_text = now
        self._characters += characters

    def note_request(self) -> None:
        """Another request of the same call has arrived: measure from here on."""
        self._asked = time.monotonic()
        self._last_text = 0.0

    def note_prefix(self, sent: int, spared: int) -> None:
        """Count the characters of a text that was sent, and those before it that a state spared."""
        self._metrics.prefix_characters.add(sent, "sent")
        self._metrics.prefix_characters.add(spared, "spared")

    def note_suggestion(self, outcome: str) -> None:
        """Count what became of the suggestions for a revision."""
        self._metrics.suggestions.add(1, outcome)

    def note_timing(self, timing: Timing) -> None:
        """Measure how one of the call's texts spent its time."""
        self._metrics.queue_seconds.observe(timing.queue_seconds)
        self.timing = timing

    def finish(self) -> None:
        """Count the call and log it."""
        seconds = time.monotonic() - self._arrived
        self._metrics.requests.add(1, self.method, self.model, self.outcome)
        self._metrics.request_seconds.observe(seconds, self.method)
        self._metrics.generated_characters.add(self._characters)
        log(
            "call",
            identifier=self.identifier,
            method=self.method,
            model=self.model,
            outcome=self.outcome,
            seconds=round(seconds, 6),
            generated_characters=self._characters,
            **self.canonical(),
            **(timing_fields(self.timing) if self.timing else {}),
        )


def timing_fields(timing: Timing) -> dict[str, Any]:
    """The timing as fields of a log line, to the microsecond."""
    return {
        "queue_seconds": round(timing.queue_seconds, 6),
        "prime_seconds": round(timing.prime_seconds, 6),
        "decode_seconds": round(timing.decode_seconds, 6),
    }


@asynccontextmanager
async def answering(method: str, context: Context, metrics: Metrics) -> AsyncGenerator[CallRecord, None]:
    """Run the body of a call; what it raises becomes the call's status."""
    call = CallRecord(method, metrics)
    try:
        yield call
    except Refused as refused:
        call.outcome = refused.status
        await refuse(context, refused)
    except (asyncio.CancelledError, GeneratorExit):
        call.outcome = status_of_leaving(context)
        raise
    except grpc.aio.InternalError as broken:  # a write to a caller who is gone, noticed before the cancel itself
        call.outcome = status_of_leaving(context)
        raise asyncio.CancelledError from broken
    except Exception as error:
        call.outcome = Defect.status
        log("defect", logging.ERROR, error, identifier=call.identifier)
        await refuse(context, Defect(call.identifier))
    finally:
        call.finish()


def status_of_leaving(context: Context) -> str:
    """The status of a call that its caller ended: by leaving, or by running out of time."""
    remaining = cast("float | None", context.time_remaining())
    return "CANCELLED" if remaining is None or remaining > 0 else "DEADLINE_EXCEEDED"


async def refuse(context: Context, refused: Refused) -> None:
    """End the call with the status of what was refused."""
    code = grpc.StatusCode[refused.status]
    if not isinstance(refused, Busy):
        await context.abort(code, str(refused))
        return
    delay = Duration()
    delay.FromMilliseconds(round(refused.retry_seconds * 1000))
    details = AnyMessage()
    details.Pack(RetryInfo(retry_delay=delay))
    status = Status(code=code.value[0], message=str(refused), details=[details])
    pushback = str(delay.ToMilliseconds())
    trailing = (("grpc-status-details-bin", status.SerializeToString()), ("grpc-retry-pushback-ms", pushback))
    await context.abort(code, str(refused), trailing)
