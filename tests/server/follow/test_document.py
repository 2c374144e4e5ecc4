"""A text before a cursor and its states: what an edit leaves of them, what is lost, and what is still to be consumed."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from elman_models.law.artifact import LayerWeights, Model, OutputWeights
from elman_models.law.ghost import GhostSurprise
from elman_models.law.recall import Recall
from elman_models.law.state import State
from elman_models.law.structure import Structure
from elman_models.law.tables import Tables
from elman_models.law.vocabulary import Vocabulary
from elman_server.follow import tail
from elman_server.follow.checkpoints import Trail
from elman_server.follow.followed_text import FollowedText

SIZE = 20
START = 770
"""Where the last 2000 bytes of 1100 characters begin, in blocks of ten: Python takes 59 bytes for each."""

TEXT = "a bad cab, a fed bed"


def state_at(position: int) -> State:
    return State(states(position, 1)[0], position)


def states(start: int, count: int) -> NDArray[np.int8]:
    """A state for each position, from which it can be told."""
    return np.repeat((np.arange(start, start + count) % 100).astype(np.int8)[:, None], SIZE, axis=1)


def model_that_recalls(window: int) -> Model:
    """A model whose initial state tells position 0."""
    structure, vocabulary = Structure.stacked(1, SIZE), Vocabulary(" ,abcdef")
    layer = LayerWeights(np.zeros((SIZE, SIZE), np.int8), np.ones(SIZE, np.float32), np.zeros((9, SIZE), np.float32))
    output = OutputWeights(np.zeros((8, SIZE), np.int8), np.ones(8, np.float32), np.zeros(8, np.float32))
    recall = replace(Recall.none(), window=window)
    return Model(
        structure, vocabulary, (layer,), output, Tables.for_outputs(8), recall, state_at(0).outputs, GhostSurprise(0, 0), {}
    )


def document_of(text: str = TEXT, start: int = 0, size: int = 1 << 16) -> FollowedText:
    return FollowedText(model_that_recalls(0), state_at(start), text, size)


def ahead(document: FollowedText, most: int = 10_000) -> tuple[int, int, str]:
    """Position and mark of the last state, and what follows it."""
    state, text = document.ahead(most)
    assert state.position == document.consumed == document.newest.position
    return state.position, int(state.outputs[0]), text


def test_a_text_begins_with_a_state_and_what_follows_it() -> None:
    document = document_of(start=5)
    assert (document.earliest, document.consumed, document.cursor, document.is_lost) == (5, 5, 25, False)
    assert ahead(document) == (5, 5, TEXT)
    assert ahead(document, 3) == (5, 5, TEXT[:3])


def test_what_was_reached_is_the_last_state_and_less_is_ahead() -> None:
    document = document_of()
    document.note(0, states(0, 8))
    assert ahead(document) == (7, 7, TEXT[7:])
    document.note(8, states(8, 1))
    assert ahead(document, 2) == (8, 8, TEXT[8:10])
    document.note(20, states(20, 1))
    assert ahead(document) == (20, 20, "")


@pytest.mark.parametrize(("keep", "consumed"), [(9, 9), (4, 4), (10, 10), (15, 10), (20, 10), (0, 0)])
def test_an_edit_keeps_the_states_up_to_it_and_goes_on_from_the_nearest(keep: int, consumed: int) -> None:
    document = document_of()
    document.note(1, states(1, 10))
    document.edit(keep, "xy")
    assert document.cursor == keep + 2
    assert ahead(document) == (consumed, consumed, (TEXT[:keep] + "xy")[consumed:])
    document.edit(document.cursor, "z")
    assert ahead(document)[2] == (TEXT[:keep] + "xyz")[consumed:]


def test_states_along_what_was_suggested_come_with_an_edit_up_to_its_end() -> None:
    trail = Trail(20, 50, SIZE)
    trail.add(20, states(20, 6))
    document = document_of()
    document.edit(20, "fed", trail)
    assert ahead(document) == (23, 23, "")
    document.edit(23, "", None)
    assert document.consumed == 23


def test_an_edit_before_the_earliest_state_is_lost_until_one_keeps_nothing_or_all() -> None:
    document = document_of(start=5)
    document.edit(5, "x")
    assert (document.is_lost, document.cursor) == (False, 6)
    document.edit(4, "abc")
    assert (document.is_lost, document.cursor) == (True, 7)
    document.edit(6, "ab")
    assert (document.is_lost, document.cursor) == (True, 8)
    document.edit(0, "fed")
    assert (document.is_lost, document.cursor) == (False, 3)
    assert ahead(document) == (0, 0, "fed")


def test_a_text_from_its_start_is_never_lost_while_it_is_short() -> None:
    document = document_of()
    document.edit(0, "x")
    assert ahead(document) == (0, 0, "x")
    document.note(1, states(1, 1))
    document.edit(1, "y")
    assert ahead(document) == (1, 1, "y")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> FollowedText:
    """A text that outgrew its bytes, of which a part is consumed: position 1000 of 1100."""
    monkeypatch.setattr(tail, "BLOCK_CHARACTERS", 10)
    document = document_of("abcdefghij" * 110, size=8000)
    document.note(1, states(1, 1000))
    return document


def test_what_outgrows_its_bytes_is_forgotten_from_the_start_with_its_states(small: FollowedText) -> None:
    assert START <= small.earliest < 900
    assert small.consumed == 1000
    assert ahead(small)[2] == "abcdefghij" * 10
    small.edit(small.earliest, "x")
    assert not small.is_lost
    assert ahead(small) == (small.earliest, small.earliest % 100, "x")


def test_an_edit_alone_forgets_too(small: FollowedText) -> None:
    before = small.earliest
    small.edit(1100, "x" * 1000)
    assert before < small.earliest <= small.consumed
    assert len(ahead(small)[2]) == 1100


def test_what_is_not_consumed_is_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "BLOCK_CHARACTERS", 10)
    document = document_of("abcdefghij" * 110, size=8000)
    assert (document.earliest, ahead(document)) == (0, (0, 0, "abcdefghij" * 110))


def test_news_of_what_is_forgotten_is_dropped_and_the_rest_of_it_kept(small: FollowedText) -> None:
    earliest = small.earliest
    assert earliest > START
    small.note(START - 20, states(START - 20, 20))
    assert small.earliest == earliest
    small.note(START - 20, states(START - 20, 21))
    assert (small.earliest, small.consumed) == (START, 1000)
    small.note(995, states(995, 15))
    assert ahead(small) == (1009, 9, "j" + "abcdefghij" * 9)


def test_no_more_states_are_kept_than_fit_three_eighths_of_the_bytes() -> None:
    document = document_of(TEXT * 10, size=8 * 148 * 30)
    document.note(1, states(1, 200))
    kept = 0
    while document.consumed > 0:
        kept += 1
        document.edit(document.consumed - 1, "")
    assert 60 <= kept <= 68  # thinned to three quarters


def test_a_state_remembers_the_last_characters_before_it_after_any_edits() -> None:
    window, random = 40, Random(1)
    model = model_that_recalls(window)
    before = np.array([3, 8, 2] * 9, np.uint8)  # of what came before the text, UNK among it
    document = FollowedText(model, State(state_at(7).outputs, len(before), before), TEXT, 1 << 13)
    text = TEXT
    for _ in range(600):
        keep = random.randrange(max(document.earliest - len(before), len(text) - 30, 0), len(text) + 1)
        text = text[:keep] + "".join(random.choices("abcdef, ", k=random.randrange(90)))
        document.edit(len(before) + keep, text[keep:])
        reached = random.randrange(document.consumed, document.cursor + 1)
        document.note(reached, states(reached, 1))
        state, ahead_of_it = document.ahead(10_000)
        consumed = text[: state.position - len(before)]
        known = [*before.tolist(), *model.vocabulary.encode(consumed).tolist()]
        assert (state.remembered.tolist(), consumed + ahead_of_it) == (known[-window:], text)
    assert document.earliest > len(before) + window  # the text's beginning was forgotten


def test_what_an_edit_may_keep_has_all_before_it_that_is_recalled() -> None:
    window = 3000
    document = FollowedText(model_that_recalls(window), state_at(0), "abcdef, " * 5000, 1 << 13)
    for position in range(0, document.cursor, 500):
        document.note(position, states(position, 1))
    document.note(document.cursor, states(document.cursor, 1))
    document.edit(document.earliest, "a")
    assert len(document.newest.remembered) == window
