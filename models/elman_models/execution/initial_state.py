"""The initial state: the one after "\\n" (or UNK) from zeros. It predicts the first character of every text."""

from dataclasses import replace

import numpy as np

from elman_models.execution.protocol import Advance, Start
from elman_models.execution.reference import Reference
from elman_models.law.artifact import Model
from elman_models.law.state import State


def with_initial_state(model: Model) -> Model:
    """The model with its initial state computed by the law itself."""
    reference = Reference(model, rows=1)
    zeros = np.zeros(model.structure.state_size, np.int8)
    reference.load(0, Start(State(zeros, 0)))
    outcome = reference.run([Advance(0, skipped=model.vocabulary.encode("\n"))])
    return replace(model, initial_state=outcome.state(0, 0).outputs)
