"""When to try again, and where: a pure schedule, on a clock that is handed in. It never sleeps and knows no transport."""

from dataclasses import dataclass
from typing import Protocol

from elman.errors import AllowMoreTime, BackOff, ElmanError, GoElsewhere, MendRequest, SendTextAgain


class Clock(Protocol):
    """Time and chance, so that a test can set both."""

    def now(self) -> float:
        """Seconds that never run backwards."""
        ...

    def jitter(self) -> float:
        """A random number from 0 to 1."""
        ...


class Farewell(GoElsewhere):
    """A server has said goodbye in good order: who goes on elsewhere, or there with another model, need not wait."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how soon to try again; `attempts` limits the tries in a row that bring nothing.

    | field           | default | meaning                                             |
    | attempts        | 6       | tries without any news before the error is raised   |
    | first_seconds   | 0.1     | the first wait; each one after it is twice as long  |
    | largest_seconds | 5.0     | the longest wait                                    |
    """

    attempts: int = 6
    first_seconds: float = 0.1
    largest_seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise MendRequest(f"attempts: {self.attempts} is out of range; allowed: 1 or more")
        if not 0 <= self.first_seconds <= self.largest_seconds:
            raise MendRequest(
                f"first_seconds: {self.first_seconds} is out of range; allowed: 0 to largest_seconds = {self.largest_seconds}"
            )

    def seconds(self, turn: int, jitter: float) -> float:
        """The wait before the retry `turn` (from 0): between a half and the whole of first_seconds * 2^turn."""
        return min(self.largest_seconds, self.first_seconds * 2.0 ** min(turn, 64)) * (1 + jitter) / 2


class Tries:
    """The tries of one call, each at the next address after the one that failed."""

    def __init__(
        self,
        retry: Retry,
        addresses: int,
        turn: int,
        timeout: float | None,
        clock: Clock,
        before: "Tries | None" = None,
        *,
        each_is_one_server: bool = False,
    ) -> None:
        """The failures of `before` count on if it was given up: who asks anew with each key learns of a lost server, too."""
        self._retry, self._addresses, self._clock = retry, addresses, clock
        self._each_is_one_server = each_is_one_server
        self._timeout = timeout
        self._deadline = None if timeout is None else clock.now() + timeout
        self._failures = before._failures if before else 0  # of the last tries
        self._refusals = 0  # of these, by servers with another model
        self._progress = before._progress if before else 0
        self.turn = turn  # the address to try, counted on without end

    def seconds_left(self) -> float | None:
        """The time left for the call. Raises AllowMoreTime if there is none."""
        if self._deadline is None:
            return None
        left = self._deadline - self._clock.now()
        if left <= 0:
            raise self._late("has passed")
        return left

    def failed(self, error: ElmanError, progress: int = 0) -> float:
        """The seconds to wait before the next try. `progress` grows with what comes.

        Raises AllowMoreTime if the timeout leaves no time for another try, and otherwise the error if there is none.
        """
        if progress > self._progress:
            self.begin_again()
            self._progress = progress
        self._failures += 1
        self._refusals += isinstance(error, SendTextAgain)
        wait = 0.0 if self._failures >= self._retry.attempts else self._wait(error)
        try:
            self._check_another(error, wait)
        except ElmanError:
            self._failures = 0
            raise
        self.turn += 1
        return wait

    def _check_another(self, error: ElmanError, wait: float) -> None:
        """Raise if there is no other try."""
        if not error.may_be_retried or self._is_nowhere:
            raise error
        if self._deadline is not None and self._clock.now() + wait >= self._deadline:
            raise self._late(f"leaves no time for another try; the last one: {error}") from error
        if self._failures >= self._retry.attempts:
            raise error

    def begin_again(self) -> None:
        """Failures count anew."""
        self._failures = self._refusals = 0

    @property
    def met_another_model(self) -> bool:
        """Whether the model that began was not there at one of the last tries, though it may be at others."""
        return self._refusals > 0

    @property
    def _is_nowhere(self) -> bool:
        """Whether each server has refused a state or digest. One that is asked again says the same."""
        return self._each_is_one_server and self._refusals >= self._addresses

    def _late(self, what: str) -> AllowMoreTime:
        return AllowMoreTime(f"the timeout of {self._timeout:g} second{'' if self._timeout == 1 else 's'} {what}")

    def _wait(self, error: ElmanError) -> float:
        """No wait while some addresses are untried; then longer each time, and never less than a lone server asks for.

        Who has another model will not have this one soon: it is looked for at once, wherever a name may lead.
        """
        if isinstance(error, (SendTextAgain, Farewell)):
            return 0.0
        turn = self._failures - self._addresses
        own = self._retry.seconds(turn, self._clock.jitter()) if turn >= 0 else 0.0
        asked = error.seconds if isinstance(error, BackOff) and self._addresses == 1 else 0.0
        return max(own, asked)


def shorter(one: float | None, other: float | None) -> float | None:
    """The shorter of two times in seconds; None is for ever."""
    return min((seconds for seconds in (one, other) if seconds is not None), default=None)
