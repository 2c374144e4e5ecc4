"""Laws of what a person sees of a training run."""

import pytest

from elman_models.training.progress import Plain, Terminal


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich then takes any stream for a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")


def test_a_terminal_shows_what_is_done_without_steps(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal() as shown:
        shown.advance(3, 4, 1.5, 1000)
        shown.doing("measuring")
    _, words, after = capsys.readouterr().err.rpartition("measuring")
    assert words
    assert "75.0%" not in after


def test_a_terminal_shows_how_far_steps_have_come(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal() as shown:
        shown.doing("trying")
        shown.advance(3, 4, 1.5, 1000)
    assert "75.0% 1.500 nats a character, 1,000 characters a second" in capsys.readouterr().err


def test_without_a_terminal_what_is_done_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Plain() as shown:
        shown.doing("measuring")
    assert capsys.readouterr().err == "measuring\n"
