"""Texts for the engine."""

from collections.abc import Callable

import numpy as np
import pytest

from elman_models.execution.protocol import Start
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_server.engine.ending import Ending
from elman_server.engine.job import Asker, Job

MakeText = Callable[..., Job]


@pytest.fixture(scope="session")
def make_text(model: Model) -> MakeText:
    """A text to draw, of a caller."""

    def make(caller: str, characters: int = 1000, *, consumed: int = 0, is_document: bool = False) -> Job:
        ending = Ending(characters, (), None)
        job = Job(model, Start(State.initial(model)), lambda _: None, np.zeros(consumed, np.int32), ending=ending)
        job.ask_for(Asker(caller, is_document=is_document))
        return job

    return make
