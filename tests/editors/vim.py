"""Vim on a terminal, with the plugin of `editors/vim` and nothing else."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.editors.terminal import GHOST_COLOUR, Editor

PLUGIN: Final = Path(__file__).parents[2] / "editors" / "vim"
ELMAN: Final = (str(Path(sys.executable).parent / "elman"), "lsp")
SETTINGS: Final = """\
set nocompatible noswapfile nobackup viminfo= hidden backspace=indent,eol,start shortmess+=I
filetype plugin on
set runtimepath^={plugin}
set notimeout ttimeout ttimeoutlen=50
let g:elman_command = {command}
highlight ElmanGhost ctermfg={colour}
function State() abort
  let state = {{'lines': getline(1, '$'), 'mode': mode(1), 'menu': pumvisible(), 'waiting': elman#IsWaiting()}}
  call writefile([json_encode(state)], 'state.part')
  call rename('state.part', 'state')
endfunction
inoremap <F5> <Cmd>call State()<CR>
nnoremap <F5> <Cmd>call State()<CR>
{more}
"""


class Vim(Editor):
    """Vim, which tells its lines, its mode, and whether a menu is open."""

    def __init__(
        self, folder: Path, *files: str, command: Sequence[str] = ELMAN, settings: str = "", columns: int = 80, lines: int = 16
    ) -> None:
        script = folder / "vimrc"
        more = SETTINGS.format(plugin=PLUGIN, command=json.dumps(list(command)), colour=GHOST_COLOUR, more=settings)
        script.write_text(more)
        super().__init__(["vim", "-u", str(script), *files], folder, columns, lines)

    def command(self, text: str) -> None:
        """Enter a command of the command line, from any mode."""
        self.press("Escape")
        self.type(f":{text}")
        self.press("Enter")
