"""What the engine tells of a call's texts on its way to the caller: whole, in order, and in no more messages than pay."""

from collections.abc import Callable, Sequence

import pytest

from elman_models.law.state import State
from elman_server.engine.job import Job, Progress
from elman_server.errors import Unavailable
from elman_server.rpc.news import News

MakeText = Callable[[str], Job]


@pytest.fixture
def news() -> News:
    """Nothing yet."""
    return News()


@pytest.fixture
def job(make_text: MakeText) -> Job:
    """A text of some caller."""
    return make_text("caller")


def piece(job: Job, place: int, text: str, enough: int = 0, *, state: State | None = None) -> Progress:
    """News of some text, each character of which has its place as its log-probability."""
    return Progress(job, place, text, [-float(each) for each in range(place, place + len(text))], state=state, enough=enough)


def words(progress: Progress) -> tuple[int, str, Sequence[float]]:
    """What is written of it."""
    return progress.place, progress.text, progress.log_probabilities


async def test_a_text_is_told_once_there_is_enough_of_it(news: News, job: Job) -> None:
    news.tell(piece(job, 0, "a"))
    assert words(await news.next()) == (0, "a", [0.0])
    for place, text in ((1, "bc"), (3, "de")):
        news.tell(piece(job, place, text, enough=4))
    assert words(await news.next()) == (1, "bcde", [-1.0, -2.0, -3.0, -4.0])
    news.tell(piece(job, 5, "f", enough=4))
    news.tell(piece(job, 6, "g", state=job.start.state))
    last = await news.next()
    assert (*words(last), last.is_last) == (5, "fg", [-5.0, -6.0], True)


async def test_each_text_of_a_call_waits_for_its_own(news: News, make_text: MakeText) -> None:
    one, other = make_text("caller"), make_text("caller")
    for text in ("a", "b"):
        news.tell(piece(one, 1, text, enough=9))
    news.tell(piece(other, 1, "x", enough=9))
    news.tell(piece(other, 2, "y"))
    news.tell(piece(one, 3, "c"))
    told = [await news.next(), await news.next()]
    assert [(each.job, each.text) for each in told] == [(other, "xy"), (one, "abc")]


async def test_what_is_not_taken_when_more_comes_is_told_with_it(news: News, make_text: MakeText) -> None:
    one, other = make_text("caller"), make_text("caller")
    for place, text in ((0, "a"), (1, "bc")):
        news.tell(piece(one, place, text))
        news.tell(piece(other, place, text.upper(), enough=9 * place))
    assert [words(await news.next())[:2] for _ in range(2)] == [(0, "abc"), (0, "ABC")]


async def test_what_was_drawn_is_told_before_what_ended_the_call(news: News, job: Job) -> None:
    news.tell(piece(job, 1, "ab", enough=9))
    news.tell(Progress(job, failure=Unavailable()))
    assert words(await news.next()) == (1, "ab", [-1.0, -2.0])
    with pytest.raises(Unavailable):
        await news.next()
