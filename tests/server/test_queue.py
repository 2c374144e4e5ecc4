"""What may wait is bounded: in texts, and by their length in bytes."""

import numpy as np
import pytest

from elman_models.artifact import Model
from elman_models.execution import Start
from elman_models.executions import open_execution
from elman_models.state import State
from elman_server.engine import Engine
from elman_server.errors import QueueFull
from elman_server.job import WEIGHED_CHARACTERS, Job, Progress


def ignore(news: Progress) -> None:
    """Nobody listens."""


@pytest.fixture
def engine(model: Model) -> Engine:
    """An engine that nobody ticks, in whose queue three texts may wait."""
    return Engine({model.digest: open_execution(model, 1, "cpu")}, 1, 3)


def job(model: Model, characters: int) -> Job:
    """A text to consume."""
    return Job(model, Start(State.initial(model)), ignore, skipped=np.zeros(characters, np.int32))


def test_as_many_short_texts_wait_as_the_queue_is_long(model: Model, engine: Engine) -> None:
    for _ in range(3):
        engine.submit([job(model, 9)])
    with pytest.raises(QueueFull, match="3 texts are waiting"):
        engine.submit([job(model, 1)])
    assert engine.statistics().waiting == 3


def test_a_long_text_counts_as_several(model: Model, engine: Engine) -> None:
    engine.submit([job(model, 9)])
    with pytest.raises(QueueFull):
        engine.submit([job(model, 2 * WEIGHED_CHARACTERS)])
    engine.submit([job(model, WEIGHED_CHARACTERS)])


def test_where_nothing_waits_any_text_may(model: Model, engine: Engine) -> None:
    engine.submit([job(model, 99 * WEIGHED_CHARACTERS)])
    assert engine.statistics().waiting == 1
