"""What goes wrong with models and servers: it is told once, and whoever failed is left alone for a while."""

import traceback
from collections.abc import Callable
from math import inf
from typing import Final, NamedTuple, Protocol

from elman.errors import AllowMoreTime, BackOff, ElmanError, GoElsewhere, from_engine

AGAIN_SECONDS: Final = 1.0
"""How long one that failed is left alone, if it may be well again by then."""

PASSING: Final = (AllowMoreTime, BackOff, GoElsewhere)


class Teller(Protocol):
    """Whom troubles are told."""

    def show(self, message: str) -> None:
        """Tell the person."""
        ...

    def log(self, message: str) -> None:
        """Note it where a person may look."""
        ...

    def tell_status(self) -> None:
        """Tell the editor how things stand now."""
        ...


class Trouble(NamedTuple):
    """What went wrong, when to try again, and whether it was at servers, and may pass."""

    message: str
    until_seconds: float
    is_elsewhere: bool


class Troubles:
    """Those of each model, on a clock."""

    def __init__(self, teller: Teller, clock: Callable[[], float]) -> None:
        self._teller, self._clock = teller, clock
        self._present: dict[str, Trouble] = {}
        self._told: set[str] = set()
        self.substitutes: dict[str, str] = {}
        """Which model takes the place of one that is not there."""
        self.lacking: dict[str, str] = {}
        """What is said of a model that nobody named and that is not there, by its name."""

    def is_waited_out(self, model: str) -> bool:
        """Whether the model failed a short while ago, or for good."""
        trouble = self._present.get(model)
        return trouble is not None and self._clock() < trouble.until_seconds

    @property
    def are_servers_away(self) -> bool:
        """Whether servers failed that may come back, of which they give no sign."""
        return any(trouble.is_elsewhere for trouble in self._present.values())

    def message(self, model: str) -> str:
        """What is wrong with a model; nothing if it is well."""
        return self._present[model].message if model in self._present else ""

    def note(self, model: str, error: Exception) -> None:
        """Something went wrong."""
        meant = error if isinstance(error, ElmanError) else from_engine(error)
        message = message_of(error, meant)
        is_elsewhere = isinstance(meant, PASSING)
        again = self._clock() + AGAIN_SECONDS if is_elsewhere or meant is None else inf
        known, self._present[model] = self.message(model), Trouble(message, again, is_elsewhere)
        if message == known:
            return
        self._teller.tell_status()
        self.tell(type(meant or error).__name__, f"elman: nothing is suggested: {message}")
        if meant is None and not isinstance(error, OSError):
            self._teller.log("".join(traceback.format_tb(error.__traceback__)))  # the places alone, for a message may hold text

    def tell(self, kind: str, message: str) -> None:
        """Tell the person what they were not told of this kind before; what they were is only noted."""
        if kind in self._told:
            self._teller.log(message)
        else:
            self._told.add(kind)
            self._teller.show(message)

    def end(self, model: str) -> None:
        """The model is well."""
        if self._present.pop(model, None):
            self._teller.tell_status()

    def end_elsewhere(self) -> None:
        """The servers are back."""
        for model in [model for model, trouble in self._present.items() if trouble.is_elsewhere]:
            self.end(model)

    def clear(self) -> None:
        """Try all again."""
        self._present.clear()
        self.substitutes.clear()
        self.lacking.clear()


def message_of(error: Exception, meant: ElmanError | None) -> str:
    """One line for a person. Of a defect it tells only the kind, for its message may hold text."""
    if meant is not None:
        return " ".join(str(meant).split())
    if isinstance(error, OSError):
        return f"{error.filename or ''}: {error.strerror or error}"
    return f"{type(error).__name__}, which is a defect; please report it with what the log says"
