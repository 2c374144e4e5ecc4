"""One call from arrival to end: what it refuses becomes a status, what it did becomes metrics and one line of the log."""

import asyncio
import logging
import re
import secrets
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final, TypeAlias, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc.aio import ServicerContext

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import Amount, InvalidField, Refused
from elman_server.engine.budget import Budget
from elman_server.engine.job import LAST_SHARE, Timing
from elman_server.errors import Busy, Defect, Shortage, TooLate, TooSlow
from elman_server.security.guard import GRANT
from elman_server.telemetry.log import log
from elman_server.telemetry.metrics import CallsNow, Metrics, reason_of
from elman_server.telemetry.tracing import Span, Tracing

CALL_BYTES: Final = 1 << 15
"""About what a running call holds, whatever was asked: its task, its stream, and text on its way."""
CALLER_SECONDS: Final = 60.0
"""How long a call waits for its caller to send its one request, or to read."""

IDLE_SECONDS: Final = 10.0
"""Where nothing was asked for so long, a call makes do with less memory; at once where there is little left."""
LITTLE_LEFT: Final = 0.25
"""Of the budget."""
QUIET_SECONDS: Final = 0.005
"""A call that gRPC's core has is taken within less: it takes some turns of the event loop."""
LONGEST_WAIT_SECONDS: Final = 0.5
"""How long to wait for such a moment where calls come all the time."""

SERVICE: Final = pb.DESCRIPTOR.services_by_name["CompletionService"]
METHODS: Final = {f"/{SERVICE.full_name}/{name}": name for name in SERVICE.methods_by_name}


class Identifiers:
    """Random for the process, then a number for the call: drawing random bytes for each call would cost time."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin anew, as a process does that was forked."""
        self._process, self._numbers = secrets.token_hex(4), count()

    def next(self) -> str:
        """Another one."""
        return f"{self._process}{next(self._numbers):08x}"


IDENTIFIERS = Identifiers()

REQUEST_ID: Final = "x-request-id"
TRACE_CONTEXT: Final = ("traceparent", "tracestate")
A_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")

Context: TypeAlias = ServicerContext[Any, Any]


class CallRecord:
    """What one call did, for the metrics and the log."""

    def __init__(self, method: str, peer: str, metrics: Metrics, budget: Budget, tracing: Tracing | None = None) -> None:
        self.method = method
        self._tracing = tracing
        self._metadata: Sequence[tuple[str, str]] = ()
        self.holding = budget.open()
        self.failure: Refused | None = None  # why it was ended from outside
        self.peer = peer
        self._task = asyncio.current_task()
        self._waits_for_reading = self._waits_for_writing = False
        self._has_come = False  # its request, or the first of them
        self._messages = 0  # read and written
        self._seen = (-1, 0.0)  # how many there were when `end_if_stalled` last saw more, and when
        self.release: Callable[[], None] = do_nothing  # gives back what the call holds
        self.hold_less: Callable[[], bool] = has_nothing_to_spare  # gives back what it can do without, if it does nothing now
        self._holds_less = False
        self.identifier = IDENTIFIERS.next()
        self._request_id = ""  # the caller's own
        self.model = ""
        self.outcome = "OK"
        self.canonical: Callable[[], Mapping[str, Any]] = dict  # what, with the text, repeats the call; called at its end
        self.timing: Timing | None = None  # of the last of its texts that ended
        self._metrics = metrics
        self._grant = GRANT.get()
        self._has_begun = False
        self._arrived = self._asked = time.monotonic()
        self._seconds = 0.0  # that it took, once it has ended
        self._last_text = 0.0
        self._characters = 0

    def begin(self, context: Context) -> None:
        """Take what came with the call, and count it among those of its token. Raises InvalidField or OverLimit."""
        self._take_metadata(context)
        if self._grant:
            self._grant.begin()
            self._has_begun = True

    def _take_metadata(self, context: Context) -> None:
        """Log the caller's own identifier of the call, if there is one, and put it into the trailers. Raises InvalidField."""
        metadata = [(name, str(value)) for name, value in context.invocation_metadata() or ()]
        self._metadata = [each for each in metadata if each[0] in TRACE_CONTEXT] if self._tracing else ()
        given = [value for name, value in metadata if name == REQUEST_ID]
        if not given:
            return
        if len(given) > 1:
            raise InvalidField(REQUEST_ID, Amount(f"{len(given)} values"), "one")
        (request_id,) = given
        if not A_REQUEST_ID.fullmatch(request_id):
            raise InvalidField(REQUEST_ID, request_id, "1 to 128 letters, digits and any of ._:/+=@-")
        self._request_id = request_id
        context.set_trailing_metadata(((REQUEST_ID, request_id),))

    def check_grant(self) -> None:
        """Raise Revoked or OverLimit where the call's token grants no more for now."""
        if self._grant:
            self._grant.check()

    def spend(self, characters: int) -> None:
        """Count characters that were sent or got among those of the call's token."""
        if self._grant:
            self._grant.spend(characters)

    def reading(self, reads: bool) -> None:
        """Note that the call waits for its one request, or does no longer; not for ever (`end_if_stalled`)."""
        self._waits_for_reading = reads
        self._has_come = not reads

    def write(self, writing: Awaitable[None]) -> Awaitable[None]:
        """What to await to write a response, after which comes `written`."""
        self._waits_for_writing = True
        self._messages += 1
        return writing

    def written(self) -> None:
        """A response is written. Raises TooSlow if that took so long that what the call held was released."""
        self._waits_for_writing = False
        if self.failure:
            raise self.failure

    def end_if_stalled(self, now: float) -> None:
        """End the call if it has waited too long for its caller, from the first look on that saw it.

        gRPC cannot end a call while a response is being written (grpcio 1.82). So the call only gives back what it holds, and
        is told its end once its caller reads again.
        """
        if self.failure or not (self._waits_for_reading or self._waits_for_writing):
            self._seen = (-1, 0.0)
        elif self._seen[0] != self._messages:
            self._seen = (self._messages, now)
        elif now - self._seen[1] > CALLER_SECONDS:
            self._end_stalled()

    def _end_stalled(self) -> None:
        self.failure = TooSlow(CALLER_SECONDS)
        if self._waits_for_writing:
            self.release()
            self.holding.hold(CALL_BYTES)
        elif self._task:
            self._task.cancel()

    def hold_less_if_idle_since(self, time: float) -> bool:
        """Give back what the call can do without, if nothing was asked since; whether it did so now."""
        if self._holds_less or self._asked > time:
            return False
        self._holds_less = self.hold_less()
        return self._holds_less

    async def refuse_if_failed(self, context: Context) -> None:
        """End the call with the status of what it raised, if it raised anything."""
        if self.failure:
            await refuse(context, self.failure)

    def note_text(self, characters: int) -> None:
        """Measure the time to the first text, and between texts."""
        now = time.monotonic()
        if self._last_text:
            self._metrics.inter_character.observe((now - self._last_text) / characters)
        else:
            self._metrics.first_character.observe(now - self._asked)
        self._last_text = now
        self._characters += characters
        self.spend(characters)

    def note_request(self) -> None:
        """Another request of the same call has arrived: measure from here on."""
        self._has_come, self._holds_less = True, False
        self._asked = time.monotonic()
        self._last_text = 0.0

    def note_prefix(self, sent: int, spared: int) -> None:
        """Count the characters of a text that was sent, and those before it that a state spared."""
        self._metrics.prefix_characters.add(sent, "sent")
        self._metrics.prefix_characters.add(spared, "spared")
        self.spend(sent)

    def note_suggestion(self, outcome: str) -> None:
        """Count what became of the suggestions for a revision."""
        self._metrics.suggestions.add(1, outcome)

    def note_timing(self, timing: Timing) -> None:
        """Measure how one of the call's texts spent its time."""
        self._metrics.queue_seconds.observe(timing.queue_seconds)
        self.timing = timing

    @property
    def seconds(self) -> float:
        """How long ago the call arrived."""
        return time.monotonic() - self._arrived

    @property
    def waits_for_reader(self) -> bool:
        """Whether a response waits for the caller to read."""
        return self._waits_for_writing

    def note_refused(self, refused: Refused) -> None:
        """Count what was refused, by its reason."""
        self._metrics.refusals.add(1, reason_of(type(refused)))

    @property
    def came_to_nothing(self) -> bool:
        """Whether it ended before its request came: its caller left, or nothing could have ended in time."""
        return not self._has_come and (isinstance(self.failure, TooLate) or self.outcome == "CANCELLED")

    def finish(self) -> None:
        """Count the call; it holds nothing any more."""
        self.holding.close()
        if self._grant and self._has_begun:
            self._grant.end()
        self._seconds = self.seconds
        self._metrics.requests.add(1, self.method, self.model, self.outcome)
        self._metrics.request_seconds.observe(self._seconds, self.method)
        self._metrics.generated_characters.add(self._characters)

    def tell(self) -> None:
        """Log how it ended, and trace it."""
        log(
            "call",
            identifier=self.identifier,
            **({"request_id": self._request_id} if self._request_id else {}),
            method=self.method,
            model=self.model,
            outcome=self.outcome,
            **({"bearer": self._grant.line.name} if self._grant else {}),
            seconds=round(self._seconds, 6),
            generated_characters=self._characters,
            **self.canonical(),
            **(timing_fields(self.timing) if self.timing else {}),
        )
        if self._tracing:
            self._tracing.tell(Span(self.method, self.outcome, self._seconds, self._metadata, self._attributes()))

    def _attributes(self) -> dict[str, str | int | float]:
        """What a span tells of the call."""
        fields = {
            "identifier": self.identifier,
            "request_id": self._request_id,
            "model": self.model,
            "generated_characters": self._characters,
            **(timing_fields(self.timing) if self.timing else {}),
        }
        return {f"elman.{name}": value for name, value in fields.items() if value != ""}


def do_nothing() -> None:
    """What a call gives back that holds nothing."""


def has_nothing_to_spare() -> bool:
    """What is asked of a call that cannot hold less."""
    return True


def timing_fields(timing: Timing) -> dict[str, Any]:
    """The timing as fields of a log line, to the microsecond."""
    return {
        "queue_seconds": round(timing.queue_seconds, 6),
        "prime_seconds": round(timing.prime_seconds, 6),
        "decode_seconds": round(timing.decode_seconds, 6),
    }


class Calls:
    """All running calls."""

    def __init__(self, metrics: Metrics, budget: Budget, tracing: Tracing | None = None) -> None:
        self._metrics, self._budget, self._tracing = metrics, budget, tracing
        self._running: set[CallRecord] = set()
        self._taken = 0  # calls, ever
        self._refused = self._unread = 0  # for want of a token, and before the request came, since that was last told

    def end_stalled(self) -> None:
        """End the calls that have waited too long for their callers."""
        now = time.monotonic()
        for call in self._running:
            call.end_if_stalled(now)

    async def hold_less(self) -> None:
        """Have the calls of which nothing is asked give back what they can do without, one in each turn of the event loop."""
        is_short = self._budget.held > (1 - LITTLE_LEFT) * self._budget.most
        since = time.monotonic() - (0 if is_short else IDLE_SECONDS)
        for call in tuple(self._running):
            if call in self._running and call.hold_less_if_idle_since(since):
                await asyncio.sleep(0)

    def now(self) -> CallsNow:
        """What is running."""
        methods = Counter(call.method for call in self._running)
        return CallsNow(
            methods, len({call.peer for call in self._running}), sum(call.waits_for_reader for call in self._running)
        )

    async def until_none_comes(self) -> None:
        """Wait for a moment in which no call is taken, but not for long.

        grpc.aio takes one at a time from its core, and what it has not taken when it stops ends CANCELLED (grpcio 1.85).
        """
        taken, end = -1, time.monotonic() + LONGEST_WAIT_SECONDS
        while taken != self._taken and time.monotonic() < end:
            taken = self._taken
            await asyncio.sleep(QUIET_SECONDS)

    def note_unknown(self) -> None:
        """Count a call of a method that there is not."""
        self._metrics.requests.add(1, "unknown", "", "UNIMPLEMENTED")

    def note_refused(self, method: str) -> None:
        """Count a call that bears no token that is taken."""
        self._metrics.requests.add(1, METHODS.get(method, "unknown"), "", "UNAUTHENTICATED")
        self._refused += 1

    def tell_many(self) -> None:
        """Log how many calls there were that have no line: one for each would let whoever makes them fill the log."""
        if self._refused:
            log("calls without a token refused", logging.WARNING, calls=self._refused)
        if self._unread:
            log("calls ended before their requests came", calls=self._unread)
        self._refused = self._unread = 0

    @asynccontextmanager
    async def answering(self, method: str, context: Context) -> AsyncGenerator[CallRecord, None]:
        """Run the body of a call; what it raises is left to `CallRecord.refuse_if_failed`.

        An abort in here would hold the frames of what was raised, and with them the request, until they are collected.
        """
        call = CallRecord(method, context.peer(), self._metrics, self._budget, self._tracing)
        self._running.add(call)
        self._taken += 1
        try:
            yield call
        except Refused as refused:
            call.failure = refused.with_traceback(None)
        except (asyncio.CancelledError, GeneratorExit):
            if call.failure is None:
                call.outcome = status_of_leaving(context, call.seconds)
                raise
        except grpc.aio.InternalError as broken:  # a write to a caller who is gone, noticed before the cancel itself
            call.outcome = status_of_leaving(context, call.seconds)
            raise asyncio.CancelledError from broken
        except MemoryError:
            call.failure = Shortage()
        except Exception as error:
            log("defect", logging.ERROR, error, identifier=call.identifier)
            call.failure = Defect(call.identifier)
        finally:
            self._running.remove(call)
            if call.failure:
                call.outcome = call.failure.status
                call.note_refused(call.failure)
            call.finish()
            if call.came_to_nothing:
                self._unread += 1
            else:
                call.tell()


def status_of_leaving(context: Context, seconds: float) -> str:
    """The status of a call that its caller ended after as many seconds: by leaving, or by running out of time.

    A caller's clock began before ours: who leaves within the last part of its time has run out of it.
    """
    remaining = cast("float | None", context.time_remaining())
    is_late = remaining is not None and remaining < LAST_SHARE * (seconds + remaining)
    return "DEADLINE_EXCEEDED" if is_late else "CANCELLED"


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
    await context.abort(code, str(refused), (*trailing, *(context.trailing_metadata() or ())))
