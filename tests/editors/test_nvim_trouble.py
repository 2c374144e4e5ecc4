"""The plugin where something ends: the language server, the server behind it, Neovim itself."""

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.editors.conftest import Serve
from tests.editors.neovim import PATIENCE_SECONDS
from tests.editors.nvim_typist import GROUP, LANGUAGE_SERVER, Typist, command_of, needs_neovim

pytestmark = needs_neovim

BEFORE = "measure_the_distance"


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[Typist]:
    """Somebody who types, with a language server that is started again once."""
    with Typist(tmp_path, "restarts = 1") as typist:
        typist.open()
        yield typist


def test_a_language_server_that_dies_is_started_again_a_few_times_and_typing_goes_on(typist: Typist) -> None:
    ghost = typist.type_until_ghost(BEFORE)
    os.kill(typist.server_process(), signal.SIGKILL)
    typist.until("not require('elman.server').is_ready()", "its end")
    typist.type("(from")  # while there is none
    typist.attached()
    assert typist.type_until_ghost("_") in ghost
    os.kill(typist.server_process(), signal.SIGKILL)
    typist.type("here")
    typist.press("<Esc>")
    typist.until("not require('elman.server').is_ready() and vim.fn.mode() == 'n'", "the second end")
    typist.press("A,")
    assert typist.ghost() == ""
    assert typist.line() == BEFORE + "(from_here,"
    typist.press("<Esc>")
    said = typist.messages()
    assert said.count("is started again") == 1
    assert said.count("`:Elman restart` starts it") == 1
    typist.command("Elman restart")
    typist.attached()
    typist.press("A")
    assert typist.type_until_ghost(" ")


def test_a_server_that_dies_behind_the_language_server_is_said_once_and_its_ghost_comes_back_with_it(
    tmp_path: Path, serve: Serve
) -> None:
    process, address = serve("python")
    with Typist(tmp_path, command=(*LANGUAGE_SERVER, "--server", address)) as typist:
        typist.open()
        ghost = typist.type_until_ghost(BEFORE)
        process.kill()
        process.wait()
        typist.type("!")
        assert ghost
        assert typist.ghost() == ""
        assert typist.line() == BEFORE + "!"
        typist.press("<Esc>")
        typist.until("#vim.api.nvim_exec2('messages', { output = true }).output > 0", "what is said of the server")
        typist.press("A")
        typist.type("(")
        typist.press("<Esc>")
        assert typist.messages().count("elman:") == 1
        assert typist.server_process()
        typist.press("S")
        typist.type(BEFORE)
        assert typist.ghost() == ""
        serve("python", address)
        typist.wait(lambda frame: frame.shown(GROUP, frame.cursor[0]) == ghost, "the ghost", len(typist.screen.frames))


def test_without_the_command_it_is_said_once_and_typing_goes_on(tmp_path: Path) -> None:
    with Typist(tmp_path, command=["/no/such/elman", "lsp"]) as typist:
        (tmp_path / "measure.py").write_text("")
        typist.command("silent edit measure.py")
        typist.press("i")
        typist.type(BEFORE)
        assert typist.ghost() == ""
        typist.press("<Esc>")
        assert typist.messages().count("there is no command /no/such/elman") == 1


def test_quitting_leaves_no_process(tmp_path: Path) -> None:
    with Typist(tmp_path) as typist:
        typist.open()
        typist.type_until_ghost(BEFORE)
        process = typist.server_process()
    assert typist.process.returncode == 0
    assert_gone(process)


def test_a_killed_neovim_leaves_no_process(tmp_path: Path) -> None:
    with Typist(tmp_path) as typist:
        typist.open()
        process = typist.server_process()
        typist.process.kill()
    assert_gone(process)


def assert_gone(process: int) -> None:
    """Wait for the end of a process that is nobody's child here."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([handle], [], [], PATIENCE_SECONDS)
    os.close(handle)
    assert ended, command_of(process)
