"""Files that are read again: what is half-written is waited for, what is damaged is told once, and the old one holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from elman_models.errors import InvalidField
from elman_server.renewal import Contents, Renewal

if TYPE_CHECKING:
    from tests.server.conftest import Logged

EVENTS = ("things renewed", "things not renewed: the old ones hold")


def told(logged: Logged) -> list[str]:
    return [line["event"] for line in logged() if line["event"] in EVENTS]


def test_what_changes_between_two_looks_is_not_taken(tmp_path: Path, logged: Logged) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    taken: list[Contents] = []
    renewal = Renewal("things", [path], taken.append)
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

    renewal = Renewal("things", [path], take)
    for held in b"bad", None, b"old", b"bad", b"new":
        path.unlink() if held is None else path.write_bytes(held)
        for _ in range(4):
            renewal.look()
    assert taken == [[b"old"], [b"new"]]
    renewed, not_renewed = EVENTS
    assert told(logged) == [not_renewed, not_renewed, not_renewed, renewed]
