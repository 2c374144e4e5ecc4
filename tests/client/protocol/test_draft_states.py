"""How a draft uses states: when one is asked for, when it spares text, and when it is no longer the text's own."""

from typing import Any

import pytest

from elman.errors import GoElsewhere, ReportDefect
from elman.protocol.draft import Draft
from elman.protocol.request import opening
from elman.v1 import completion_service_pb2 as pb

MODEL = pb.Model(name="m", digest="d" * 64)
MIB = 1 << 20


def make(text: str = "", cursor: int | None = None) -> Draft:
    sampling: dict[str, Any] = {
        "model": None,
        "digest": "",
        "temperature": 0.0,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "seed": 7,
    }
    ends: dict[str, Any] = {
        "max_characters": 9,
        "stop": [],
        "min_confidence": None,
        "alternatives": 1,
        "include_log_probabilities": False,
    }
    return Draft(opening(**sampling, **ends), text, cursor)


def said(draft: Draft) -> list[pb.FollowRequest]:
    return list(draft.requests())


def kinds(requests: list[pb.FollowRequest]) -> list[str | None]:
    return [request.WhichOneof("event") for request in requests]


def hear(draft: Draft, **event: Any) -> None:
    draft.receive(pb.FollowResponse(revision=draft.revision, **event))


def begun(text: str) -> Draft:
    """A draft whose stream has told its model."""
    draft = make(text)
    said(draft)
    hear(draft, started=pb.Started(model=MODEL, seed=7, start_position=len(text)))
    return draft


def with_state(text: str, position: int) -> Draft:
    """A draft that knows the state at a position, from a server that left."""
    draft = begun(text)
    with pytest.raises(GoElsewhere, match=r"^the server is draining, or another model"):
        hear(draft, goodbye=pb.Goodbye(state=b"state", position=position))
    draft.lose_stream()
    return draft


def opened(draft: Draft) -> tuple[bytes, str]:
    """State and prefix of the open that a new stream begins with."""
    draft.lose_stream()
    first, *_ = said(draft)
    return first.open.state, first.open.prefix


def test_one_message_is_a_mebibyte_of_utf_8_at_most() -> None:
    first, second = said(make("😀" * (MIB // 4 + 1)))
    assert (len(first.open.prefix.encode()), second.edit.insert) == (MIB, "😀")


@pytest.mark.parametrize(("start", "end", "kind"), [(5904, 10000, "edit"), (5903, 10000, "open")])
def test_more_than_4096_characters_give_way_to_a_state(start: int, end: int, kind: str) -> None:
    draft = with_state("a" * 20000, 10000)
    assert kinds(said(draft)) == ["open"]
    draft.move(start, suggest=True)
    assert kinds(said(draft)) == ["edit"]
    draft.move(end, suggest=True)
    assert kinds(said(draft)) == [kind]


@pytest.mark.parametrize(("end", "kind"), [(20000, "edit"), (19998, "open"), (9999, "edit")])
def test_a_state_must_make_an_edit_half_as_long(end: int, kind: str) -> None:
    draft = with_state("a" * 20000, 10000)
    said(draft)
    draft.move(0, suggest=True)
    said(draft)
    draft.move(end, suggest=True)
    assert kinds(said(draft)) == [kind]


@pytest.mark.parametrize(("position", "is_kept"), [(3, True), (4, True), (5, False)])
def test_a_state_at_goodbye_is_kept_if_the_text_is_the_same_up_to_there(position: int, is_kept: bool) -> None:
    draft = begun("abcdef")
    draft.replace(4, 5, "x", suggest=True)  # not told yet
    with pytest.raises(GoElsewhere):
        hear(draft, goodbye=pb.Goodbye(state=b"state", position=position))
    assert opened(draft) == ((b"state", "abcdx"[position:]) if is_kept else (b"", "abcdx"))


def test_a_goodbye_to_an_older_text_or_without_a_state_leaves_nothing() -> None:
    draft = begun("abcdef")
    with pytest.raises(GoElsewhere):
        draft.receive(pb.FollowResponse(revision=0, goodbye=pb.Goodbye(state=b"state", position=3)))
    assert opened(draft) == (b"", "abcdef")
    with pytest.raises(GoElsewhere):
        hear(draft, goodbye=pb.Goodbye(position=3))
    assert opened(draft) == (b"", "abcdef")


def test_a_suggestion_brings_no_state_for_none_is_asked_for() -> None:
    draft = begun("ab")
    hear(draft, suggestion=pb.Piece(text="cd", position=2))
    hear(draft, finished=pb.Finished(reason=pb.FINISH_REASON_LENGTH, state=b"whole"))
    draft.accept(0, None, suggest=True)
    assert opened(draft) == (b"", "abcd")


def test_a_state_is_due_4096_characters_after_the_last_and_once_the_model_is_known() -> None:
    assert make("a" * 5000).state_request() is None
    assert begun("a" * 4095).state_request() is None
    asked = begun("a" * 4096).state_request()
    assert asked == pb.ScoreRequest(model=MODEL, text="a" * 4096)
    assert with_state("a" * 5000, 905).state_request() is None
    draft = with_state("a" * 5000, 904)
    assert draft.state_request() == pb.ScoreRequest(model=MODEL, state=b"state", text="a" * 4096)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("a" * 20000, 16384),
        ("a" * 2047 + "\n" + "b" * 3000, 5048),  # the line ends too early to be worth a state
        ("a" * 2048 + "\n" + "b" * 3000, 2049),
        ("a" * 2060 + "\n" + "b" * 2060 + "\n" + "c" * 500, 4122),
    ],
)
def test_a_state_is_asked_for_at_the_last_line_s_start(text: str, length: int) -> None:
    asked = begun(text).state_request()
    assert asked is not None
    assert asked.text == text[:length]


def test_one_state_is_asked_for_at_a_time_and_the_next_one_goes_on_from_it() -> None:
    draft = begun("a" * 20000)
    asked = draft.state_request()
    assert asked is not None
    assert draft.state_request() is None
    draft.note_state(pb.ScoreRequest(), b"of another request")
    assert draft.state_request() is None
    draft.note_state(asked, b"at 16384")
    assert opened(draft) == (b"at 16384", "a" * 3616)
    draft.replace(20000, 20000, "b" * 480, suggest=True)
    assert draft.state_request() == pb.ScoreRequest(model=MODEL, state=b"at 16384", text="a" * 3616 + "b" * 480)


def test_a_state_that_could_not_be_had_may_be_asked_for_again() -> None:
    draft = begun("a" * 5000)
    asked = draft.state_request()
    assert asked is not None
    draft.note_state(asked, b"")
    assert draft.state_request() == asked
    draft.lose_stream()
    assert draft.state_request() == asked


@pytest.mark.parametrize(("start", "is_kept"), [(4999, False), (5000, True), (5001, True)])
def test_the_answer_is_of_no_use_once_the_text_before_it_changed(start: int, is_kept: bool) -> None:
    draft = begun("a" * 5000)
    asked = draft.state_request()
    assert asked is not None
    draft.replace(5000, 5000, "bb", suggest=True)
    draft.replace(start, 5002, "c", suggest=True)
    draft.note_state(asked, b"state")
    assert opened(draft)[0] == (b"state" if is_kept else b"")
    assert (draft.state_request() is None) is is_kept


def test_another_seed_and_another_model_in_the_middle_are_defects() -> None:
    draft = make("ab")
    said(draft)
    with pytest.raises(ReportDefect, match=r"^the server uses seed 8 instead of 7$"):
        hear(draft, started=pb.Started(model=MODEL, seed=8))
    hear(draft, started=pb.Started(model=MODEL, seed=7))
    with pytest.raises(ReportDefect, match=r"^resumed by model e{64} instead of d{64}$"):
        hear(draft, started=pb.Started(model=pb.Model(digest="e" * 64), seed=7))


def test_a_state_pins_the_model_as_its_name_does() -> None:
    draft = make("ab")
    said(draft)
    assert not draft.begin_again()
    said(draft)
    with pytest.raises(GoElsewhere):
        hear(draft, goodbye=pb.Goodbye(state=b"state", position=1))
    assert draft.begin_again()
    assert opened(draft) == (b"", "ab")
