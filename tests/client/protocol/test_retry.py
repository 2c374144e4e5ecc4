"""The schedule of retries, with a clock held by hand."""

import pytest

from elman.clock import SystemClock
from elman.errors import AllowMoreTime, BackOff, ElmanError, GoElsewhere, MendRequest, SendTextAgain
from elman.protocol.retry import Farewell, Retry, Tries, shorter


class HeldClock:
    """Stands still, and is always as late as it can be."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def jitter(self) -> float:
        return 1.0


def tries_of(retry: Retry | None = None, addresses: int = 1, timeout: float | None = None) -> Tries:
    return Tries(retry or Retry(), addresses, 0, timeout, HeldClock())


def test_waits_double_up_to_the_largest() -> None:
    tries = tries_of(Retry(attempts=7, first_seconds=0.1, largest_seconds=1.0))
    assert [tries.failed(GoElsewhere("")) for _ in range(6)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])


def test_jitter_takes_at_most_half_of_a_wait() -> None:
    retry = Retry(first_seconds=0.4)
    assert [retry.seconds(0, jitter) for jitter in (0.0, 0.5, 1.0)] == pytest.approx([0.2, 0.3, 0.4])


def test_a_wait_so_late_that_its_doubling_overflows_is_the_largest() -> None:
    assert Retry().seconds(10_000, 1.0) == Retry().largest_seconds


def test_addresses_that_were_not_tried_are_tried_at_once() -> None:
    tries = tries_of(addresses=3)
    assert [tries.failed(GoElsewhere("")) for _ in range(4)] == pytest.approx([0, 0, 0.1, 0.2])
    assert tries.turn == 4


def test_the_wait_is_never_shorter_than_a_lone_server_asks() -> None:
    assert tries_of().failed(BackOff("", 3.0)) == 3.0
    assert tries_of(addresses=2).failed(BackOff("", 3.0)) == 0.0


@pytest.mark.parametrize("error", [Farewell(""), SendTextAgain("")], ids=["goodbye", "another model"])
def test_nobody_waits_who_is_told_goodbye_or_meets_another_model_but_tries_are_counted(error: ElmanError) -> None:
    tries = tries_of()
    assert [tries.failed(error) for _ in range(5)] == [0] * 5
    assert tries.turn == 5
    with pytest.raises(type(error)):
        tries.failed(error)


def test_what_each_of_several_servers_refuses_is_asked_of_none_again() -> None:
    tries = Tries(Retry(), 3, 0, None, HeldClock(), each_is_one_server=True)
    refused = SendTextAgain("")
    assert [tries.failed(error) for error in (refused, GoElsewhere(""), refused)] == [0, 0, 0]
    assert tries.turn == 3
    with pytest.raises(SendTextAgain):
        tries.failed(refused)


def test_once_something_came_the_servers_may_be_asked_again() -> None:
    tries = Tries(Retry(), 2, 0, None, HeldClock(), each_is_one_server=True)
    for progress in range(3):
        assert tries.failed(SendTextAgain(""), progress) == 0


def test_progress_makes_the_next_failure_the_first() -> None:
    tries = tries_of(Retry(attempts=2))
    assert [tries.failed(GoElsewhere(""), progress) for progress in (1, 2, 3)] == pytest.approx([0.1] * 3)
    with pytest.raises(GoElsewhere):
        tries.failed(GoElsewhere(""), 3)


def test_an_error_that_a_retry_cannot_mend_is_raised_at_once() -> None:
    with pytest.raises(MendRequest):
        tries_of().failed(MendRequest(""))


def test_a_wait_beyond_the_timeout_asks_for_more_time_and_says_why_it_was_needed() -> None:
    with pytest.raises(
        AllowMoreTime, match=r"^the timeout of 0.05 seconds leaves no time for another try; the last one: refused$"
    ):
        tries_of(timeout=0.05).failed(GoElsewhere("refused"))


def test_the_last_try_of_all_asks_for_more_time_only_after_the_deadline() -> None:
    clock = HeldClock()
    tries = Tries(Retry(attempts=1), 1, 0, 2.0, clock)
    with pytest.raises(GoElsewhere):
        tries.failed(GoElsewhere(""))
    clock.time = 2.0
    with pytest.raises(AllowMoreTime):
        tries.failed(GoElsewhere(""))
    with pytest.raises(MendRequest):
        tries.failed(MendRequest(""))


@pytest.mark.parametrize(("timeout", "words"), [(2.0, "2 seconds"), (1.0, "1 second")])
def test_the_time_left_shrinks_to_an_error(timeout: float, words: str) -> None:
    clock = HeldClock()
    tries = Tries(Retry(), 1, 0, timeout, clock)
    clock.time = timeout - 0.5
    assert tries.seconds_left() == 0.5
    clock.time = timeout
    with pytest.raises(AllowMoreTime, match=rf"^the timeout of {words} has passed$"):
        tries.seconds_left()


@pytest.mark.parametrize("values", [{"attempts": 0}, {"first_seconds": -1.0}, {"largest_seconds": 0.01}])
def test_an_absurd_schedule_is_refused_by_name(values: dict[str, float]) -> None:
    with pytest.raises(ElmanError, match="allowed"):
        Retry(**values)  # pyright: ignore[reportArgumentType] (integers and floats in one table)


def test_the_defaults_are_those_of_the_documents() -> None:
    assert Retry() == Retry(attempts=6, first_seconds=0.1, largest_seconds=5.0)


def test_the_least_of_everything_is_legal() -> None:
    least = Retry(attempts=1, first_seconds=0, largest_seconds=0)
    with pytest.raises(GoElsewhere):
        tries_of(least).failed(GoElsewhere(""))


def test_the_first_news_of_all_makes_the_next_failure_the_first() -> None:
    attempts = tries_of(Retry(attempts=2))
    attempts.failed(GoElsewhere(""))
    assert attempts.failed(GoElsewhere(""), 1) == pytest.approx(0.1)


def test_a_wait_that_would_take_all_the_time_left_is_not_taken() -> None:
    with pytest.raises(AllowMoreTime):
        tries_of(Retry(first_seconds=0.5), timeout=0.5).failed(GoElsewhere(""))
    assert tries_of(Retry(first_seconds=0.5), timeout=0.625).failed(GoElsewhere("")) == 0.5


def test_the_machine_s_time_runs_on_and_its_chance_is_a_share() -> None:
    before = SystemClock().now()
    assert SystemClock().now() >= before
    assert len({SystemClock().jitter() for _ in range(9)}) > 1
    assert all(0 <= SystemClock().jitter() <= 1 for _ in range(9))


@pytest.mark.parametrize(
    ("one", "other", "expected"), [(2.0, 3.0, 2.0), (3.0, 2.0, 2.0), (None, 2.0, 2.0), (2.0, None, 2.0), (None, None, None)]
)
def test_a_time_without_an_end_is_longer_than_any(one: float | None, other: float | None, expected: float | None) -> None:
    assert shorter(one, other) == expected
