"""The native execution: LAW.md in C++ (models/native), compiled for several instruction sets of which the best is taken.

It holds no lock of the interpreter while it runs, and needs numpy alone. Equal to the reference, byte for byte.
"""

from collections.abc import Sequence

import numpy as np

from elman_models import _native
from elman_models.errors import InvalidField
from elman_models.execution.protocol import Account, Advance, Passage, Start
from elman_models.law.artifact import Model
from elman_models.law.state import State


class Native:
    """The native execution of the `Execution` protocol. Raises RuntimeError where two threads move rows at once."""

    def __init__(self, model: Model, rows: int, instructions: str = "auto") -> None:
        chosen = choose(instructions)
        self.name = f"native {chosen}"
        self._rows = _native.Rows(build(model), rows, chosen)

    def load(self, row: int, start: Start) -> None:
        """Put a text into a row, whatever was there before."""
        sampling, state = start.sampling, start.state
        self._rows.load(
            row,
            np.ascontiguousarray(state.outputs),
            state.position,
            np.ascontiguousarray(state.remembered),
            start.seed,
            sampling.inverse_temperature,
            sampling.top_k,
            sampling.top_p,
            sampling.min_p,
            start.alternative,
            start.first_rank,
            start.is_accounted,
        )

    def run(self, advances: Sequence[Advance]) -> "NativeOutcome":
        """Move the rows, each named at most once, by at least one character each."""
        return NativeOutcome(self._rows.run(advances))

    def start(self, advances: Sequence[Advance], pipe: int) -> None:
        """Begin the same in a thread that needs no interpreter; a byte in the pipe tells the end."""
        self._rows.start(advances, pipe)

    def finish(self) -> tuple["NativeOutcome", float]:
        """What came of it, and the time that it took. Raises what the run raised."""
        outcome, seconds = self._rows.finish()
        return NativeOutcome(outcome), seconds


class NativeOutcome:
    """What the rows did."""

    def __init__(self, outcome: _native.Outcome) -> None:
        self._outcome = outcome
        self.characters = outcome.characters

    def account(self, index: int) -> Account:
        """Of the scored and the sampled characters of the row; empty unless it is accounted or characters were scored."""
        return Account(*self._outcome.account(index))

    def state(self, index: int, sampled: int) -> State:
        """The row's state after `sampled` of its sampled characters (0: after the forced ones)."""
        return State(*self._outcome.state(index, sampled))

    def passage(self, index: int) -> Passage:
        """All of these states: a view of everybody's."""
        return Passage(*self._outcome.passage(index))


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
    recall = model.recall
    lengths, unanimous, shares, rivals, distances = recall.bounds.values()
    builder.recall(recall.window, lengths, unanimous, shares, rivals, distances, np.ascontiguousarray(recall.odds))
    return builder
