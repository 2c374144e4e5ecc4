"""Text in and out of the command line, and what it notes on standard error."""

import io
from pathlib import Path

import pytest

from elman.errors import MendRequest
from elman.terminal import read_text


def test_the_name_of_a_file_is_text_and_a_note_says_how_to_read_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my notes.txt"
    file.write_text("a bad cab", encoding="utf-8")
    assert read_text(str(file)) == str(file)
    noted = f"elman: note: '{file}' is read as text, not as the file of that name; for the file: < '{file}'\n"
    assert capsys.readouterr() == ("", noted)


@pytest.mark.parametrize("text", ["a bad cab", ".", "a" * 5000, "", "a\0b"])
def test_other_text_is_not_noted(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_text(text) == text
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "most_bytes", "text"),
    [("abcdé", None, "abcdé"), ("abcdé", 6, "abcdé"), ("abcdé", 4, "cdé"), ("aéb", 2, "b"), ("😀é", 5, "é")],
)
def test_standard_input_that_is_too_long_is_its_end_which_is_noted(
    given: str, most_bytes: int | None, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
    assert read_text(None, most_bytes) == text
    size = len(given.encode())
    noted = f"elman: note: standard input holds {size} bytes; its last {most_bytes} are used\n"
    assert capsys.readouterr() == ("", noted if most_bytes and size > most_bytes else "")


def test_bytes_that_are_not_utf_8_are_refused_even_where_they_would_not_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\xffbcdefgh")))
    with pytest.raises(MendRequest, match="byte 0xff at offset 1 is not UTF-8"):
        read_text(None, 4)
