"""What goes on inside a network while it reads: its states. Needs no torch where the native execution is built.

The states are those of the execution that serves, not of a float network beside it. This file knows no question
that is asked of them.
"""

import numpy as np
from numpy.typing import NDArray

from elman.progress import Tell, told, untold
from elman.settings import counted
from elman_models.errors import Amount, InvalidField
from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Advance, Start
from elman_models.law.artifact import Model
from elman_models.law.dequantize import REACH
from elman_models.law.state import State

LONGEST_TEXT = 200_000
"""A state a character is kept: with 1,024 outputs, 200 MB."""


def states_of(model: Model, text: str, tell: Tell = untold) -> NDArray[np.int8]:
    """The initial state, and the one after each character, (characters + 1, state size). Raises InvalidField."""
    check_length(text)
    execution = open_execution(model, 1, "cpu")
    execution.load(0, Start(State.initial(model)))
    states = np.empty((len(text) + 1, model.structure.state_size), np.int8)
    states[0] = model.initial_state
    characters = model.vocabulary.encode(text)
    for step in told(range(len(text)), len(text), tell):
        outcome = execution.run([Advance(0, skipped=characters[step : step + 1])])
        states[step + 1] = outcome.state(0, 0).outputs
    return states


def check_length(text: str) -> None:
    """Raise InvalidField for a text that is too short to be looked at, or too long."""
    if not 2 <= len(text) <= LONGEST_TEXT:
        raise InvalidField("text", Amount(counted(len(text), "character")), f"2 to {LONGEST_TEXT:,} characters")


def root_mean_squares(model: Model, states: NDArray[np.int8]) -> NDArray[np.float64]:
    """The size of each layer's output, 0 to 1 whatever the layer's width, (states, layers)."""
    squares = np.square(states / REACH)
    layers = range(len(model.structure.layers))
    return np.stack([np.sqrt(squares[:, model.structure.span(layer)].mean(axis=1)) for layer in layers], axis=1)
