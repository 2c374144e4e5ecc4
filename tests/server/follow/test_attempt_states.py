"""What is kept of an attempt: its states up to where the document agrees with its text, and what it suggested."""

from typing import Any

import numpy as np
import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.protocol import Passage
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_server.engine.ending import Reason
from elman_server.engine.job import Progress
from elman_server.follow.attempt import Attempt
from elman_server.follow.followed_text import FollowedText
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.requests.completion import CheckedCompletion

TEXT = "a bad cab,"
CURSOR = len(TEXT)


def ignore(*_: Any) -> None:
    """Nobody hears."""


def attempt_of(model: Model, is_suggesting: bool = True, most_states: int = 40, **given: Any) -> Attempt:
    request = pb.CompleteRequest(prefix=TEXT, sampling=pb.Sampling(seed=1), **given)
    completion = CheckedCompletion.of(request, Catalogue([Served("one", model)]))
    return Attempt(completion, is_suggesting, most_states, ignore, ignore)


def document_of(model: Model) -> FollowedText:
    return FollowedText(model, State.initial(model), TEXT, 1 << 16)


def passage(model: Model, position: int, count: int) -> Passage:
    """States that tell their position."""
    size = len(model.initial_state)
    return Passage(np.repeat(np.arange(position, position + count, dtype=np.int8)[:, None], size, axis=1), position)


def written(attempt: Attempt, text: str, alternative: int = 0) -> list[Any]:
    """Let a piece be told; returns the events."""
    job = next(job for job in attempt.submission[0].alternatives or attempt.submission if job.start.alternative == alternative)
    return list(attempt.events(Progress(job, 0, text)))


@pytest.mark.parametrize("agreed", [(6,), (6, 8), (8, 6), (6, 6, 9), (9, 8, 6)])
def test_an_attempt_retired_any_number_of_times_brings_states_up_to_the_earliest_change(
    model: Model, agreed: tuple[int, ...]
) -> None:
    attempt, document = attempt_of(model), document_of(model)
    for position in agreed:
        attempt.retire(position)
    attempt.note(passage(model, 3, 9), 0, document)
    assert document.consumed == 6
    assert set(document.newest.outputs.tolist()) == {6}


def test_what_begins_beyond_the_change_brings_nothing(model: Model) -> None:
    attempt, document = attempt_of(model), document_of(model)
    attempt.retire(6)
    attempt.note(passage(model, 7, 3), 0, document)
    assert document.consumed == 0
    attempt.note(passage(model, 6, 1), 0, document)
    assert document.consumed == 6


def test_states_beyond_the_cursor_are_kept_for_what_was_suggested(model: Model) -> None:
    attempt, document = attempt_of(model), document_of(model)
    attempt.note(passage(model, 8, 9), 0, document)
    assert document.consumed == CURSOR
    assert written(attempt, "fed")[0].text == "fed"
    trail = attempt.along("fe")
    assert trail is not None
    assert [position for position, _ in trail.up_to(CURSOR + 2)] == [CURSOR + 1, CURSOR + 2]


def test_only_what_was_suggested_has_states_along_it_each_alternative_its_own(model: Model) -> None:
    attempt, document = attempt_of(model, alternatives=2), document_of(model)
    for alternative, text in ((0, "bed"), (1, "fed")):
        assert len(written(attempt, text, alternative)) == 1
    attempt.note(passage(model, CURSOR, 2), 1, document)
    attempt.note(passage(model, CURSOR, 4), 0, document)
    assert [len(list(trail.up_to(99))) for text in ("bed", "f") if (trail := attempt.along(text))] == [3, 1]
    assert [attempt.along(text) for text in ("", "ed", "bedd")] == [None] * 3


def test_text_grows_in_pieces_and_states_are_shared_out_among_the_alternatives(model: Model) -> None:
    attempt, document = attempt_of(model, alternatives=2), document_of(model)
    written(attempt, "be")
    written(attempt, "d")
    assert attempt.written == {0: "bed"}
    attempt.note(passage(model, CURSOR, 30), 0, document)
    trail = attempt.along("bed")
    assert trail is not None
    assert len(list(trail.up_to(99))) <= 40 / 2


def test_what_is_retired_tells_nothing_and_holds_nothing(model: Model) -> None:
    attempt, document = attempt_of(model), document_of(model)
    written(attempt, "fed")
    attempt.note(passage(model, CURSOR, 4), 0, document)
    job = attempt.submission[0]
    attempt.retire(CURSOR)
    assert (list(attempt.events(Progress(job, 3, "x"))), attempt.submission, attempt.along("f")) == ([], (), None)
    attempt.note(passage(model, CURSOR, 4), 0, document)
    assert attempt.along("f") is None


def test_what_is_at_rest_keeps_its_states_and_tells_nothing(model: Model) -> None:
    attempt, document = attempt_of(model), document_of(model)
    written(attempt, "fed")
    attempt.note(passage(model, CURSOR, 4), 0, document)
    job = attempt.submission[0]
    attempt.rest()
    assert (list(attempt.events(Progress(job, 3, "x"))), attempt.submission) == ([], ())
    assert attempt.along("f") is not None


def test_what_became_of_suggestions_is_told_by_what_was_written(model: Model) -> None:
    attempt = attempt_of(model)
    assert attempt.outcome == "superseded"
    attempt.running = 0
    assert attempt.outcome == "empty"
    written(attempt, "x")
    assert attempt.outcome == "ignored"


def test_an_end_writes_nothing(model: Model) -> None:
    attempt = attempt_of(model)
    (end,) = attempt.events(Progress(attempt.submission[0], reason=Reason.LENGTH, state=State.initial(model)))
    assert isinstance(end, pb.Finished)
    assert (end.reason, attempt.written) == (pb.FINISH_REASON_LENGTH, {})


def test_who_suggests_nothing_draws_nothing_and_is_watched(model: Model) -> None:
    attempt = attempt_of(model, is_suggesting=False)
    (job,) = attempt.submission
    assert (job.given, job.ending, attempt.running) == (len(TEXT), None, 1)
    assert job.watch is not None
    assert attempt_of(model, alternatives=3).running == 3
