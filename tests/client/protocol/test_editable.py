"""What both faces of a document share: an edit is made at once, under the lock, and told after it."""

from collections.abc import Callable
from types import TracebackType
from typing import Any

import pytest

from elman.errors import MendRequest
from elman.protocol.draft import Draft
from elman.protocol.editable import Editable
from elman.protocol.request import opening
from elman.v1 import completion_service_pb2 as pb


class Lock:
    """Knows whether it is held."""

    is_held = False

    def __enter__(self) -> None:
        assert not self.is_held
        self.is_held = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.is_held = False


class Page(Editable):
    """A document whose tellings are seen: what the draft says, each time that it is told to."""

    def __init__(self, text: str) -> None:
        sampling: dict[str, Any] = {"model": None, "digest": "", "temperature": 0.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
        ends: dict[str, Any] = {"max_characters": 9, "stop": [], "min_confidence": None, "alternatives": 1}
        self.draft = Draft(opening(**sampling, **ends, seed=7, include_log_probabilities=False), text)
        self.held = Lock()
        super().__init__(self.draft, self.held)
        self.told: list[Any] = []
        self._note_change()

    def _note_change(self) -> None:
        self.told += [getattr(request, str(request.WhichOneof("event"))) for request in self.draft.requests()]
        self.was_held = self.held.is_held

    def suggest(self, text: str) -> None:
        """What a server would say."""
        self.draft.receive(
            pb.FollowResponse(revision=self.draft.revision, started=pb.Started(model=pb.Model(name="m", digest="d"), seed=7))
        )
        self.draft.receive(
            pb.FollowResponse(revision=self.draft.revision, suggestion=pb.Piece(text=text, position=self.cursor))
        )
        assert self.draft.next_suggestion()


@pytest.fixture
def page() -> Page:
    return Page("-.:;!?")


def test_what_is_known_is_told(page: Page) -> None:
    assert (page.text, page.cursor, page.seed, page.model, page.digest, page.suggested) == ("-.:;!?", 6, 7, "", "", [])
    page.suggest("gh")
    assert (page.model, page.digest, [str(each) for each in page.suggested]) == ("m", "d", ["gh"])


EDITS: list[tuple[Callable[[Page], object], str, int, pb.Edit]] = [
    (lambda page: page.insert("x"), "-.:;!?x", 7, pb.Edit(keep=6, insert="x", suggest=True)),
    (lambda page: page.insert("x", suggest=False), "-.:;!?x", 7, pb.Edit(keep=6, insert="x", suggest=False)),
    (lambda page: page.delete(), "-.:;!", 5, pb.Edit(keep=5, suggest=False)),
    (lambda page: page.delete(2, suggest=True), "-.:;", 4, pb.Edit(keep=4, suggest=True)),
    (lambda page: page.replace(1, 3, "x"), "-x;!?", 2, pb.Edit(keep=1, insert="x", suggest=True)),
    (lambda page: page.replace(1, 3, ""), "-;!?", 1, pb.Edit(keep=1, suggest=False)),
    (lambda page: page.replace(1, 3, "", suggest=True), "-;!?", 1, pb.Edit(keep=1, suggest=True)),
    (lambda page: page.replace(1, 3, "x", suggest=False), "-x;!?", 2, pb.Edit(keep=1, insert="x", suggest=False)),
    (lambda page: page.move(2), "-.:;!?", 2, pb.Edit(keep=2, suggest=True)),
    (lambda page: page.move(2, suggest=False), "-.:;!?", 2, pb.Edit(keep=2, suggest=False)),
]


@pytest.mark.parametrize(("act", "text", "cursor", "told"), EDITS)
def test_an_edit_is_made_and_told_under_the_lock(
    page: Page, act: Callable[[Page], object], text: str, cursor: int, told: pb.Edit
) -> None:
    act(page)
    assert (page.text, page.cursor, page.told[1:], page.was_held, page.held.is_held) == (text, cursor, [told], True, False)


@pytest.mark.parametrize("suggest", [True, False])
def test_what_is_accepted_is_returned_and_told(page: Page, suggest: bool) -> None:
    page.suggest("ghi")
    assert page.accept(0, 2, suggest=suggest) == "gh"
    assert page.told[1:] == [pb.Accept(alternative=0, characters=2, suggest=suggest)]
    assert page.was_held


def test_all_of_the_first_alternative_is_accepted_unless_told_otherwise(page: Page) -> None:
    page.suggest("ghi")
    assert page.accept() == "ghi"
    assert page.told[1:] == [pb.Accept(alternative=0, characters=3, suggest=True)]


def test_a_dismissal_and_another_model_are_told(page: Page) -> None:
    page.dismiss()
    assert page.told[1:] == [pb.Dismiss()]
    assert page.was_held
    page.was_held = False
    page.switch("other", digest="e")
    assert page.told[2].model == pb.Model(name="other", digest="e")
    assert page.was_held
    page.switch()
    assert page.told[3].model == pb.Model()


def test_what_is_refused_leaves_the_lock_free(page: Page) -> None:
    with pytest.raises(MendRequest):
        page.move(7)
    assert not page.held.is_held
