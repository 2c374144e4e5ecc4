"""One text on its way: how far it moves in a tick, what is told of it, and which state stands at its end. No execution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from elman_models.execution.protocol import Account, Outcome, Passage, Start
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_server.engine.ending import Ending, Reason
from elman_server.engine.job import WEIGHED_CHARACTERS, Job, Progress, Timing


@dataclass
class Drew:
    """What a row did: it stood at a position and drew a text. Every character, given or drawn, has the surprise 10; recall
    favoured those at positions that 3 divides.
    """

    model: Model
    position: int
    text: str = ""
    scored: int = 0

    def characters(self, index: int) -> list[int]:
        assert index == 3
        return self.model.vocabulary.encode(self.text).tolist()

    def account(self, index: int) -> Account:
        count = self.scored + len(self.text)
        places = np.arange(self.position - self.scored, self.position + len(self.text))
        return Account(np.full(count, 10), -places.astype(float), places % 3 == 0)

    def state(self, index: int, sampled: int) -> State:
        assert 0 <= sampled <= len(self.text)
        return state_at(self.model, self.position + sampled)

    def passage(self, index: int) -> Passage:
        return Passage(np.zeros((len(self.text) + 1, 1), np.int8), self.position)


def state_at(model: Model, position: int) -> State:
    return State(model.initial_state, position)


def ignore(_: Progress) -> None:
    """Nobody is told."""


class Typist:
    """A job whose row draws what a test says."""

    def __init__(self, model: Model, job: Job) -> None:
        self.model, self.job = model, job
        self.position = job.start.state.position
        self.replayed: list[tuple[int, str]] = []

    def replay(self, state: State, characters: NDArray[np.int32]) -> State:
        text = self.model.vocabulary.decode(characters.tolist())
        self.replayed.append((state.position, text))
        return state_at(self.model, state.position + len(text))

    def tick(self, text: str = "", run: int = 0) -> Progress | None:
        """One tick, of a run of given characters and then a draw of the text."""
        advance = self.job.advance(2, run, len(text))
        self.position += advance.forced
        outcome: Outcome = Drew(self.model, self.position, text[: advance.sampled], len(advance.scored))
        self.position += advance.sampled
        return self.job.take(advance, outcome, 3, self.replay)


def typist(
    model: Model, most: int = 100, stops: Sequence[str] = (), largest: int | None = None, received: str = "", **given: Any
) -> Typist:
    ending = Ending(most, stops, largest)
    if received:
        ending.receive(received)
    start = Start(state_at(model, 7), first_rank=2, is_accounted=True)
    return Typist(model, Job(model, start, ignore, ending=ending, **given))


def encoded(model: Model, text: str) -> dict[str, Any]:
    return {"skipped": model.vocabulary.encode(text)}


def said(progress: Progress | None) -> tuple[int, str, Sequence[float]]:
    """Place, text and log-probabilities of news that is not the last."""
    assert progress is not None
    assert not progress.is_last
    return progress.place, progress.text, progress.log_probabilities


def test_news_is_the_last_at_the_end_and_at_a_failure(model: Model) -> None:
    job = typist(model).job
    assert not Progress(job, text="a").is_last
    assert not Progress(job, is_paused=True).is_last
    assert Progress(job, state=job.start.state).is_last
    assert Progress(job, failure=ValueError()).is_last


def test_a_job_weighs_what_it_has_texts_and_one_more_for_16384_characters(model: Model) -> None:
    def job(characters: int, alternatives: int = 0) -> Job:
        return Job(
            model,
            Start(state_at(model, 0)),
            ignore,
            skipped=np.zeros(characters // 2, np.int32),
            scored=np.zeros(characters - characters // 2, np.int32),
            alternatives=[typist(model).job] * alternatives,
        )

    assert WEIGHED_CHARACTERS == 16384
    assert [job(count).weight for count in (1, 16383, 16384, 32767, 32768)] == [1, 1, 2, 2, 3]
    assert [job(1, alternatives).weight for alternatives in (1, 2, 16)] == [1, 2, 16]
    assert job(16384, 3).weight == 4


def test_what_is_given_is_moved_over_in_runs_and_then_characters_are_drawn(model: Model) -> None:
    job = typist(model, most=4, **encoded(model, "abc"), scored=model.vocabulary.encode("defg")).job
    assert (job.given, job.is_primed, job.left, job.awaits_first) == (7, False, 4, True)

    def moved(run: int, draws: int) -> tuple[int, int, int, int]:
        advance = job.advance(5, run, draws)
        return advance.row, len(advance.skipped), len(advance.scored), advance.sampled

    assert moved(2, 9) == (5, 2, 0, 0)
    assert moved(3, 9) == (5, 3, 0, 0)
    assert moved(5, 9) == (5, 3, 2, 0)
    assert moved(7, 3) == (5, 3, 4, 3)
    assert moved(9, 9) == (5, 3, 4, 4)  # no more than are left


def test_what_recall_favoured_is_counted_once_it_is_told(model: Model) -> None:
    typing = typist(model, stops=["cg"], received="a", scored=model.vocabulary.encode("a"))  # the text begins at position 7
    counts: list[int] = []
    for text in ("bb", "bc", "c", "db", "cg"):  # at 8 to 16; a "c" may begin the stop string
        typing.tick(text, run=9)
        counts.append(typing.job.recalled)
    assert (typing.job.sent, counts) == (8, [1, 1, 1, 2, 2])


def test_nothing_is_drawn_after_the_end_or_without_an_ending(model: Model) -> None:
    typing = typist(model, most=9, stops=["b"])
    typing.tick("ab")
    assert typing.job.advance(1, 5, 5).sampled == 0
    job = Job(model, Start(state_at(model, 0)), ignore, **encoded(model, "ab"))
    assert job.advance(1, 5, 5).sampled == 0
    assert (job.left, job.awaits_first) == (0, False)


def test_what_only_consumes_tells_its_last_state_once_all_is_consumed(model: Model) -> None:
    job = Job(model, Start(state_at(model, 7)), ignore, **encoded(model, "abcde"))
    typing = Typist(model, job)
    assert typing.tick(run=2) is None
    assert (job.given, job.steps) == (3, 2)
    last = typing.tick(run=5)
    assert last is not None
    assert (last.job, last.place, last.text, last.log_probabilities, last.reason) == (job, 0, "", [], None)
    assert (last.is_last, last.is_paused) == (True, False)
    assert last.state is not None
    assert (last.state.position, job.is_primed, job.steps) == (12, True, 5)


def test_what_is_scored_tells_its_log_probabilities_in_order(model: Model) -> None:
    job = Job(model, Start(state_at(model, 7)), ignore, scored=model.vocabulary.encode("abcde"), **encoded(model, "a"))
    typing = Typist(model, job)
    assert typing.tick(run=3) is None
    last = typing.tick(run=9)
    assert last is not None
    assert last.log_probabilities == [-8, -9, -10, -11, -12]


def test_text_is_told_as_it_is_drawn_each_with_its_place(model: Model) -> None:
    typing = typist(model, most=5, **encoded(model, "ab"))
    assert typing.tick("x", run=1) is None
    assert said(typing.tick("abc", run=1)) == (0, "abc", [-9, -10, -11])
    assert (typing.job.sent, typing.job.untaken, typing.job.awaits_first) == (3, 3, False)
    typing.job.note_taken(2)
    assert typing.job.untaken == 1
    last = typing.tick("deg")
    assert last is not None
    assert (last.place, last.text, last.log_probabilities, last.reason) == (3, "de", [-12, -13], Reason.LENGTH)
    assert last.state is not None
    assert last.state.position == 14
    assert typing.replayed == []


def test_without_an_account_there_are_no_log_probabilities(model: Model) -> None:
    typing = typist(model)
    typing.job.start = Start(state_at(model, 7))
    assert said(typing.tick("abc")) == (0, "abc", [])


def test_what_may_begin_a_stop_string_is_held_back_with_its_log_probabilities(model: Model) -> None:
    typing = typist(model, stops=["cde"])
    assert said(typing.tick("abcd")) == (0, "ab", [-7, -8])
    assert typing.job.untaken == 2
    assert said(typing.tick("cc")) == (2, "cdc", [-9, -10, -11])
    assert typing.tick("d") is None


@pytest.mark.parametrize("ticks", [["abcdef"], ["abcd", "ef"], ["ab", "cd", "ef"], ["abc", "d", "e", "f"], ["a", "bcd", "ef"]])
def test_the_last_state_is_that_after_the_last_character_told_whatever_the_ticks(model: Model, ticks: Sequence[str]) -> None:
    typing = typist(model, stops=["cdef"])
    news = [progress for progress in map(typing.tick, ticks) if progress]
    assert "".join(progress.text for progress in news) == "ab"
    assert (news[-1].reason, news[-1].is_last) == (Reason.STOP, True)
    assert news[-1].state is not None
    assert news[-1].state.position == 9


def test_a_state_before_the_ticks_that_held_text_back_is_replayed_up_to_the_end(model: Model) -> None:
    typing = typist(model, stops=["abcx", "cdef"])
    typing.tick("a")  # all of it is held back
    typing.tick("bc")
    typing.tick("d")  # now only "cd" is held back
    typing.tick("e")
    last = typing.tick("f")
    assert last is not None
    assert last.state is not None
    assert (last.place, last.text, last.state.position) == (2, "", 9)
    assert typing.replayed == [(7, "ab")]


def test_a_state_within_the_last_tick_is_its_own_even_if_text_was_held_back_before(model: Model) -> None:
    typing = typist(model, stops=["cdef"])
    typing.tick("abcd")  # "cd" is held back
    last = typing.tick("abcdef")
    assert last is not None
    assert last.state is not None
    assert (last.text, last.state.position, typing.replayed) == ("cdab", 7 + 6, [])


def test_a_new_job_is_wanted_and_has_taken_no_step(model: Model) -> None:
    job = typist(model).job
    assert (job.is_cancelled, job.steps, job.untaken) == (False, 0, 0)


def test_surprises_of_what_was_received_and_drawn_count_together(model: Model) -> None:
    typing = typist(model, largest=45, received="ab", scored=model.vocabulary.encode("ab"), **encoded(model, "g"))
    assert (typing.job.received, typing.job.sent, typing.job.untaken, typing.job.awaits_first) == (2, 2, 0, True)
    assert typing.tick(run=2) is None
    assert typing.tick(run=5) is None
    assert said(typing.tick("c")) == (2, "c", [-10])
    last = typing.tick("de")
    assert last is not None
    assert (last.place, last.text, last.reason, last.log_probabilities) == (3, "d", Reason.CONFIDENCE, [-11])
    assert last.state is not None
    assert last.state.position == 12


def test_what_was_received_may_itself_be_the_end(model: Model) -> None:
    typing = typist(model, largest=15, received="ab", scored=model.vocabulary.encode("ab"))
    last = typing.tick("a", run=5)
    assert last is not None
    assert (last.text, last.reason) == ("", Reason.CONFIDENCE)


def test_a_watcher_is_shown_every_tick_before_anything_is_told(model: Model) -> None:
    seen: list[int] = []

    def watch(passage: Passage) -> None:
        seen.append(len(passage.outputs))

    typing = typist(model, watch=watch, **encoded(model, "ab"))
    typing.tick(run=1)
    typing.tick("abc", run=1)
    assert seen == [1, 4]


def test_a_pause_goes_on_from_its_state_and_the_first_rank_is_the_first_character_s(model: Model) -> None:
    typing = typist(model, **encoded(model, "ab"))
    typing.tick(run=1)
    typing.job.pause(state_at(model, 8))
    assert (typing.job.start.state.position, typing.job.start.first_rank) == (8, 2)
    typing.tick("a", run=1)
    typing.job.pause(state_at(model, 10))
    assert (typing.job.start.state.position, typing.job.start.first_rank) == (10, 0)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)


def test_time_is_told_apart_as_waited_consumed_and_drawn(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    typing = typist(model, **encoded(model, "ab"))
    clock.now = 103
    assert typing.job.timing == Timing(3, 0, 0)
    assert typing.job.admit() is typing.job.start
    clock.now = 108
    typing.tick(run=1)
    assert (typing.job.timing, typing.job.steps) == (Timing(3, 5, 0), 1)
    assert typing.job.admit() is typing.job.start  # again, after a turn
    assert typing.job.steps == 0
    typing.tick("a", run=1)
    clock.now = 115
    typing.tick("a")
    assert typing.job.timing == Timing(3, 5, 7)


def test_what_only_consumes_has_consumed_when_it_tells(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    job = Job(model, Start(state_at(model, 7)), ignore, **encoded(model, "ab"))
    clock.now = 101
    job.admit()
    clock.now = 103
    Typist(model, job).tick(run=2)
    clock.now = 107
    assert job.timing == Timing(1, 2, 4)


def test_who_goes_on_from_a_primed_text_has_waited_and_consumed_as_long(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    primed = Job(model, Start(state_at(model, 7)), ignore, **encoded(model, "ab"))
    clock.now = 101
    primed.admit()
    other = typist(model).job
    clock.now = 103
    assert other.follow(primed, state_at(model, 9)) is other
    clock.now = 107
    assert (other.timing, other.start.state.position, other.start.first_rank) == (Timing(1, 2, 4), 9, 2)
    other.admit()
    assert other.timing == Timing(1, 2, 4)


def test_a_reader_who_acknowledges_has_taken_the_text_and_lets_a_paused_job_go_on(model: Model) -> None:
    class Resumed(list[Job]):
        def resume(self, job: Job) -> None:
            self.append(job)

    typing, engine = typist(model), Resumed()
    told = typing.tick("abc")
    assert told is not None
    told.acknowledge(engine)
    assert (typing.job.untaken, engine) == (0, [])
    Progress(typing.job, is_paused=True).acknowledge(engine)
    assert (typing.job.untaken, engine) == (0, [typing.job])


def test_what_is_prepended_is_consumed_first(model: Model) -> None:
    encode = model.vocabulary.encode
    job = typist(model, **encoded(model, "cd"), scored=encode("e")).job
    job.prepend(encode("ab"))
    assert job.advance(0, 9, 0).skipped.tolist() == encode("abcd").tolist()
    bare = typist(model, scored=encode("e")).job
    bare.prepend(encode("ab"))
    assert bare.advance(0, 9, 0).skipped.tolist() == encode("ab").tolist()


def test_states_are_shown_to_who_asks_later(model: Model) -> None:
    seen: list[Passage] = []
    typing = typist(model)
    typing.job.show_states_to(seen.append)
    typing.tick("a")
    assert len(seen) == 1


def test_who_cancels_a_job_cancels_its_alternatives(model: Model) -> None:
    alternatives = [typist(model).job, typist(model).job]
    job = typist(model, alternatives=alternatives).job
    job.cancel()
    assert [each.is_cancelled for each in (job, *alternatives)] == [True] * 3
