"""Which states an attempt may still bring, once the document has changed under it."""

from collections.abc import Sequence

import numpy as np
import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.protocol import Passage
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_server.follow.attempt import Attempt
from elman_server.follow.followed_text import FollowedText
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.requests.completion import CheckedCompletion

TEXT = "abcdefgh"
CURSOR = len(TEXT)


@pytest.fixture
def followed(model: Model) -> FollowedText:
    """A text of which nothing is consumed."""
    return FollowedText(model, State.initial(model), TEXT, 1 << 18)


@pytest.fixture
def attempt(model: Model) -> Attempt:
    """What consumes the text and then suggests."""
    request = pb.CompleteRequest(prefix=TEXT)
    completion = CheckedCompletion.of(request, Catalogue([Served("tiny", model)]))
    return Attempt(completion, True, 100, ignore, ignore)


def ignore(*_: object) -> None:
    """Nobody listens."""


def passage(model: Model, first: int, last: int) -> Passage:
    """States of the positions from the first to the last."""
    return Passage(np.zeros((last + 1 - first, len(State.initial(model).outputs)), np.int8), first)


@pytest.mark.parametrize(
    ("agreed", "kept"),
    [((), CURSOR), ((5,), 5), ((5, 7), 5), ((7, 5), 5), ((3, 7, 4), 3), ((0,), 0), ((0, 5), 0)],
)
def test_the_states_of_text_that_has_changed_are_never_kept(
    model: Model, attempt: Attempt, followed: FollowedText, agreed: Sequence[int], kept: int
) -> None:
    """What changed once stays changed, even where a later edit keeps more of the text that stands there now."""
    for position in agreed:
        attempt.retire(position)
    attempt.note(passage(model, 0, CURSOR + 2), 0, followed)
    assert followed.consumed == kept
