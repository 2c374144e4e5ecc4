"""Files that are read again: what is half-written is waited for, what is damaged is told once, and the old one holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from elman_models.errors import InvalidField
from elman_server.renewal import Contents, Events, Renewal

if TYPE_CHECKING:
    from tests.server.conftest import Logged

EVENTS = Events("things renewed", "things not renewed: the old ones hold")


def told(logged: Logged) -> list[str]:
    return [line["event"] for line in logged() if line["event"] in EVENTS]


def test_what_changes_between_two_looks_is_not_taken(tmp_path: Path, logged: Logged) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    taken: list[Contents] = []
    renewal = Renewal(EVENTS, [path], taken.append)
    path.write_bytes(b"")  # as one does that opens a file to write it
    renewal.look()
    path.write_bytes(b"new")
    renewal.look()
    assert taken == [[b"old"]]
    renewal.look()
    renewal.look()
    assert taken == [[b"old"], [b"new"]]
    assert told(logged) == ["things renewed"]


def test_what_is_damaged_or_missing_is_told_once_and_taken_once_it_is_whole(tmp_path: Path, logged: Logged) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    taken: list[Contents] = []

    def take(contents: Contents) -> None:
        if contents == [b"bad"]:
            raise InvalidField("things", "bad", "good")
        taken.append(contents)

    renewal = Renewal(EVENTS, [path], take)
    for held in b"bad", None, b"old", b"bad", b"new":
        path.unlink() if held is None else path.write_bytes(held)
        for _ in range(4):
            renewal.look()
    assert taken == [[b"old"], [b"new"]]
    renewed, not_renewed = EVENTS
    assert told(logged) == [not_renewed, not_renewed, not_renewed, renewed]


def test_who_asks_need_not_wait_and_has_what_was_refused_tried_again(tmp_path: Path, logged: Logged) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    taken: list[Contents] = []
    tries, is_bad = 0, True

    def take(contents: Contents) -> None:
        nonlocal tries
        tries += 1
        if contents == [b"bad"] and is_bad:
            raise InvalidField("things", "bad", "good")
        taken.append(contents)

    renewal = Renewal(EVENTS, [path], take, taken=[b"old"], fields={"name": "one"})
    path.write_bytes(b"new")
    renewal.look(is_asked=True)
    assert taken == [[b"new"]]
    path.write_bytes(b"bad")
    for _ in range(4):
        renewal.look()
    assert (tries, bool(renewal.trouble)) == (2, True)
    is_bad = False
    renewal.look(is_asked=True)
    assert (taken[-1], renewal.trouble) == ([b"bad"], "")
    assert [line["name"] for line in logged() if line["event"] in EVENTS] == ["one"] * 3


def test_what_may_be_well_again_is_tried_again_and_a_defect_is_told_without_its_words(tmp_path: Path, logged: Logged) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    raised: list[Exception] = [RuntimeError("a secret"), MemoryError(), OSError(24, "Too many open files")]

    def take(_: Contents) -> None:
        if raised:
            raise raised.pop()

    renewal = Renewal(EVENTS, [path], take, taken=[b"old"])
    path.write_bytes(b"new")
    for _ in range(8):
        renewal.look()
    assert not raised
    assert renewal.trouble == "RuntimeError"  # and that is not tried again
    reasons = [line["reason"] for line in logged() if line["event"] == EVENTS.kept]
    assert reasons == ["[Errno 24] Too many open files", "MemoryError", "RuntimeError"]
    assert "a secret" not in str(logged())
