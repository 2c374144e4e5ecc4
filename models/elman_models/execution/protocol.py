"""The seam where an execution of the law plugs in: rows of state that advance together.

Whoever drives an execution decides when a row moves and how far; the law decides what it says. No execution may let a row see
another, and every execution gives the same bytes. Log-probabilities alone may differ, by 1e-6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from elman_models.law.sampling import Sampling
from elman_models.law.state import State

NOTHING: NDArray[np.int32] = np.zeros(0, np.int32)
PLAIN = Sampling.of()


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What a row begins with.

    first_rank: at temperature 0, the rank that the first sampled character takes; all others take rank 0.
    is_accounted: whether an account of sampled characters is wanted.
    """

    state: State
    sampling: Sampling = PLAIN
    seed: int = 0
    alternative: int = 0
    first_rank: int = 0
    is_accounted: bool = False


class Advance(NamedTuple):
    """How far one row moves: first over characters that are skipped (no output layer), then scored, then sampled."""

    row: int
    skipped: NDArray[np.int32] = NOTHING
    scored: NDArray[np.int32] = NOTHING
    sampled: int = 0

    @property
    def forced(self) -> int:
        """The number of characters that are given, not drawn."""
        return len(self.skipped) + len(self.scored)

    @property
    def steps(self) -> int:
        """The number of characters by which the row moves."""
        return len(self.skipped) + len(self.scored) + self.sampled


class Account(NamedTuple):
    """Of the scored and then the sampled characters of one row: surprise in 1/256 nat, natural log-probability, and whether
    recall favoured it.
    """

    surprises: NDArray[np.int64]
    log_probabilities: NDArray[np.float64]
    is_recalled: NDArray[np.bool_]


NO_ACCOUNT = Account(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_))


class Passage(NamedTuple):
    """The states that one row passed: after its forced characters, and after each sampled one."""

    outputs: NDArray[np.int8]  # (sampled + 1, state size)
    position: int  # of the first


class Outcome(Protocol):
    """What the rows did; `index` counts the advances that were asked for."""

    def characters(self, index: int) -> list[int]:
        """The characters that the row sampled."""
        ...

    def account(self, index: int) -> Account:
        """Empty unless the row is accounted or characters were scored."""
        ...

    def state(self, index: int, sampled: int) -> State:
        """The row's state after `sampled` of its sampled characters (0: after the forced ones)."""
        ...

    def passage(self, index: int) -> Passage:
        """All of these states; not to be held for long."""
        ...


class Execution(Protocol):
    """One implementation of the law over a fixed number of rows. It is used by one thread at a time."""

    @property
    def name(self) -> str:
        """What it is and where it runs, for logs."""
        ...

    def load(self, row: int, start: Start) -> None:
        """Put a text into a row, whatever was there before."""
        ...

    def run(self, advances: Sequence[Advance]) -> Outcome:
        """Move the rows, each named at most once, by at least one character each."""
        ...
