"""`elman completion`: the real shells, on a terminal, with the real Tab."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from elman.cli.main import COMMANDS, main, module_of, parser_of

WAIT_SECONDS = 30.0
SHELLS = {
    "bash": ("bash --norc --noprofile", "PS1='$ '; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; "),
    "zsh": ("zsh -f", "PS1='$ '; setopt no_beep; autoload -Uz compinit; compinit -D -u; "),
    "fish": ("fish --no-config", "function fish_prompt; echo '$ '; end; set fish_greeting; "),
}
TOLD = {  # a function in the command's place, which shows the words that it was given
    "bash": "elman() { printf '<<%s>>' \"$@\"; echo '<.>'; }",
    "zsh": "elman() { printf '<<%s>>' \"$@\"; echo '<.>' }",
    "fish": "function elman; printf '<<%s>>' $argv; echo '<.>'; end",
}
CHILD = """
import os, sys
os.open(os.ttyname(0), os.O_RDWR)  # the first terminal that the leader of a session opens is its own
os.execvp(sys.argv[1], sys.argv[1:])
"""
CASES = [
    ("sc\t", "score"),
    ("insp\tmem\t", "inspect memory"),
    ("complete --temp\t0.5", "complete --temperature 0.5"),
    ("complete --model pyth\t", "complete --model python"),
    ("complete --model=pyth\t", "complete --model=python"),
    ("score --model min\t", "score --model mine.safetensors"),
    ("serve --device cu\t", "serve --device cuda"),
    ("serve --model my=min\t", "serve --model my=mine.safetensors"),
    ("type not\t", "type notes.txt"),
    ("eval py\tnot\t", "eval python notes.txt"),
    ("train not\t--prec\tfl\t", "train notes.txt --precision float32"),
    ("completion fi\t", "completion fish"),
    ("complete not\t", "complete not"),  # the file's name would be taken as text
    ("score < not\t", "score"),
]


class Shell:
    """A shell on a terminal of its own."""

    def __init__(self, name: str, folder: Path, script: Path) -> None:
        self._controller, terminal = pty.openpty()
        command, begin = SHELLS[name]
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, *command.split()],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm", "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
        os.close(terminal)
        self.says(f'{begin} source {script}; {TOLD[name]}; echo rea""dy', "ready")

    def says(self, line: str, words: str) -> str:
        """Enter a line; returns what is on the terminal once that says the words. Fails if it does not."""
        os.write(self._controller, f"{line}\r".encode())
        end, shown = time.monotonic() + WAIT_SECONDS, ""
        while words not in shown:
            assert time.monotonic() < end, shown
            if select.select([self._controller], [], [], 0.1)[0]:
                shown += os.read(self._controller, 65536).decode(errors="replace")
        return shown

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(WAIT_SECONDS)
        os.close(self._controller)


@pytest.fixture(scope="module", params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell with the script, in a folder with a text and a model."""
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp("folder")
    for name in ("notes.txt", "mine.safetensors"):
        (folder / name).touch()
    script = folder.parent / f"completion.{request.param}"
    script.write_bytes(subprocess.check_output([sys.executable, "-m", "elman", "completion", request.param]))
    shell = Shell(request.param, folder, script)
    yield shell
    shell.close()


@pytest.mark.parametrize(("typed", "given"), CASES)
def test_tab_completes(typed: str, given: str, shell: Shell) -> None:
    shown = shell.says(f"elman {typed}", "<.>")
    assert "".join(f"<<{word}>>" for word in re.split("[ =]", given)) in shown.replace("=", ">><<")  # zsh puts = after a flag


def test_every_command_and_every_flag_is_in_every_script(capsys: pytest.CaptureFixture[str]) -> None:
    for name in SHELLS:
        assert main(["completion", name]) == 0
        script = capsys.readouterr().out
        for command in COMMANDS:
            flags = set(re.findall(r"--([a-z-]+)", parser_of(command, module_of(command)).format_usage()))
            assert all(re.search(rf"\b{flag}\b", script) for flag in flags), command
