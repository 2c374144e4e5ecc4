"""A person, or the system, asks a run to stop: the step that it is at is finished first, so that it can be saved.

Asked again in the same way, the process ends at once, as it would have without this. (torchrun sends SIGTERM after a terminal's
SIGINT.) Knows nothing of training.
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Whether one of SIGNALS came since this was entered. Only the main thread can hear them: in others none ever comes."""

    def __init__(self) -> None:
        self.is_asked_for = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._ask) for each in SIGNALS if is_heeded(each)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.is_asked_for = True
        signal.signal(number, self._before[signal.Signals(number)])


def is_heeded(each: signal.Signals) -> bool:
    """Whether a signal does anything: `nohup` ignores SIGHUP, and a shell SIGINT for what it runs in the background."""
    return signal.getsignal(each) not in (signal.SIG_IGN, None)
