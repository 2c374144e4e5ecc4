"""The native execution: LAW.md in C++ (models/native), compiled for several instruction sets of which the best is taken.

It holds no lock of the interpreter while it runs, and needs numpy alone. Equal to the reference, byte for byte.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman_models import _native
from elman_models.artifact import Model
from elman_models.errors import InvalidField
from elman_models.execution import NOTHING, Account, Advance, Passage, Start
from elman_models.state import State

NO_ACCOUNT = Account(np.zeros(0, np.int64), np.zeros(0))


class Native:
    """The native execution of the `Execution` protocol."""

    def __init__(self, model: Model, rows: int, instructions: str = "auto") -> None:
        chosen = choose(instructions)
        self.name = f"native {chosen}"
        self._rows = _native.Rows(build(model), rows, chosen)
        self._state_size = model.structure.state_size
        self._positions = [0] * rows
        self._is_accounted = [False] * rows

    def load(self, row: int, start: Start) -> None:
        """Put a text into a row, whatever was there before."""
        sampling, state = start.sampling, start.state
        self._rows.load(
            row,
            np.ascontiguousarray(state.outputs),
            state.position,
            start.seed,
            sampling.inverse_temperature,
            sampling.top_k,
            sampling.top_p,
            sampling.min_p,
            start.alternative,
            start.first_rank,
        )
        self._positions[row] = state.position
        self._is_accounted[row] = start.is_accounted

    def run(self, advances: Sequence[Advance]) -> "NativeOutcome":
        """Move the rows, each named at most once, by at least one character each."""
        plan = np.array([self._planned(advance) for advance in advances], np.int32)
        given = [part for advance in advances for part in (advance.skipped, advance.scored) if len(part)]
        forced = np.concatenate(given) if given else NOTHING
        outcome = NativeOutcome(plan, [self._positions[advance.row] for advance in advances], self._state_size)
        self._rows.run(plan, forced, outcome.drawn, outcome.surprises, outcome.log_probabilities, outcome.states)
        for advance in advances:
            self._positions[advance.row] += advance.steps
        return outcome

    def _planned(self, advance: Advance) -> tuple[int, int, int, int, bool]:
        """Row, skipped, scored, sampled, and whether it is accounted: one line of the plan."""
        skipped, scored = len(advance.skipped), len(advance.scored)
        is_accounted = scored > 0 or (advance.sampled > 0 and self._is_accounted[advance.row])
        return advance.row, skipped, scored, advance.sampled, is_accounted


class NativeOutcome:
    """What the rows did: the parts of each row follow one another in the order of the plan."""

    def __init__(self, plan: NDArray[np.int32], positions: list[int], state_size: int) -> None:
        _, skipped, scored, sampled, is_accounted = plan.T.astype(np.int64)
        self._places = np.array(positions, np.int64) + skipped + scored
        self._drawn = slices(sampled)
        self._accounted = slices((scored + sampled) * is_accounted)
        self._states = slices(sampled + 1)
        self.drawn = np.empty(self._drawn[-1].stop, np.int32)
        self.surprises = np.empty(self._accounted[-1].stop, np.int64)
        self.log_probabilities = np.empty(len(self.surprises))
        self.states = np.empty((self._states[-1].stop, state_size), np.int8)

    def characters(self, index: int) -> NDArray[np.int32]:
        """The characters that the row sampled."""
        return self.drawn[self._drawn[index]]

    def account(self, index: int) -> Account:
        """Of the scored and the sampled characters of the row; empty unless it is accounted or characters were scored."""
        part = self._accounted[index]
        return Account(self.surprises[part], self.log_probabilities[part]) if part.stop > part.start else NO_ACCOUNT

    def state(self, index: int, sampled: int) -> State:
        """The row's state after so many of its sampled characters (0: after the forced ones)."""
        outputs = self.states[self._states[index].start + sampled].copy()
        return State(outputs, int(self._places[index]) + sampled)

    def passage(self, index: int) -> Passage:
        """All of these states: a view of everybody's."""
        return Passage(self.states[self._states[index]], int(self._places[index]))


def slices(lengths: NDArray[np.int64]) -> list[slice]:
    """Parts of such lengths, one after another."""
    ends: list[int] = np.cumsum(lengths).tolist()
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def instruction_sets() -> list[str]:
    """The instruction sets that this machine has, the fastest first."""
    return _native.instruction_sets()


def choose(instructions: str) -> str:
    """The instruction set to use. Raises InvalidField for one that this machine lacks."""
    sets = instruction_sets()
    if instructions == "auto":
        return sets[0]
    if instructions not in sets:
        raise InvalidField("instructions", instructions, f"auto, or one that this machine has: {', '.join(sets)}")
    return instructions


def build(model: Model) -> _native.Builder:
    """The model's matrices and tables, for C++ to copy."""
    builder = _native.Builder()
    for layer, weights in zip(model.structure.layers, model.layers, strict=True):
        builder.layer(weights.weight, weights.scale, weights.bias, list(layer.inputs))
    builder.output(model.output.weight, model.output.scale, model.output.bias, list(model.structure.output_inputs))
    builder.tables(model.tables.tanh, model.tables.exp, model.tables.log)
    return builder
