"""An opened document while it is edited, and what the engine does for its newest revision. Knows no requests and no clock.

change -> the attempt for the revision before is cancelled; what it reached is kept where the text is still the same
begin  -> if nobody works for the newest revision yet, an attempt begins
next   -> the next event for it
hear   -> the engine's news: states are kept, text and ends wait for `next`
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.protocol import Passage
from elman_server.engine.job import Job, Progress, Timing
from elman_server.follow.attempt import Attempt
from elman_server.follow.checkpoints import affordable
from elman_server.follow.followed_text import FollowedText
from elman_server.requests.completion import CheckedCompletion, Event

LEAST_CONSUMED, MOST_CONSUMED = 1 << 8, 1 << 12
"""How much one attempt consumes: a quarter of what is left, so that the states where attempts end lie denser towards the
cursor, and no more than the second number, for what lies ahead may change before it is reached."""

RECENT_ATTEMPTS = 4
"""How many attempts may still bring states: the newest, and those whose last news may be on the way."""


class JobEngine(Protocol):
    """An engine that does jobs, or one that several threads share."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Let new texts wait for rows. Raises Busy."""
        ...

    def resume(self, job: Job) -> None:
        """Let a paused text wait for a row again."""
        ...

    def cancel(self, job: Job) -> None:
        """Stop working for a text."""
        ...


class Witness(Protocol):
    """What counts what happens, for metrics and the log."""

    def note_text(self, characters: int) -> None:
        """A piece was written."""
        ...

    def note_timing(self, timing: Timing) -> None:
        """An alternative has ended."""
        ...

    def note_suggestion(self, outcome: str) -> None:
        """What became of the suggestions for a revision: see Attempt.outcome."""
        ...


class Editing:
    """A document and its suggestions, within `size` bytes. `pattern` is what is asked of any text, without a prefix."""

    def __init__(
        self, pattern: CheckedCompletion, prefix: str, size: int, engine: JobEngine, witness: Witness, wake: Callable[[], None]
    ) -> None:
        self.pattern = pattern
        self.text = FollowedText(pattern.served.model, pattern.state, prefix, size)
        self._most_trailed = affordable(size // 4, len(pattern.state.outputs))
        self._engine, self._witness, self._wake = engine, witness, wake
        self._suggests = self._is_due = False
        self._attempt: Attempt | None = None
        self._recent: Sequence[Attempt] = ()
        self._news: list[Progress] = []  # few: a deque would hold 800 bytes while nobody types
        self._events: Iterator[Event] = iter(())

    @property
    def written(self) -> Mapping[int, str]:
        """What was suggested for the newest revision so far, by alternative."""
        return self._attempt.written if self._attempt else {}

    @property
    def held_bytes(self) -> int:
        """About what the text and all states take."""
        return self.text.held_bytes + (self._attempt.held_bytes if self._attempt else 0)

    def hold_less(self) -> None:
        """Keep fewer states while nobody types."""
        self.text.hold_less()
        if self._attempt:
            self._attempt.hold_less()

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing more will come for the newest revision, once `next` has nothing."""
        return not self._is_due and (self._attempt is None or not self._attempt.running)

    @property
    def unconsumed(self) -> int:
        """How many characters before the cursor wait to be consumed."""
        return 0 if self.text.is_lost else self.text.cursor - self.text.consumed

    def change(self, keep: int, insert: str, is_accepted: bool = False) -> None:
        """A new revision: what follows the position is replaced."""
        along = self._attempt.along(insert) if self._attempt and keep == self.text.cursor else None
        self.retire("accepted" if is_accepted else None, keep)
        self.text.edit(keep, insert, along)

    def pursue(self, suggests: bool) -> None:
        """Consume the text before the cursor and, if they are wanted, draw suggestions."""
        self._suggests, self._is_due = suggests, not self.text.is_lost

    def retire(self, outcome: str | None = None, keep: int | None = None) -> None:
        """The revision is the newest no longer: nobody works for it, and nothing is told of it."""
        self._is_due = False
        self._news.clear()
        self._events = iter(())
        if self._attempt:
            self._cancel(self._attempt, outcome)
        self._attempt = None
        self._recent = [attempt for attempt in self._recent if attempt.running]
        for attempt in self._recent:
            attempt.retire(self.text.cursor if keep is None else keep)

    def _cancel(self, attempt: Attempt, outcome: str | None) -> None:
        for job in attempt.submission:
            self._engine.cancel(job)
        if attempt.is_suggesting:
            self._witness.note_suggestion(outcome if outcome and attempt.written else attempt.outcome)

    def begin(self) -> None:
        """Let the engine work for the newest revision, unless it does. Raises Busy, after which it may be asked again."""
        if self._is_due and self._attempt is None:
            self._begin()

    def next(self) -> Event | None:
        """The next event; None while there is none. Raises Busy, as `begin` does."""
        self.begin()
        while (event := next(self._events, None)) is None and self._news:
            self._events = self._tell(self._news.pop(0))
        return event

    def _begin(self) -> None:
        most = min(MOST_CONSUMED, max(LEAST_CONSUMED, self.unconsumed // 4))
        state, text = self.text.ahead(most)
        is_suggesting = self._suggests and state.position + len(text) == self.text.cursor
        if not (text or is_suggesting):
            self._is_due = False
            return
        completion = self.pattern.after(state, text)
        attempt = Attempt(completion, is_suggesting, self._most_trailed, self._hear, self._see)
        self._engine.submit(attempt.submission)
        self._attempt, self._is_due = attempt, not is_suggesting
        self._recent = (*self._recent, attempt)[-RECENT_ATTEMPTS:]

    def _see(self, attempt: Attempt, alternative: int, passage: Passage) -> None:
        if attempt in self._recent:
            attempt.note(passage, alternative, self.text)

    def _hear(self, attempt: Attempt, progress: Progress) -> None:
        if attempt is not self._attempt:
            return
        attempt.running -= progress.is_last
        if attempt.is_suggesting:
            self._news.append(progress)
        elif progress.is_last:
            attempt.rest()
            self._attempt = None
        self._wake()

    def _tell(self, progress: Progress) -> Iterator[Event]:
        """The events of one piece of news; when they are written, the engine may go on."""
        attempt = self._attempt
        if attempt is None:
            return
        for event in attempt.events(progress):
            if isinstance(event, pb.Piece):
                self._witness.note_text(len(event.text))
            yield event
        progress.acknowledge(self._engine)
        if progress.is_last:
            self._witness.note_timing(progress.job.timing)
        if not (attempt.running or self._news):
            attempt.rest()
