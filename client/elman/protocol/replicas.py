"""The replicas of one client, tried in turn: any of them resumes what another began. Knows no request."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from elman.errors import ElmanError
from elman.protocol.retry import Clock, Retry, Tries
from elman.ranges import checked_timeout

AnyTransport = TypeVar("AnyTransport")
"""A transport of either face."""


class Work(Protocol):
    """What a call is for, which may take several requests."""

    @property
    def progress(self) -> int:
        """A number that grows with what comes."""
        ...

    def begin_again(self) -> bool:
        """Forget what only the model has that began with it, and ask any; False if nothing can be, or need be, forgotten."""
        ...


class Replicas(Generic[AnyTransport]):
    """Which replica to ask next, for all calls of a client."""

    def __init__(
        self, transports: Sequence[AnyTransport], retry: Retry | None, clock: Clock, *, each_is_one_server: bool = False
    ) -> None:
        """Where `each_is_one_server`, no transport leads to several, of which another may say something else."""
        self.transports = transports
        self._each_is_one_server = each_is_one_server
        self._retry, self._clock = retry or Retry(), clock
        self._turn = 0  # the transport that answered last
        self._is_closed = False

    def tries(self, timeout: float | None, before: Tries | None = None) -> Tries:
        """The tries of one call, which may go on from one before. Raises MendRequest, TypeError, or ElmanError if closed."""
        self.check_open()
        return Tries(
            self._retry,
            len(self.transports),
            self._turn,
            checked_timeout(timeout),
            self._clock,
            before,
            each_is_one_server=self._each_is_one_server,
        )

    def transport(self, tries: Tries) -> AnyTransport:
        """The transport to try now. Raises ElmanError if the client is closed."""
        self.check_open()
        return self.transports[tries.turn % len(self.transports)]

    def two_transports(self, tries: Tries) -> tuple[AnyTransport, AnyTransport]:
        """The transport to try now, and the one for a hedge. A single one is both: its name may mean several replicas."""
        return self.transport(tries), self.transports[(tries.turn + 1) % len(self.transports)]

    def close(self) -> None:
        """Allow no more tries."""
        self._is_closed = True

    def check_open(self) -> None:
        """Raise ElmanError if the client is closed."""
        if self._is_closed:
            raise ElmanError("this client is closed; make another with elman.Client, elman.AsyncClient or elman.open")

    def wait_seconds(self, tries: Tries, error: ElmanError, work: Work | None = None) -> float:
        """How long to wait before the next try. Raises the error if there is none. Later calls begin at the same replica.

        Where no replica has the model any more that began, the work begins again with another, if that is possible.
        """
        try:
            seconds = tries.failed(error, work.progress if work else 0)
        except ElmanError as last:
            if last is not error or not tries.met_another_model or work is None or not work.begin_again():
                raise
            tries.begin_again()
            seconds = 0.0
        self._turn = tries.turn
        return seconds
