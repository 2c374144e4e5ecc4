"""Text in and out of the command line, and what it notes on standard error."""

from pathlib import Path

import pytest

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
