"""Reads texts by a network, through whatever execution: many pieces at a time, each from the state that is true there.

A row runs ahead: it draws a few characters at temperature 0, and what it drew right is read. At the first that is wrong it goes
back, and the right one is scored.

text:    t h e   c a t       the places of t, h, e and the space are known at once: three tops were right, one was not
drawn:   t h e r e           the second "r e" shows what would have followed the wrong one

So a text costs about two steps a character, whatever is done with the reading. Knows no typist.
"""

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import NOTHING, Advance, Execution, Outcome, Start
from elman_models.law.artifact import Model
from elman_models.law.sampling import Sampling
from elman_models.law.state import State
from elman_models.measure.cost import MOST_ROWS, nats
from elman_models.measure.predictor import Indices, Reading

GREEDY = Sampling.of(temperature=0)
DRAWN = 4
"""Characters that a row draws ahead: fewer are more calls, more are more steps in vain."""

SHORTEST_PIECE = 1024
NO_CHARACTER = -1
"""What follows the last character: no prediction is right."""


class NetworkPredictor:
    """A `Predictor` by an execution of a model that has `rows` rows; by the best one on the CPU, where none is given."""

    def __init__(self, model: Model, execution: Execution | None = None, rows: int = MOST_ROWS, name: str = "artifact") -> None:
        self.name = name
        self._model, self._rows = model, rows
        self._execution = execution or open_execution(model, rows, "cpu")

    def nats(self, texts: Sequence[Indices]) -> float:
        """The sum of all characters' costs, each text read by itself."""
        return nats(self._model, self._execution, texts, self._rows)

    def read(self, texts: Sequence[Indices]) -> list[Reading]:
        """Read several texts, each by itself."""
        readings = [Reading.blank(len(text)) for text in texts]
        goals = [np.append(text, np.int32(NO_CHARACTER)) for text in texts]
        length = max(SHORTEST_PIECE, -(-sum(map(len, texts)) // self._rows))
        pieces = [
            Stretch(goals[text], readings[text], start, length, state) for text, start, state in self._starts(texts, length)
        ]
        self._read(deque(pieces))
        return readings

    def _starts(self, texts: Sequence[Indices], length: int) -> Iterator[tuple[int, int, State]]:
        """Where each piece of each text starts, and the state there."""
        for first in range(0, len(texts), self._rows):
            several = range(first, min(first + self._rows, len(texts)))
            for text in several:
                self._execution.load(text - first, Start(State.initial(self._model)))
                yield text, 0, State.initial(self._model)
            for start in range(length, max(len(texts[text]) for text in several), length):
                longer = [text for text in several if len(texts[text]) > start]
                pieces = [Advance(text - first, skipped=texts[text][start - length : start]) for text in longer]
                outcome = self._execution.run(pieces)
                yield from ((text, start, outcome.state(index, 0)) for index, text in enumerate(longer))

    def _read(self, waiting: "deque[Stretch]") -> None:
        """Each row reads one piece after another."""
        rows: dict[int, Stretch] = {}
        for row in range(self._rows):
            self._next(row, rows, waiting)
        while rows:
            running = list(rows.items())
            outcome = self._execution.run([piece.advance(row) for row, piece in running])
            for index, (row, piece) in enumerate(running):
                state = piece.take(outcome, index)
                if piece.is_over:
                    self._next(row, rows, waiting)
                elif state:
                    self._load(row, state)

    def _next(self, row: int, rows: "dict[int, Stretch]", waiting: "deque[Stretch]") -> None:
        rows.pop(row, None)
        if waiting:
            rows[row] = waiting.popleft()
            self._load(row, rows[row].state)

    def _load(self, row: int, state: State) -> None:
        self._execution.load(row, Start(state, GREEDY, is_accounted=True))


class Stretch:
    """A part of a text that one row reads; the last one of a text includes the place at its end."""

    def __init__(self, goal: Indices, reading: Reading, start: int, length: int, state: State) -> None:
        self.state = state
        self._goal, self._reading = goal, reading
        self._here = start  # the first place that is not read
        self._stop = start + length if start + length < len(goal) - 1 else len(goal)
        self._scored = NOTHING  # what came where a wrong top was drawn: the character before `here`

    @property
    def is_over(self) -> bool:
        """Whether every place is read and every character scored."""
        return self._here == self._stop and not len(self._scored)

    def advance(self, row: int) -> Advance:
        """How far to move: over the character that was not drawn right, and ahead."""
        return Advance(row, scored=self._scored, sampled=DRAWN if self._here < self._stop else 0)

    def take(self, outcome: Outcome, index: int) -> State | None:
        """Note what the row did. Returns the state to go back to; None: to go on from where it is."""
        account, scored = outcome.account(index), len(self._scored)
        self._reading.costs[self._here - scored : self._here] = -account.log_probabilities[:scored]
        self._scored = NOTHING
        drawn = np.array(outcome.characters(index), np.int32)
        right = self._right(drawn)
        self._note_right(right, drawn, account.surprises[scored:], account.log_probabilities[scored:])
        self._here += right
        if right == DRAWN or self._here == self._stop:
            return None
        if right < DRAWN - 1:
            self._note_wrong(drawn[right:], account.surprises[scored + right :])
        return outcome.state(index, right)

    def _right(self, drawn: Indices) -> int:
        """How many of the first characters are the text's own."""
        ahead = self._goal[self._here : min(self._here + len(drawn), self._stop)]
        wrong = np.flatnonzero(drawn[: len(ahead)] != ahead)
        return int(wrong[0]) if len(wrong) else len(ahead)

    def _note_right(self, right: int, drawn: Indices, surprises: NDArray[np.int64], logs: NDArray[np.float64]) -> None:
        here = slice(self._here, self._here + right)
        self._reading.tops[here], self._reading.surprises[here] = drawn[:right], surprises[:right]
        self._reading.costs[here] = -logs[:right]

    def _note_wrong(self, drawn: Indices, surprises: NDArray[np.int64]) -> None:
        """The first of the characters is wrong; the next time, what came is scored."""
        here, reading = self._here, self._reading
        reading.tops[here], reading.seconds[here] = drawn[:2]
        reading.surprises[here], reading.second_surprises[here] = surprises[:2]
        self._here += 1
        if self._goal[here] != NO_CHARACTER:
            self._scored = self._goal[here : here + 1]
