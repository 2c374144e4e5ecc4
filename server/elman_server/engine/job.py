"""One text on its way through a row: what it still has to consume, what was drawn, and what may be told. Knows no rows."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from elman_models.execution.protocol import NOTHING, Advance, Outcome, Passage, Start
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_models.law.vocabulary import Vocabulary
from elman_server.engine.asker import ANYONE, Asker, Caller
from elman_server.engine.ending import Ending, Reason

WEIGHED_CHARACTERS = 1 << 14
GIVEN_TO_A_STEP = 4
"""About as many given characters cost as much as one that is drawn."""
LAST_SHARE: Final = 0.1
"""Of its time: who leaves within it has run out of time."""
URGENT_CHARACTERS = 256
"""A document's suggestion of more characters than these is not what somebody waits for between two keys."""


class Timing(NamedTuple):
    """How long a text waited for a row, consumed what was given, and drew characters."""

    queue_seconds: float
    prime_seconds: float
    decode_seconds: float


class Progress(NamedTuple):
    """News of a job, from the engine to whoever asked for it."""

    job: "Job"
    place: int = 0  # how many characters of the completion come before the text
    text: str = ""
    log_probabilities: Sequence[float] = ()  # of the text; of the scored characters at the end of a job that draws none
    reason: Reason | None = None
    state: State | None = None  # at the end: the state after the last character told
    is_paused: bool = False  # the reader is slow: `Engine.resume` goes on
    failure: Exception | None = None
    enough: int = 0  # with fewer characters it may be told with what comes next, which is soon

    @property
    def is_last(self) -> bool:
        """Whether this is the last news of the job."""
        return self.state is not None or self.failure is not None

    def after(self, earlier: "Progress") -> "Progress":
        """Both in one, where the earlier was not told yet."""
        log_probabilities = [*earlier.log_probabilities, *self.log_probabilities]
        return self._replace(place=earlier.place, text=earlier.text + self.text, log_probabilities=log_probabilities)

    def acknowledge(self, engine: "ResumesJobs") -> None:
        """The reader has taken this: a job that was paused because the reader was slow goes on."""
        self.job.note_taken(len(self.text))
        if self.is_paused:
            engine.resume(self.job)


class ResumesJobs(Protocol):
    """What a reader needs of the engine."""

    def resume(self, job: "Job") -> None:
        """Let a paused job wait for a row again."""
        ...


class Drawn(NamedTuple):
    """What one tick drew for one job."""

    outcome: Outcome
    slot: int  # of its row in the outcome
    start: int  # how many characters the completion had before
    replay: "Replay"
    text: str


Watch: TypeAlias = Callable[[Passage], None]
"""Is shown, in every tick, the states that the row passed."""

Replay: TypeAlias = Callable[[State, NDArray[np.int32]], State]
"""The state after some characters more; for the rare end that lies before the tick that found it."""


class Unsent:
    """Text that was drawn and is held back, and how to find the state at any place in it.

    completion:  0 1 2 3 | 4 5 6 7 | 8 9        ticks      A stop string that ends at 9 may begin at 3: the state after 2 is
                   s s h   h h h h   h h                    replayed from the anchor, the last known state before the held text.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._text = ""
        self._log_probabilities: list[float] = []
        self._is_recalled: list[bool] = []
        self._anchor: tuple[State, int, str] | None = None  # a state, its place in the completion, and the text since

    def add(self, text: str, log_probabilities: Sequence[float], is_recalled: Sequence[bool]) -> None:
        """Hold back text that was drawn, with its account if there is one."""
        self._text += text
        self._log_probabilities += log_probabilities
        self._is_recalled += is_recalled

    def release(self, count: int) -> tuple[str, list[float], int]:
        """Take out the first `count` characters, which may be sent; the last number is how many of them recall favoured."""
        released = self._text[:count], self._log_probabilities[:count], sum(self._is_recalled[:count])
        self._text, self._log_probabilities = self._text[count:], self._log_probabilities[count:]
        self._is_recalled = self._is_recalled[count:]
        return released

    def anchor(self, draws: Drawn, sent: int) -> None:
        """Keep a state at or before the held text, if there is any, before the tick's own states are gone."""
        if not self._text:
            self._anchor = None
        elif sent >= draws.start:
            self._anchor = (draws.outcome.state(draws.slot, sent - draws.start), sent, self._text)
        elif self._anchor:
            state, place, text = self._anchor
            self._anchor = (state, place, text + draws.text)

    def state(self, draws: Drawn, sent: int) -> State:
        """The state after the last character sent."""
        if sent >= draws.start or self._anchor is None:
            return draws.outcome.state(draws.slot, sent - draws.start)
        state, place, text = self._anchor
        return draws.replay(state, self._vocabulary.encode(text[: sent - place]))


@dataclass(eq=False)
class Job:
    """A text to consume, and then to continue (with an ending) or to be done with (without).

    `skipped` is consumed unseen, then `scored` with its log-probabilities. `alternatives` are the jobs that go on from the
    state reached. There is at least one character to consume or to draw. `watch` is called in every tick, before `tell`.
    Nobody but the job writes its fields.
    """

    model: Model
    start: Start
    tell: Callable[[Progress], None]
    skipped: NDArray[np.int32] = field(default_factory=lambda: NOTHING)
    scored: NDArray[np.int32] = field(default_factory=lambda: NOTHING)
    ending: Ending | None = None
    alternatives: Sequence["Job"] = ()
    watch: Watch | None = None

    def __post_init__(self) -> None:
        self.given = len(self.skipped) + len(self.scored)  # characters that are still to be consumed
        self.is_cancelled = False
        self.asker = ANYONE
        self.caller: Caller | None = None  # while it is in the engine
        self.booked = 0  # what its caller's share counts it for
        self.turn = 0  # how many steps of its turn are left; where it has none, it rests
        self.is_charged = False  # whether the turn was counted against its caller
        self.steps = 0  # since it was admitted to a row
        self._taken = 0  # characters that the reader has taken
        self.received = self.ending.count if self.ending else 0
        self.sent = self.received  # characters told, received ones included
        self.recalled = 0  # characters told that recall favoured; counted where they are accounted
        self._unsent = Unsent(self.model.vocabulary)  # the text from there on
        self._log_probabilities: list[float] = []  # of the scored characters of a job that draws none
        self._surprises: list[int] = []  # of the received characters
        self._asked = time.monotonic()
        self._admitted = self._primed = 0.0

    @property
    def weight(self) -> int:
        """What it counts for in the queue: one for each text, and one more for every 16384 characters to consume."""
        return max(1, len(self.alternatives)) + self.given // WEIGHED_CHARACTERS

    @property
    def work(self) -> int:
        """How many steps it may still take, its alternatives included; given characters are cheap."""
        alternatives = sum(each.work for each in self.alternatives) if self.alternatives else 0
        return self.given // GIVEN_TO_A_STEP + self.left + alternatives

    @property
    def is_urgent(self) -> bool:
        """Whether somebody who types waits for it, and not for long."""
        return self.asker.is_document and self.left <= URGENT_CHARACTERS

    @property
    def is_wanted(self) -> bool:
        """Whether anybody still waits for it, and in time."""
        return not self.is_cancelled and self.asker.deadline > time.monotonic()

    @property
    def was_admitted(self) -> bool:
        """Whether it has had a row, or goes on from a text that had one."""
        return bool(self._admitted)

    @property
    def has_run_out(self) -> bool:
        """Whether its time is over, or all but."""
        return self.asker.deadline - time.monotonic() < LAST_SHARE * (self.asker.deadline - self._asked)

    @property
    def least_work(self) -> int:
        """How many steps it takes at least: an ending that looks at the text may come with the first character."""
        drawn = self.left if self.ending is None or self.ending.is_length_alone else 1
        return self.given // GIVEN_TO_A_STEP + drawn + max((each.least_work for each in self.alternatives), default=0)

    @property
    def is_primed(self) -> bool:
        """Whether everything given is consumed."""
        return self.given == 0

    @property
    def awaits_first(self) -> bool:
        """Whether its first character is still to be drawn."""
        return self.ending is not None and self.ending.count == self.received

    @property
    def left(self) -> int:
        """How many more characters may be drawn at most."""
        return self.ending.left if self.ending else 0

    @property
    def untaken(self) -> int:
        """How many characters were told that the reader has not taken."""
        return self.sent - self.received - self._taken

    @property
    def timing(self) -> Timing:
        """How long it has waited, been primed and drawn so far."""
        now = time.monotonic()
        admitted = self._admitted or now
        primed = self._primed or now
        return Timing(admitted - self._asked, primed - admitted, now - primed)

    def note_taken(self, characters: int) -> None:
        """The reader has taken that many more of the characters told."""
        self._taken += characters

    def prepend(self, characters: NDArray[np.int32]) -> None:
        """Consume these characters, unseen, before everything else."""
        self.skipped = np.concatenate([characters, self.skipped]) if len(self.skipped) else characters
        self.given += len(characters)

    def show_states_to(self, watch: Watch) -> None:
        """Show `watch` the states that the row passes, from the next tick on."""
        self.watch = watch

    def ask_for(self, asker: Asker) -> None:
        """Note who asks for it, and for its alternatives."""
        self.asker = asker
        for alternative in self.alternatives:
            alternative.ask_for(asker)

    def give_turn(self, steps: int, is_charged: bool) -> None:
        """Let it move that many steps."""
        self.turn, self.is_charged = steps, is_charged

    def cancel(self) -> None:
        """Mark the text and its alternatives as wanted by nobody."""
        self.is_cancelled = True
        for alternative in self.alternatives:
            alternative.cancel()

    def admit(self) -> Start:
        """Note that a row is given to it; returns what the row begins with."""
        self.steps = self.turn = 0
        self._admitted = self._admitted or time.monotonic()
        return self.start

    def advance(self, row: int, run: int, draws: int) -> Advance:
        """How far to move in a tick that allows `run` given characters and then `draws` more."""
        skipped = self.skipped[:run]
        scored = self.scored[: run - len(skipped)]
        is_primed = len(skipped) == len(self.skipped) and len(scored) == len(self.scored)
        draws = min(draws, self.ending.worth_drawing) if is_primed and self.ending and not self.ending.reason else 0
        return Advance(row, skipped, scored, draws)

    def take(self, advance: Advance, outcome: Outcome, index: int, replay: Replay) -> Progress | None:
        """Take what its row did; returns what there is to tell."""
        if self.watch:
            self.watch(outcome.passage(index))
        self.steps += advance.steps
        self.turn = max(0, self.turn - advance.steps)
        scored = len(advance.scored)
        if advance.forced:
            self.skipped, self.scored = rest(self.skipped, len(advance.skipped)), rest(self.scored, scored)
            self.given = len(self.skipped) + len(self.scored)
        is_accounted = scored or self.start.is_accounted
        surprises, log_probabilities, is_recalled = account_of(outcome, index) if is_accounted else ((), (), ())
        if self.ending is None:
            self._log_probabilities += log_probabilities
            return self._done(outcome.state(index, 0)) if self.is_primed else None
        self._surprises += surprises[:scored]
        if not self.is_primed:
            return None
        self._prime()
        text = self.model.vocabulary.decode(outcome.characters(index))
        draws = Drawn(outcome, index, self.ending.count, replay, text)
        self.ending.take(text, surprises[scored:])
        self._unsent.add(text, log_probabilities[scored:], is_recalled[scored:])
        return self._tell(draws)

    def _prime(self) -> None:
        """Note, once, that everything given is consumed."""
        if self._primed or self.ending is None:
            return
        self._primed = time.monotonic()
        if self.ending.weighs:
            self.ending.weigh(self._surprises)

    def _done(self, state: State) -> Progress:
        self._primed = time.monotonic()
        return Progress(self, log_probabilities=self._log_probabilities, state=state)

    def _tell(self, draws: "Drawn") -> Progress | None:
        """Tell what may be sent now, and where it ended."""
        count = self.ending.sendable - self.sent if self.ending else 0
        text, log_probabilities, recalled = self._unsent.release(count)
        place, self.sent, self.recalled = self.sent, self.sent + count, self.recalled + recalled
        if self.ending and self.ending.reason:
            state = self._unsent.state(draws, self.sent)
            return Progress(self, place, text, log_probabilities, self.ending.reason, state)
        self._unsent.anchor(draws, self.sent)
        return Progress(self, place, text, log_probabilities) if text else None

    def pause(self, state: State) -> None:
        """Leave the row; the next one goes on from the state."""
        first_rank = self.start.first_rank if self.awaits_first else 0
        self.start = replace(self.start, state=state, first_rank=first_rank)

    def follow(self, primed: "Job", state: State) -> "Job":
        """Go on from where another job consumed the prefix."""
        self.start = replace(self.start, state=state)
        self._asked, self._admitted, self._primed = primed._asked, primed._admitted, time.monotonic()
        return self


def rest(characters: NDArray[np.int32], consumed: int) -> NDArray[np.int32]:
    """What is left of the characters; where nothing is, they are not held any longer."""
    return characters[consumed:] if consumed < len(characters) else NOTHING


def account_of(outcome: Outcome, index: int) -> tuple[list[int], list[float], list[bool]]:
    """The row's account, as lists."""
    account = outcome.account(index)
    return account.surprises.tolist(), account.log_probabilities.tolist(), account.is_recalled.tolist()
