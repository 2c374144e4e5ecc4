"""Somebody who types in a real Neovim with the plugin of this repository and a real language server."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from tests.editors.neovim import COLUMNS, ROWS, Frame, Neovim, executable

PLUGIN: Final = Path(__file__).resolve().parents[2] / "editors" / "nvim"
PLACE: Final = f"runtimepath^={PLUGIN}"
GROUP: Final = "ElmanGhost"
LANGUAGE_SERVER: Final = (sys.executable, "-m", "elman", "lsp")
NO_PYTHON: Final = "let g:loaded_python3_provider = 0"
"""Otherwise Neovim starts each Python that it finds, to edit the first Python file: ten seconds on a busy machine."""
KNOWS: Final = "require('elman.server').knows(vim.api.nvim_get_current_buf())"
TURN_MILLISECONDS: Final = 20
PATIENCE_TURNS: Final = 1000

CALL: Final = "measure_the_distance(from_here, to_there)\n"
TEXT: Final = CALL * 8
"""What surely goes on: a text that says the same again and again."""

needs_neovim = pytest.mark.skipif(not executable(), reason="Neovim is not installed: `make setup` brings it")


class Typist(Neovim):
    """A Neovim of which nothing is configured but the plugin."""

    def __init__(
        self,
        folder: Path,
        setup: str = "",
        command: Sequence[str] = LANGUAGE_SERVER,
        place: str = PLACE,
        size: tuple[int, int] = (ROWS, COLUMNS),
    ) -> None:
        places = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("STATE", "DATA", "CONFIG", "CACHE")}
        super().__init__(
            ["--clean", "--cmd", f"{NO_PYTHON} | set {place} noswapfile shortmess+=I"],
            folder,
            {"LC_ALL": "C.UTF-8", **places},
            size,
        )
        self.folder = folder
        self.command(f"highlight {GROUP} guifg=#808080")  # a group of its own, so that its cells can be told
        self.lua("LSP = ...", list(command))
        self.lua(f"require('elman').setup({{ cmd = LSP, {setup} }})")

    def open(self, name: str = "measure.py", text: str = TEXT, setting: str = "") -> None:
        """Edit a new file, in a buffer that the language server knows, and begin to insert in an empty line at its end."""
        self.press("<C-\\><C-n>")
        (self.folder / name).write_text(f"{text}\n" if text else "")  # to open a line would ask
        self.command(f"silent %bwipeout! | silent edit {name} | silent setlocal noautoindent indentexpr= {setting}")
        self.attached()
        self.press("GA")
        self.mode("i")

    def is_known(self) -> bool:
        """Whether the language server knows the current buffer."""
        return bool(self.lua(f"return {KNOWS}"))

    def attached(self) -> None:
        """Wait until the language server knows the current buffer."""
        self.until(KNOWS, "the language server")

    def type(self, text: str) -> None:
        """Type a text as somebody does who looks at each ghost: which one is left at the end depends on those before."""
        for character in text:
            super().type(character)
            self.answered()

    def answered(self) -> None:
        """Wait until what was asked is answered."""
        self.call("nvim_eval", "1")  # the keys have been taken
        self.until("not require('elman.server').is_waiting()", "an answer")

    def settle(self) -> Frame:
        """Wait until what was asked is answered and shown; return the frame."""
        self.answered()
        return self.frame

    def ghost(self) -> str:
        """What is suggested in the cursor's row, once that is settled."""
        frame = self.settle()
        return frame.shown(GROUP, frame.cursor[0])

    def line(self) -> str:
        """The cursor's row in the buffer."""
        return str(self.call("nvim_get_current_line"))

    def lines(self) -> list[str]:
        """The buffer."""
        return list(self.call("nvim_buf_get_lines", 0, 0, -1, True))

    def type_until_ghost(self, text: str) -> str:
        """Type a text and return the ghost that is then seen."""
        self.type(text)
        ghost = self.ghost()
        assert ghost, f"nothing is suggested after {text!r}"
        return ghost

    def server_process(self) -> int:
        """The language server's process."""
        found = [child for child in self.call("nvim_get_proc_children", self.process.pid) if "elman" in command_of(child)]
        assert len(found) == 1, found
        return found[0]

    def mode(self, expected: str) -> None:
        """Wait until Neovim is in a mode."""
        self.until(f"vim.api.nvim_get_mode().mode == '{expected}'", f"mode {expected}")

    def messages(self) -> str:
        """What was said."""
        return str(self.lua("return vim.api.nvim_exec2('messages', { output = true }).output"))

    def until(self, condition: str, what: str) -> None:
        """Wait until a condition in Lua holds. Neovim takes no keys while Lua waits, so it waits many times, for short."""
        for _ in range(PATIENCE_TURNS):
            if self.lua(f"return vim.wait({TURN_MILLISECONDS}, function() return {condition} end, 1)"):
                return
        raise AssertionError(f"waited in vain for {what}; {self.call('nvim_get_mode')}, {self.line()!r}, {self.messages()}")


def command_of(process: int) -> str:
    """The command line of a process; "" once it has ended."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
    return "" if state == "Z" else shlex.join(word.decode() for word in words)
