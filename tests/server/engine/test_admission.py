"""Who could not end in time is told so at once, and who waits within its share is let in though others fill the queue."""

from collections.abc import Callable

import pytest

from elman_server.engine.admission import PATIENCE, Admission, Speed
from elman_server.engine.asker import Asker, Effort
from elman_server.engine.callers import Callers, Queue
from elman_server.engine.job import Job
from elman_server.errors import QueueFull, TooLate

MakeText = Callable[..., Job]


def speed(step_seconds: float) -> Speed:
    """A machine that takes as long for a step."""
    learned = Speed()
    learned.observe(1000, 1000 * step_seconds)
    return learned


def test_the_wait_for_others_may_be_a_share_of_the_time_that_is_left(make_text: MakeText) -> None:
    callers = Callers()
    for _ in range(10):
        callers.enter(make_text("busy", 100))
    admission = Admission(callers, speed(0.001), 99)
    for own, wait in ((100, 0.1), (1000, 1.0)):  # nobody is served more than the newcomer before it has ended
        needed = own * 0.001 + wait / PATIENCE
        admission.check_time(Effort(own, own), Asker("new", needed * 1.01), 0.0, 1)
        with pytest.raises(TooLate, match=f"deadline: .* s are left, and others come first for about {wait:.2g} s; retry"):
            admission.check_time(Effort(own, own), Asker("new", needed * 0.99), 0.0, 1)


def test_a_text_that_may_end_early_is_not_counted_for_its_whole_length(make_text: MakeText) -> None:
    admission = Admission(Callers(), speed(0.001), 99)
    text = make_text("new", 1 << 20)
    with pytest.raises(TooLate):
        admission.check_time(Effort(text.work, text.least_work), Asker("new", 1.0), 0.0, 1)
    text.ending = type(text.ending)(1 << 20, ["\n"], None) if text.ending else None
    admission.check_time(Effort(text.work, text.least_work), Asker("new", 1.0), 0.0, 1)


def test_the_speed_is_that_of_late() -> None:
    learned = speed(0.001)
    for _ in range(120):
        learned.observe(100, 0.01)
    assert learned.step_seconds == pytest.approx(0.0001, rel=0.05)


def test_one_pause_is_no_pace_but_many_are() -> None:
    learned = speed(0.001)
    learned.observe(8, 1.0)
    assert learned.step_seconds <= 0.002
    for _ in range(30):
        learned.observe(100, 0.1)
    assert learned.step_seconds == pytest.approx(0.001, rel=0.05)
    for _ in range(8):
        learned.observe(8, 1.0)
    assert learned.step_seconds == pytest.approx(0.125)


def test_a_caller_within_its_share_comes_in_though_another_fills_the_queue(make_text: MakeText) -> None:
    callers, queue = Callers(), Queue()

    def ask(caller: str) -> None:
        text = make_text(caller)
        admission.check_room([text], text.asker, queue.weight, len(queue))
        callers.enter(text)
        queue.push(text)

    admission = Admission(callers, Speed(), 12)
    for _ in range(12):
        ask("greedy")
    with pytest.raises(QueueFull, match="12 texts are waiting; retry after"):
        ask("greedy")
    for _ in range(4):  # a third of the queue: one caller is there, one comes, and one more may
        ask("modest")
    with pytest.raises(QueueFull):
        ask("modest")


def test_those_who_are_refused_do_not_all_come_back_together(make_text: MakeText) -> None:
    callers = Callers()
    for _ in range(10):
        callers.enter(make_text("busy", 1000))
    admission = Admission(callers, speed(0.0001), 99)
    delays: list[float] = []
    for _ in range(50):
        with pytest.raises(TooLate) as refused:
            admission.check_time(Effort(1000, 1000), Asker("new", 0.0), 0.0, 1)
        delays.append(refused.value.retry_seconds)
    half = 10 * 1000 * 0.0001 / 2
    assert half / 2 <= min(delays) < 0.8 * half < 1.2 * half < max(delays) <= 1.5 * half
