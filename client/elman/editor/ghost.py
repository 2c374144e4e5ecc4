"""The text that may follow the cursor. A thread of its own waits for it, so that typing never waits. Knows no terminal."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from elman.errors import ElmanError, PickAnotherModel
from elman.protocol.suggestions import Suggestion
from elman.sync.document import Document

AGAIN_SECONDS: Final = 1.0
"""How long to wait after a failure before asking again."""

END_SECONDS: Final = 5.0


class Ghost:
    """The suggestions for a document as it is, one of which is chosen. `show` is called by the thread when there are more."""

    def __init__(self, document: Document, show: Callable[[], None], other_model: str | None = None, failure: str = "") -> None:
        self._document, self._show, self._other_model = document, show, other_model
        self._preferred = 0  # the alternative to be shown, if there is one of that number
        self._time()
        self.latency_seconds: float | None = None
        """From the last edit that was followed by suggestions to the first of them."""
        self.failure = failure
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="ghost", daemon=True)

    @property
    def choices(self) -> Sequence[Suggestion]:
        """What is suggested so far."""
        return self._document.suggested

    @property
    def chosen(self) -> Suggestion | None:
        """The suggestion to show."""
        choices = self.choices
        return next((one for one in choices if one.alternative == self._preferred), choices[0] if choices else None)

    def choose_next(self) -> None:
        """Show the next alternative; after the last, the first."""
        numbers = [one.alternative for one in self.choices]
        self._preferred = next((number for number in numbers if number > self._preferred), min(numbers, default=0))

    def accept(self, characters: int) -> str:
        """Insert the first characters of the chosen suggestion; returns them. Raises MendRequest."""
        chosen = self.chosen
        accepted = self._document.accept(chosen.alternative if chosen else 0, characters)
        self._time()
        return accepted

    def note_edit(self) -> None:
        """The document has changed."""
        self._preferred = 0
        self._time()

    def _time(self) -> None:
        self._edited_at, self._is_timed = time.perf_counter(), False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and the document's stream."""
        self._is_over.set()
        self._document.close()
        self._thread.join(END_SECONDS)

    def _draw(self) -> None:
        while self._document.wait():
            try:
                for _ in self._document.suggestions():
                    self._note_suggestion()
                    self._show()
            except PickAnotherModel as error:
                self._pick_another(error)
            except ElmanError as error:
                self._fail(error)

    def _pick_another(self, error: PickAnotherModel) -> None:
        """Go on with the other model, if there is one that was not tried."""
        other, self._other_model = self._other_model, None
        if other:
            self._document.switch(other)
        else:
            self._fail(error)

    def _fail(self, error: ElmanError) -> None:
        self.failure = str(error)
        self._show()
        self._is_over.wait(AGAIN_SECONDS)

    def _note_suggestion(self) -> None:
        self.failure = ""
        if not self._is_timed:
            self.latency_seconds, self._is_timed = time.perf_counter() - self._edited_at, True
