"""What may wait is bounded: in texts, and by their length in bytes."""

import numpy as np
import pytest

from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Start
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_server.engine.callers import Queue
from elman_server.engine.engine import Engine
from elman_server.engine.job import WEIGHED_CHARACTERS, Job, Progress
from elman_server.errors import QueueFull


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


@pytest.mark.parametrize("is_served", [True, False], ids=["served", "cancelled"])
def test_who_waits_no_longer_leaves_room(model: Model, engine: Engine, is_served: bool) -> None:
    texts = [job(model, WEIGHED_CHARACTERS), job(model, 9)]
    engine.submit(texts)
    for text in () if is_served else texts:
        engine.cancel(text)
    while engine.has_work:
        engine.tick()
    for _ in range(3):
        engine.submit([job(model, 9)])
    with pytest.raises(QueueFull, match="3 texts are waiting"):
        engine.submit([job(model, 1)])


def test_who_goes_before_all_others_weighs_as_they_do(model: Model) -> None:
    queue, texts = Queue(), [job(model, 1), job(model, 2), job(model, WEIGHED_CHARACTERS)]
    queue.push(texts[2])
    queue.push_first(texts[:2])
    assert queue.weight == 4
    assert [queue.pop() for _ in texts] == texts
    assert (len(queue), queue.weight) == (0, 0)
