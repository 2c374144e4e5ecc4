"""Laws of what a person sees of a training run."""

import pytest

from elman_models.training.progress import Plain, Terminal


def test_a_terminal_shows_what_is_done_without_steps() -> None:
    with Terminal() as shown:
        shown.advance(3, 4, 1.5, 1000)
        shown.doing("measuring")
        assert shown._line() == "measuring: 0 s"  # pyright: ignore[reportPrivateUsage] # what the thread would show


def test_a_terminal_shows_how_far_steps_have_come() -> None:
    with Terminal() as shown:
        shown.doing("trying")
        shown.advance(3, 4, 1.5, 1000)
        line = "training: 75%, 1.500 nats a character, 1,000 characters a second"
        assert shown._line() == line  # pyright: ignore[reportPrivateUsage] # see above


def test_without_a_terminal_what_is_done_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Plain() as shown:
        shown.doing("measuring")
    assert capsys.readouterr().err == "measuring\n"


@pytest.mark.parametrize("kind", [Terminal, Plain])
def test_the_name_of_a_file_commands_no_terminal(kind: type[Terminal | Plain], capsys: pytest.CaptureFixture[str]) -> None:
    with kind() as shown:
        shown.say("left out: a\x1b]0;owned\x07b")
    assert "left out: a\\x1b]0;owned\\x07b\n" in capsys.readouterr().err
