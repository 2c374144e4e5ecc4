"""What a draft says to a server, and what it makes of the answers. No transport, no time."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from elman.errors import GoElsewhere, MendRequest, ReportDefect
from elman.protocol.draft import Draft
from elman.protocol.gathering import SPACING
from elman.protocol.request import LONGEST_TEXT, opening
from elman.protocol.suggestions import Suggestion
from elman.v1 import completion_service_pb2 as pb

DIGEST = "d" * 64
PLAIN: dict[str, Any] = {"model": None, "digest": "", "temperature": 0.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
LENGTH, STOP, CONFIDENCE = pb.FINISH_REASON_LENGTH, pb.FINISH_REASON_STOP, pb.FINISH_REASON_CONFIDENCE


def make(
    text: str = "",
    cursor: int | None = None,
    *,
    alternatives: int = 1,
    trims: bool = False,
    heeds: bool = True,
    context: int | None = None,
    **given: Any,
) -> Draft:
    ends: dict[str, Any] = {"max_characters": 9, "stop": [], "min_confidence": None, "alternatives": alternatives}
    fields: dict[str, Any] = PLAIN | {"seed": 7, "include_log_probabilities": False} | ends | given
    return Draft(opening(**fields), text, cursor, trims=trims, heeds=heeds, context=context)


def said(draft: Draft, asks: bool = True) -> list[Any]:
    """The event of each request."""
    return [getattr(request, request.WhichOneof("event") or "") for request in draft.requests(asks)]


def hear(draft: Draft, revision: int | None = None, **event: Any) -> None:
    draft.receive(pb.FollowResponse(revision=draft.revision if revision is None else revision, **event))


def start(draft: Draft, digest: str = DIGEST) -> None:
    hear(draft, started=pb.Started(model=pb.Model(name="m", digest=digest), seed=7, start_position=draft.cursor))


def suggest(draft: Draft, text: str, number: int = 0, at: int = 0) -> None:
    hear(draft, suggestion=pb.Piece(text=text, alternative=number, position=draft.cursor + at))


def finish(draft: Draft, number: int = 0, reason: pb.FinishReason = LENGTH, state: bytes = b"s") -> None:
    hear(draft, finished=pb.Finished(alternative=number, reason=reason, state=state))


def told(draft: Draft) -> list[str]:
    """The suggestions that are new."""
    texts: list[str] = []
    while (suggestion := draft.next_suggestion()) is not None:
        texts.append(f"{suggestion.alternative}:{suggestion}")
    return texts


def test_edits_are_told_as_what_stays_and_what_follows() -> None:
    draft = make("The cat sat", 7)
    (opened,) = said(draft)
    assert (opened.prefix, opened.state, opened.suggest) == ("The cat", b"", True)
    draft.replace(4, 7, "dog", suggest=True)
    assert said(draft) == [pb.Edit(keep=4, insert="dog", suggest=True)]
    assert (draft.text, draft.cursor) == ("The dog sat", 7)
    draft.delete(2, suggest=False)
    assert said(draft) == [pb.Edit(keep=5, insert="", suggest=False)]
    draft.move(9, suggest=True)
    assert said(draft) == [pb.Edit(keep=5, insert=" sat", suggest=True)]
    assert said(draft) == []


def test_any_number_of_changes_is_one_message() -> None:
    draft = make("abcdef")
    said(draft)
    draft.delete(3, suggest=False)
    draft.replace(1, 1, "xy", suggest=True)
    draft.move(5, suggest=True)
    assert said(draft) == [pb.Edit(keep=1, insert="xybc", suggest=True)]


def test_while_edits_do_not_rest_the_text_is_told_and_nothing_is_asked_for() -> None:
    draft = make()
    assert [each.suggest for each in said(draft, asks=False)] == [False]
    draft.replace(0, 0, "a", suggest=True)
    assert said(draft, asks=False) == [pb.Edit(keep=0, insert="a", suggest=False)]
    assert said(draft) == [pb.Edit(keep=1, insert="", suggest=True)]


def test_more_than_a_message_carries_is_sent_in_several() -> None:
    draft = make("é" * (2 * LONGEST_TEXT + 5))
    opened, *edits = said(draft)
    assert [len(opened.prefix), *(len(edit.insert) for edit in edits)] == [LONGEST_TEXT, LONGEST_TEXT, 5]
    assert [opened.suggest, *(edit.suggest for edit in edits)] == [False, False, True]


def test_the_text_stays_as_it_is_given_and_is_told_folded() -> None:
    draft = make("\ufeffa\r\nb")
    assert [opened.prefix for opened in said(draft)] == ["a\nb"]
    draft.replace(5, 5, "e", suggest=True)
    assert said(draft) == [pb.Edit(keep=3, insert="e", suggest=True)]
    draft.replace(6, 6, "\u0301\r", suggest=True)
    assert (draft.text, draft.cursor) == ("\ufeffa\r\nbe\u0301\r", 8)
    assert said(draft) == [pb.Edit(keep=3, insert="é\n", suggest=True)]
    draft.replace(8, 8, "\n", suggest=True)  # the CR's own
    assert said(draft) == [pb.Edit(keep=5, suggest=True)]
    draft.delete(2, suggest=True)
    assert said(draft) == [pb.Edit(keep=4, suggest=True)]
    draft.delete(1, suggest=True)
    assert (draft.text, draft.cursor) == ("\ufeffa\r\nbe", 6)
    assert said(draft) == [pb.Edit(keep=3, insert="e", suggest=True)]


def test_offsets_given_and_returned_are_those_of_the_text_as_given() -> None:
    draft = make("e\u0301\r\n-", 4)
    said(draft)
    suggest(draft, "x", at=2 - draft.cursor)
    assert draft.next_suggestion() == Suggestion("x", 0, 4)
    assert draft.accept(0, None, suggest=True) == "x"
    assert (draft.text, draft.cursor, said(draft)) == (
        "e\u0301\r\nx-",
        5,
        [pb.Accept(alternative=0, characters=1, suggest=True)],
    )
    draft.move(0, suggest=True)
    assert said(draft) == [pb.Edit(keep=0, suggest=True)]
    with pytest.raises(MendRequest, match="cursor: 7 is out of range; allowed: 0 to 6"):
        draft.move(7, suggest=True)


@pytest.mark.parametrize(("text", "cursor"), [("a\r\nb", 2), ("-e\u0301", 2), ("\u1100\u1161", 1), ("a\r\ufeff\nb", 3)])
def test_nothing_is_suggested_within_what_is_read_as_one(text: str, cursor: int) -> None:
    draft = make(text, cursor)
    assert not draft.is_waiting
    draft.move(len(text), suggest=True)
    assert draft.is_waiting


@pytest.mark.parametrize(
    ("accepted", "edit"),
    [("\u0301x", pb.Edit(keep=0, insert="éx", suggest=True)), ("e\u0301x", pb.Edit(keep=1, insert="éx", suggest=True))],
)
def test_what_is_accepted_and_read_otherwise_is_an_edit(accepted: str, edit: pb.Edit) -> None:
    draft = make("e")
    said(draft)
    suggest(draft, accepted)
    assert draft.accept(0, None, suggest=True) == accepted
    assert said(draft) == [edit]


def test_what_is_read_of_a_bounded_text_is_told_by_positions_in_it() -> None:
    text = "a line\n" * 100
    draft = make(text, context=64)
    begins = 640
    (opened,) = said(draft)
    assert opened.prefix == text[begins:]
    draft.replace(698, 700, "-", suggest=True)
    assert said(draft) == [pb.Edit(keep=698 - begins, insert="-", suggest=True)]
    suggest(draft, "x", at=-begins)
    assert draft.next_suggestion() == Suggestion("x", 0, 699)
    draft.move(100, suggest=True)
    (opened,) = said(draft)
    assert opened.prefix == text[64:100]


def test_whoever_was_elsewhere_between_two_requests_begins_anew() -> None:
    draft = make("a line\n" * 100, context=64)
    said(draft)
    draft.replace(0, 1, "b", suggest=True)
    draft.move(700, suggest=True)
    (opened,) = said(draft)
    assert opened.prefix == ("a line\n" * 100)[640:]


def test_a_lone_surrogate_is_refused() -> None:
    draft = make("a\r\nb")
    with pytest.raises(MendRequest, match=r"text: U\+DE00 at character 1 is not a character"):
        draft.replace(0, 0, "a\ude00", suggest=True)
    assert draft.text == "a\r\nb"


BEYOND: list[tuple[Callable[[Draft], object], str]] = [
    (lambda draft: draft.replace(0, 4, "", True), "end: 4 is out of range; allowed: 0 to 3"),
    (lambda draft: draft.replace(2, 1, "", True), "start: 2 is out of range; allowed: 0 to 1"),
    (lambda draft: draft.move(-1, True), "cursor: -1 is out of range; allowed: 0 to 3"),
    (lambda draft: draft.delete(4, True), "characters: 4 is out of range; allowed: 0 to 3"),
    (lambda draft: draft.accept(0, None, True), "alternative: 0 was not suggested; allowed: none; nothing was suggested"),
]


@pytest.mark.parametrize(("act", "field"), BEYOND)
def test_what_is_not_in_the_text_is_refused(act: Any, field: str) -> None:
    with pytest.raises(MendRequest, match=field):
        act(make("abc"))


def test_what_is_accepted_is_told_as_such_only_if_this_stream_suggested_it() -> None:
    draft = make("ab")
    said(draft)
    start(draft)
    suggest(draft, "cdef")
    assert draft.accept(0, 2, suggest=True) == "cd"
    assert said(draft) == [pb.Accept(alternative=0, characters=2, suggest=True)]
    suggest(draft, "ef")
    draft.lose_stream()
    assert draft.accept(0, None, suggest=True) == "ef"
    (opened,) = said(draft)
    assert opened.prefix == "abcdef"
    with pytest.raises(MendRequest, match="not suggested"):
        draft.accept(0, 1, suggest=True)


def test_a_new_stream_repeats_and_nothing_is_told_twice() -> None:
    draft = make("ab")
    said(draft)
    start(draft)
    suggest(draft, "cde")
    assert told(draft) == ["0:cde"]
    draft.lose_stream()
    (opened,) = said(draft)
    assert opened.model == pb.Model(name="m", digest=DIGEST)
    start(draft)
    suggest(draft, "cd")
    assert told(draft) == []
    suggest(draft, "efg", at=2)
    finish(draft)
    assert draft.next_suggestion() == Suggestion("cdefg", 0, 2, "length")
    assert not draft.is_waiting


@pytest.mark.parametrize(("text", "at", "what"), [("x", 0, "other text"), ("e", 4, "a gap"), ("e", 1, "a repeat")])
def test_gaps_repeats_and_other_text_are_defects(text: str, at: int, what: str) -> None:
    draft = make("ab")
    said(draft)
    suggest(draft, "cde")
    if what == "other text":
        draft.lose_stream()
        said(draft)
    with pytest.raises(ReportDefect, match=what):
        suggest(draft, text, at=at)


def test_what_is_about_an_older_text_is_dropped_but_for_the_model() -> None:
    draft = make("ab")
    said(draft)
    older = draft.revision
    draft.replace(2, 2, "c", suggest=True)
    said(draft)
    start_of_older = pb.Started(model=pb.Model(name="m", digest=DIGEST), seed=7)
    hear(draft, older, started=start_of_older)
    hear(draft, older, suggestion=pb.Piece(text="x", position=2))
    hear(draft, older, need_text=pb.NeedText())
    assert (draft.digest, told(draft), said(draft)) == (DIGEST, [], [])


def duplicates(texts: Sequence[str], trims: bool = False, reason: pb.FinishReason = LENGTH, **given: Any) -> list[str]:
    draft = make("ab", alternatives=len(texts), trims=trims, **given)
    said(draft)
    heard: list[str] = []
    for place in range(max(map(len, texts))):
        for number, text in enumerate(texts):
            if text[place : place + 1]:
                suggest(draft, text[place], number, at=place)
                heard += told(draft)
    for number in range(len(texts)):
        finish(draft, number, reason)
        heard += told(draft)
    return heard


def test_an_alternative_is_told_once_it_can_be_no_duplicate() -> None:
    assert duplicates(["ab", "ab"]) == ["0:a", "0:ab", "0:ab"]
    assert duplicates(["ab", "ac"]) == ["0:a", "0:ab", "1:ac", "0:ab", "1:ac"]
    assert duplicates(["abc", "ab"]) == ["0:a", "0:ab", "0:abc", "0:abc", "1:ab"]


def test_a_last_word_that_may_go_on_is_trimmed() -> None:
    assert duplicates(["to be or"], trims=True)[-1] == "0:to be"
    assert duplicates(["to be or"], trims=True, reason=STOP)[-1] == "0:to be or"
    assert duplicates(["to be, it's"], trims=True)[-1] == "0:to be,"
    assert duplicates(["to be or"], trims=True, reason=CONFIDENCE)[-1] == "0:to be or"  # it finishes what it begins
    assert duplicates(["to be or"], trims=True, reason=CONFIDENCE, min_confidence=0.2)[-1] == "0:to be"
    assert duplicates(["out"], trims=True, reason=CONFIDENCE) == []  # but not what stands before the cursor
    assert duplicates([" out"], trims=True, reason=CONFIDENCE) == ["0: out"]


@pytest.mark.parametrize("space", [" ", "\t", "\u00a0"])
def test_a_space_alone_is_not_told(space: str) -> None:
    assert duplicates([space], reason=CONFIDENCE) == []
    assert duplicates([f"{space}a"]) == [f"0:{space}a", f"0:{space}a"]
    assert duplicates([space * 2]) == [f"0:{space * 2}"] * 2
    assert duplicates(["\n"]) == ["0:\n"] * 2


def test_need_text_is_answered_from_the_nearest_state() -> None:
    draft = make("a\n" * 3 * SPACING)
    said(draft)
    start(draft)
    asked = draft.state_request()
    assert asked is not None
    draft.note_state(asked, b"state")
    draft.move(len(asked.text) + 3, suggest=True)
    said(draft)
    hear(draft, need_text=pb.NeedText(earliest_position=99999))
    (opened,) = said(draft)
    assert (opened.state, opened.prefix) == (b"state", "a\na")
    draft.replace(1, 1, "x", suggest=True)
    draft.move(len(asked.text) + 3, suggest=True)
    draft.lose_stream()
    (opened,) = said(draft)
    assert (opened.state, len(opened.prefix)) == (b"", draft.cursor)


@pytest.mark.parametrize("characters", [SPACING, 50_000, 1_000_000])
def test_what_another_server_is_sent_does_not_grow_with_the_text(characters: int) -> None:
    """One state, which holds the window that is recalled, and the text since: a state is asked for every SPACING characters."""
    state = bytes(9000)
    draft = make("a line of words\n" * (characters // 16))
    said(draft)
    start(draft)
    while (asked := draft.state_request()) is not None:
        draft.note_state(asked, state)
    draft.lose_stream()
    size = sum(request.ByteSize() for request in draft.requests(True))
    assert size < len(state) + SPACING + 200


def test_goodbye_leaves_its_state() -> None:
    draft = make("abcdef")
    said(draft)
    with pytest.raises(GoElsewhere, match="draining"):
        hear(draft, goodbye=pb.Goodbye(state=b"state", position=4))
    draft.lose_stream()
    (opened,) = said(draft)
    assert (opened.state, opened.prefix) == (b"state", "ef")


def test_another_version_of_the_model_is_taken_unless_the_caller_named_one() -> None:
    draft = make("abc", model="m")
    said(draft)
    start(draft)
    draft.lose_stream()
    assert draft.begin_again()
    (opened,) = said(draft)
    assert opened.model == pb.Model(name="m")
    start(draft, "e" * 64)
    assert draft.digest == "e" * 64
    assert draft.begin_again()
    assert not draft.begin_again()


def test_what_a_document_begins_with_is_refused_by_name() -> None:
    with pytest.raises(MendRequest, match=r"^cursor: 4 is out of range; allowed: 0 to 3$"):
        make("abc", 4)
    with pytest.raises(MendRequest, match=r"^cursor: -1 is out of range"):
        make("abc", -1)
    with pytest.raises(MendRequest, match=r"^text: U\+DE00"):
        make("a\ude00")
    assert (make("abc", 0).cursor, make("abc").cursor, make("abc").seed) == (0, 3, 7)


def test_requests_are_numbered_from_1_without_a_gap() -> None:
    draft = make("ab")
    revisions = [request.revision for request in draft.requests()]
    for _ in range(3):
        draft.replace(2, 2, "c", suggest=True)
        revisions += [request.revision for request in draft.requests()]
    assert revisions == [1, 2, 3, 4]


def test_a_move_back_keeps_what_lies_before_it() -> None:
    draft = make("ab.d-.")
    said(draft)
    draft.move(2, suggest=True)
    assert said(draft) == [pb.Edit(keep=2, insert="", suggest=True)]
    draft.replace(4, 5, "", suggest=True)
    assert said(draft) == [pb.Edit(keep=2, insert=".d", suggest=True)]


def test_nothing_is_suggested_in_the_middle_of_a_word_whoever_asks() -> None:
    draft = make("a gentleman", 6)
    assert not draft.is_waiting
    assert [opening.suggest for opening in said(draft)] == [False]
    draft.move(1, suggest=True)
    assert draft.is_waiting
    assert said(draft) == [pb.Edit(keep=1, suggest=True)]
    draft.replace(1, 1, "b", suggest=True)  # the b joins nothing: a space follows
    assert draft.is_waiting
    draft.replace(2, 3, "", suggest=True)
    assert not draft.is_waiting
    draft.replace(2, 2, " ", suggest=True)
    assert draft.is_waiting


def test_a_suggestion_ends_where_it_meets_what_follows_and_is_accepted_so_far() -> None:
    draft = make("f(x)", 3)
    said(draft)
    suggest(draft, ", y) +")
    assert told(draft) == ["0:, y"]
    assert draft.accept(0, None, suggest=True) == ", y"
    assert draft.text == "f(x, y)"


def test_whether_more_is_to_come_and_what_has_come() -> None:
    draft = make("ab", alternatives=2)
    assert (draft.is_waiting, draft.suggested, draft.progress) == (True, [], 0)
    said(draft)
    suggest(draft, "cd")
    suggest(draft, "xy", 1)
    assert (draft.suggested, draft.progress) == ([], 2)
    assert told(draft) == ["0:cd", "1:xy"]
    assert draft.suggested == [Suggestion("cd", 0, 2, None), Suggestion("xy", 1, 2, None)]
    finish(draft)
    assert (draft.is_waiting, draft.progress) == (True, 3)
    finish(draft, 1)
    assert (draft.is_waiting, draft.progress) == (False, 4)
    draft.delete(1, suggest=False)
    assert (draft.is_waiting, draft.suggested, draft.progress) == (False, [], 4)


def test_a_dismissal_is_told_while_suggestions_are_on_the_way_and_once() -> None:
    draft = make("ab")
    said(draft)
    suggest(draft, "cd")
    draft.dismiss()
    assert (draft.is_waiting, draft.suggested, told(draft)) == (False, [], [])
    suggest(draft, "ef", at=2)  # said before the server knew
    assert told(draft) == []
    assert said(draft) == [pb.Dismiss()]
    assert said(draft) == []
    draft.replace(2, 2, "c", suggest=False)
    assert said(draft) == [pb.Edit(keep=2, insert="c", suggest=False)]
    draft.dismiss()
    assert said(draft) == []
    draft.replace(3, 3, "d", suggest=True)
    assert draft.is_waiting


def test_what_is_said_of_a_text_that_has_changed_is_not_taken() -> None:
    draft = make("ab")
    said(draft)
    draft.replace(2, 2, "c", suggest=True)  # not told yet, so the revision is the same
    suggest(draft, "xy")
    assert told(draft) == []
    draft.lose_stream()
    suggest(draft, "xy")
    assert told(draft) == []


def test_what_is_accepted_and_changed_at_once_is_an_edit() -> None:
    draft = make("ab")
    said(draft)
    suggest(draft, "cdef")
    draft.accept(0, 2, suggest=True)
    draft.replace(4, 4, "x", suggest=True)
    assert said(draft) == [pb.Edit(keep=2, insert="cdx", suggest=True)]


def test_after_an_accept_the_server_has_all_of_it() -> None:
    draft = make("ab")
    said(draft)
    suggest(draft, "cdef")
    draft.accept(0, 2, suggest=False)
    assert said(draft) == [pb.Accept(alternative=0, characters=2, suggest=False)]
    assert said(draft) == []
    draft.replace(4, 4, "x", suggest=True)
    assert said(draft) == [pb.Edit(keep=4, insert="x", suggest=True)]


def test_what_a_new_stream_has_not_repeated_yet_is_told_as_text() -> None:
    draft = make("ab")
    said(draft)
    suggest(draft, "cdef")
    draft.lose_stream()
    said(draft)
    suggest(draft, "cd")
    assert draft.accept(0, 4, suggest=True) == "cdef"
    assert said(draft) == [pb.Edit(keep=2, insert="cdef", suggest=True)]


def test_another_model_begins_anew_with_the_text_alone() -> None:
    draft = make("abcdef")
    said(draft)
    start(draft)
    suggest(draft, "xy")
    finish(draft)
    draft.accept(0, None, suggest=True)
    said(draft)
    suggest(draft, "z")
    before = draft.revision
    draft.dismiss()
    draft.switch("other", "e" * 64)
    assert (draft.model, draft.digest, draft.is_waiting, told(draft)) == ("", "", True, [])
    (opened,) = said(draft)
    assert (opened.model, opened.state, opened.prefix) == (pb.Model(name="other", digest="e" * 64), b"", "abcdefxy")
    hear(draft, before, started=pb.Started(model=pb.Model(name="m", digest=DIGEST), seed=7))
    assert draft.digest == ""
    start(draft, "e" * 64)
    draft.switch(None, "")
    (opened,) = said(draft)
    assert opened.model == pb.Model()


@pytest.mark.parametrize(("model", "digest", "field"), [("a\ude00", "", "model"), (None, "\ude00", "digest")])
def test_a_model_s_name_and_digest_are_characters(model: str | None, digest: str, field: str) -> None:
    with pytest.raises(MendRequest, match=rf"^{field}: U\+DE00"):
        make("ab").switch(model, digest)


def test_what_another_model_suggested_is_forgotten_at_a_switch() -> None:
    draft = make("a")
    said(draft)
    start(draft)
    suggest(draft, "b")
    finish(draft)
    assert told(draft) == ["0:b"]
    assert not draft.is_waiting
    draft.switch("other", "")
    assert (draft.suggested, draft.is_waiting) == ([], True)


def test_whoever_has_own_rules_gets_all_that_is_suggested_wherever_the_cursor_is() -> None:
    for heeds, whole in (True, "x"), (False, "x) + 1"):
        draft = make("print()", 6, heeds=heeds)
        said(draft)
        start(draft)
        suggest(draft, "x) + 1")
        finish(draft)
        assert told(draft) == [f"0:{whole}"]
    assert not make("a gentleman", 6).is_waiting
    assert make("a gentleman", 6, heeds=False).is_waiting
