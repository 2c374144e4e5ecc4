"""Ghost text in Emacs: the real editor on a terminal, the real server, a shipped model."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.emacs import Emacs
from tests.editors.terminal import is_running

pytestmark = pytest.mark.skipif(
    not (shutil.which("emacs") and shutil.which("tmux")), reason="needs Emacs 28 and tmux: apt install emacs-nox tmux"
)

FOX = "The quick brown fox jumps over the lazy dog."
BEGUN = "The quick br"
REST = FOX.removeprefix(BEGUN)


@pytest.fixture(scope="module")
def one_emacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emacs]:
    """One for all tests that leave it and its server alive."""
    with Emacs(tmp_path_factory.mktemp("emacs")) as emacs:
        yield emacs


@pytest.fixture
def emacs(one_emacs: Emacs) -> Emacs:
    """Emacs in a text that says a sentence three times, at the beginning of a line of its own."""
    one_emacs.press("C-g")
    return opened(one_emacs)


def opened(emacs: Emacs, name: str = "notes.txt", before: str = f"{FOX}\n" * 3) -> Emacs:
    """A file is opened anew, with point at its end."""
    (emacs.folder / name).write_text(before)
    emacs.run(f"""
(when (get-buffer "{name}") (with-current-buffer "{name}" (set-buffer-modified-p nil) (kill-buffer)))
(find-file "~/{name}")
(delete-other-windows)
(goto-char (point-max))
""")
    emacs.wait_until(lambda: emacs.state()["name"] == name)
    return emacs


def test_what_is_suggested_stands_after_point_and_is_not_in_the_text(emacs: Emacs) -> None:
    emacs.type(BEGUN)
    emacs.wait_until(lambda: emacs.ghost() == REST)
    assert emacs.cursor() == (3, len(BEGUN))
    assert emacs.lines() == [FOX, FOX, FOX, BEGUN]
    emacs.press("Left")
    emacs.wait_until(lambda: emacs.ghost() == "")


def test_tab_accepts_all_alt_f_a_word_control_f_a_character(emacs: Emacs) -> None:
    emacs.type(BEGUN)
    emacs.wait_until(lambda: emacs.ghost() == REST)
    emacs.press("C-f")
    emacs.wait_until(lambda: emacs.ghost() == REST[1:])
    emacs.press("M-f", "M-f")
    emacs.wait_until(lambda: emacs.ghost() == REST.removeprefix("own fox"))
    assert emacs.lines()[-1] == "The quick brown fox"
    emacs.press("Tab")
    assert emacs.lines()[-1] == FOX


def test_who_types_what_is_suggested_keeps_the_rest_though_the_server_is_silent(emacs: Emacs) -> None:
    emacs.type(BEGUN)
    emacs.wait_until(lambda: emacs.ghost() == REST)
    os.kill(emacs.server(), signal.SIGSTOP)
    try:
        for count in range(1, 6):
            emacs.type(REST[count - 1])
            emacs.wait_until(lambda count=count: emacs.ghost() == REST[count:])
        emacs.type("!")
        emacs.wait_until(lambda: emacs.ghost() == "")
        assert emacs.lines()[-1] == f"{BEGUN}{REST[:5]}!"
    finally:
        os.kill(emacs.server(), signal.SIGCONT)
