"""What can go wrong, named for what the caller does next. Knows neither gRPC nor the engine, only the names of statuses.

ElmanError              exit 1
├── MendRequest              2   INVALID_ARGUMENT     a field is out of range: the message names field, value and range
├── PickAnotherModel         3   NOT_FOUND            no such model, or its file is damaged
├── SendTextAgain            4   FAILED_PRECONDITION  the state or digest belongs to another model or version, everywhere
├── BackOff                  5   RESOURCE_EXHAUSTED   the queue is full, and stayed so through every retry
├── NeverRetry               6   RESOURCE_EXHAUSTED   too large a message; or UNIMPLEMENTED, no such method there
├── LogIn                    7   UNAUTHENTICATED      no or wrong credentials; also PERMISSION_DENIED
├── GoElsewhere              8   UNAVAILABLE          draining, starting, broken or not there, through every retry
├── AllowMoreTime            9   DEADLINE_EXCEEDED    the caller's own timeout
├── ReportDefect            10   INTERNAL             a defect; the message holds what is needed to find it
└── InstallExtra            11                        a part of elman that is not installed
"""

from typing import ClassVar, Final

from elman.settings import refusal

BREAKS: Final = ("RST_STREAM", "Stream removed", "Socket closed", "Internal error from Core")
"""What gRPC says, under several statuses, about a stream that a network or a proxy broke."""


class ElmanError(Exception):
    """The base of every error that this library raises on purpose."""

    exit_code: ClassVar[int] = 1
    status: ClassVar[str] = ""
    may_be_retried: ClassVar[bool] = False


class MendRequest(ElmanError):
    """A field is out of range; the message names field, value and range."""

    exit_code = 2
    status = "INVALID_ARGUMENT"

    @classmethod
    def of_field(cls, name: str, value: object, allowed: str) -> "MendRequest":
        """The error for a field, in the words that the server has for one."""
        return cls(refusal(name, value, allowed))


class PickAnotherModel(ElmanError):
    """No such model, or its file is damaged; the message lists what there is."""

    exit_code = 3
    status = "NOT_FOUND"


class SendTextAgain(ElmanError):
    """The state or digest belongs to another model or version: send the text again from its start, without them.

    While a new model is rolled out, another replica may still have the old one, or have the new one already.
    """

    exit_code = 4
    status = "FAILED_PRECONDITION"
    may_be_retried = True


class BackOff(ElmanError):
    """The queue is full. `seconds` is how long the server asks to wait."""

    exit_code = 5
    status = "RESOURCE_EXHAUSTED"
    may_be_retried = True

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


class NeverRetry(ElmanError):
    """The same call can never succeed: the message is too large for the transport, or the server has no such method."""

    exit_code = 6
    status = "RESOURCE_EXHAUSTED"


class LogIn(ElmanError):
    """No or wrong credentials."""

    exit_code = 7
    status = "UNAUTHENTICATED"


class GoElsewhere(ElmanError):
    """No server answers there now: it is draining, starting, broken or not there."""

    exit_code = 8
    status = "UNAVAILABLE"
    may_be_retried = True


class AllowMoreTime(ElmanError):
    """The caller's own timeout has passed."""

    exit_code = 9
    status = "DEADLINE_EXCEEDED"


class ReportDefect(ElmanError):
    """A defect of elman; please report it with the message."""

    exit_code = 10
    status = "INTERNAL"


class InstallExtra(ElmanError):
    """A part of elman that is not installed; the message says what to type."""

    exit_code = 11


CLASSES: Final[dict[str, type[ElmanError]]] = {
    "CANCELLED": GoElsewhere,  # not by this client: a server or a proxy gave the call up
    "DEADLINE_EXCEEDED": AllowMoreTime,
    "FAILED_PRECONDITION": SendTextAgain,
    "INVALID_ARGUMENT": MendRequest,
    "NOT_FOUND": PickAnotherModel,
    "PERMISSION_DENIED": LogIn,
    "RESOURCE_EXHAUSTED": NeverRetry,
    "UNAUTHENTICATED": LogIn,
    "UNAVAILABLE": GoElsewhere,
    "UNIMPLEMENTED": NeverRetry,
}


def from_status(status: str, message: str, pushback_seconds: float | None = None) -> ElmanError:
    """The error that a gRPC status means. Without a pushback, RESOURCE_EXHAUSTED is the transport's own: never retry."""
    if any(words in message for words in BREAKS):
        return GoElsewhere(message)
    if status == "RESOURCE_EXHAUSTED" and pushback_seconds is not None:
        return BackOff(message, pushback_seconds)
    return CLASSES.get(status, ReportDefect)(message)


def from_engine(error: Exception) -> ElmanError | None:
    """The error that an exception of the other two packages means; None for any other exception.

    They are not imported here, so they are known by name: an attribute `status`, or the package that defines them.
    """
    status = getattr(error, "status", None)
    if isinstance(error, ElmanError) or not type(error).__module__.startswith(("elman_models.", "elman_server.")):
        return None
    if isinstance(status, str):
        return from_status(status, str(error))
    return PickAnotherModel(str(error)) if type(error).__name__ == "ArtifactError" else ElmanError(str(error))
