"""Callers take turns, however many texts each has; and what the engine counts for each is what each has there."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman_models.execution.choice import open_execution
from elman_models.law.artifact import Model
from elman_server.engine import pace
from elman_server.engine.asker import LEAST_EFFORT, Asker
from elman_server.engine.callers import TURN_STEPS, Callers, Queue
from elman_server.engine.engine import Engine
from elman_server.engine.job import Job, Progress
from elman_server.engine.pace import LEAST_ROWS

MakeText = Callable[..., Job]


def entered(*texts: Job) -> Callers:
    """Callers whose texts these are."""
    callers = Callers()
    for text in texts:
        callers.enter(text)
    return callers


def who_moves(callers: Callers, texts: Sequence[Job], most: int) -> Counter[str]:
    """Whose turn it is, after the turns of before have ended."""
    for text in texts:
        text.turn = 0
    callers.deal(texts, most)
    return Counter(str(text.asker.caller) for text in texts if text.turn)


def test_a_caller_of_one_text_has_as_many_turns_as_one_of_a_hundred(make_text: MakeText) -> None:
    texts = [*(make_text("greedy") for _ in range(100)), make_text("modest"), make_text("other")]
    callers = entered(*texts)
    turns = sum((who_moves(callers, texts, 1) for _ in range(9)), Counter[str]())
    assert turns == {"greedy": 3, "modest": 3, "other": 3}
    assert who_moves(callers, texts, 6) == {"greedy": 4, "modest": 1, "other": 1}


def test_where_all_texts_pay_all_move(make_text: MakeText) -> None:
    texts = [*(make_text("greedy") for _ in range(7)), make_text("modest")]
    assert who_moves(entered(*texts), texts, 8) == {"greedy": 7, "modest": 1}


def test_a_turn_lasts_while_it_has_steps_left(make_text: MakeText) -> None:
    texts = [make_text("one"), make_text("other")]
    callers = entered(*texts)
    callers.deal(texts, 1)
    callers.deal(texts, 1)
    assert [text.turn for text in texts] == [TURN_STEPS, 0]


def test_who_comes_late_does_not_make_up_for_the_time_before(make_text: MakeText) -> None:
    texts = [make_text("early"), make_text("early"), make_text("late")]
    callers = entered(*texts[:2])
    for _ in range(50):
        who_moves(callers, texts[:2], 1)
    callers.enter(texts[2])
    assert sum((who_moves(callers, texts, 1) for _ in range(8)), Counter[str]()) == {"early": 4, "late": 4}


def test_what_ends_early_while_all_move_earns_its_caller_nothing(make_text: MakeText) -> None:
    staying, other = make_text("calm"), make_text("other")
    callers = entered(staying, other)
    for _ in range(50):  # each leaves with most of its turn unused
        brief = make_text("calm")
        callers.enter(brief)
        callers.deal([staying, other, brief], 8)
        callers.leave(brief)
    texts = [staying, make_text("calm"), other]
    callers.enter(texts[1])
    assert sum((who_moves(callers, texts, 1) for _ in range(8)), Counter[str]()) == {"calm": 4, "other": 4}


def test_an_unused_part_of_a_turn_that_was_counted_is_given_back(make_text: MakeText) -> None:
    texts = [make_text("a"), make_text("a"), make_text("b")]
    callers = entered(*texts)
    callers.deal(texts, 1)
    assert [bool(text.turn) for text in texts] == [True, False, False]
    callers.leave(texts[0])  # without a step
    callers.deal(texts[1:], 1)
    assert [bool(text.turn) for text in texts[1:]] == [True, False]


def test_as_many_documents_move_as_pay_and_those_who_ask_for_much_are_as_all_others(make_text: MakeText) -> None:
    typists = [make_text(f"typist {number}", 64, is_document=True) for number in range(20)]
    greedy = [make_text("greedy", 9000, is_document=True) for _ in range(20)]
    texts = [*greedy, *typists]
    moving = who_moves(entered(*texts), texts, 4)
    assert moving.pop("greedy") == 4
    assert (sum(moving.values()), len(moving)) == (4, 4)


def test_documents_move_beside_those_whose_turn_it_is(make_text: MakeText) -> None:
    texts = [*(make_text("bulk") for _ in range(9)), make_text("typist", 64, is_document=True)]
    assert who_moves(entered(*texts), texts, 4) == {"bulk": 4, "typist": 1}


def test_a_document_is_first_in_the_queue_and_then_who_was_served_least(make_text: MakeText) -> None:
    texts = [make_text("a"), make_text("a"), make_text("b"), make_text("typist", 64, is_document=True)]
    callers, queue = entered(*texts), Queue()
    for text in texts:
        queue.push(text)
    callers.deal([texts[0]], 0)
    callers.deal(texts[:2], 1)  # a turn for a
    assert [queue.pop() for _ in texts] == [texts[3], texts[2], texts[0], texts[1]]


def test_the_work_before_a_newcomer_counts_nobody_for_more_than_the_newcomer_itself(make_text: MakeText) -> None:
    callers = entered(make_text("a", 1000), make_text("b", 10), make_text("c", 50))
    assert callers.work_before("new", 100) == 100 + 10 + 50
    assert callers.work_before("c", 100) == 50 + 150 + 10


def test_a_text_that_is_not_read_yet_counts_as_its_caller_s_last_but_for_no_more_than_a_turn(make_text: MakeText) -> None:
    short, long = make_text("a", 30), make_text("a", 10 * TURN_STEPS)
    callers = entered(long, short)
    assert callers.expected("a") == (30, 30)
    callers.enter(another := make_text("a", 10 * TURN_STEPS))
    assert callers.expected("a") == (TURN_STEPS, TURN_STEPS)
    for text in (short, long, another):
        callers.leave(text)
    assert callers.expected("a") == callers.expected("new") == LEAST_EFFORT


def test_a_text_whose_time_has_run_out_while_it_waited_costs_no_step(model: Model, make_text: MakeText) -> None:
    engine = Engine({model.digest: open_execution(model, 1, "cpu")}, 1, 99)
    engine.submit([make_text("late", 5)], Asker("late", deadline=time.monotonic() - 1))
    engine.submit([make_text("early", 5)], Asker("early", deadline=time.monotonic() + 60))
    while engine.has_work:
        engine.tick()
    assert (engine.statistics().row_steps, engine.statistics().callers) == (5, 0)


def test_where_texts_rest_a_turn_is_worth_one_message_but_for_the_first_character(
    model: Model, make_text: MakeText, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "BUSY_TICK_SECONDS", 0.0)  # the least rows pay
    engine = Engine({model.digest: open_execution(model, 3 * LEAST_ROWS, "cpu")}, 3 * LEAST_ROWS, 99)
    told = dict[Job, list[Progress]]()

    def hear(news: Progress) -> None:
        told.setdefault(news.job, []).append(news)
        assert news.job.turn or not news.enough  # at the end of its turn all is told

    for number in range(3 * LEAST_ROWS):
        text = make_text(f"caller {number}", 2 * TURN_STEPS)
        text.tell = hear
        engine.submit([text], text.asker)
    while engine.has_work:
        engine.tick()
    for news in told.values():
        assert [each.place for each in news] == [0, *accumulate(len(each.text) for each in news[:-1])]
        assert (news[0].enough, news[-1].enough) == (0, 0)
        assert {each.enough for each in news} <= {0, TURN_STEPS}
    assert TURN_STEPS in {each.enough for news in told.values() for each in news}


@given(chance=st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_when_every_text_has_ended_or_was_cancelled_nobody_is_counted_for_anything(
    model: Model, make_text: MakeText, chance: int
) -> None:
    random = Random(chance)
    engine = Engine({model.digest: open_execution(model, 3, "cpu")}, 3, 99)
    paused: list[Job] = []

    def hear(progress: Progress) -> None:
        if progress.is_paused:
            paused.append(progress.job)

    texts = [make_text(random.choice("abc"), random.randint(1, 9000), consumed=random.randint(0, 99)) for _ in range(9)]
    for text in texts:
        text.tell = hear
    for text in texts:
        alternatives = [make_text(str(text.asker.caller), 5) for _ in range(random.randint(0, 2))]
        primed = Job(model, text.start, hear, np.zeros(9, np.int32), alternatives=[text, *alternatives])
        engine.submit([random.choice([text, primed])], text.asker)
        for _ in range(random.randint(0, 3)):
            engine.tick()
        if random.random() < 0.5:
            engine.cancel(random.choice(texts))
    while engine.has_work:
        engine.tick()
    callers = engine.statistics().callers
    assert callers == 0
    for text in paused:
        engine.resume(text)
        engine.cancel(text)
    engine.tick()
    assert (engine.statistics().callers, engine.statistics().waiting, engine.statistics().busy_rows) == (0, 0, 0)
