"""A person with shells: their folder, their daemon, and what the engine says itself to what they type."""

import os
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from screen import Screen

from elman.languages import PROSE
from elman.shell.conversation import Conversation
from elman.shell.daemon import CREDENTIALS
from elman.shell.place import socket_name
from elman.sync.client import Client

MODEL = PROSE
LINE = "echo make "
"""What the model has something to say to."""
WORDS = "echo the ki"
"""A line that it goes on with by the rest of a word, and another word."""
SHELLS = {
    "zsh": ("zsh", ".zshrc", "PS1='> '\nHISTFILE=$HOME/history SAVEHIST=100\n"),
    "bash": ("bash --noprofile --rcfile {home}/.bashrc", ".bashrc", "PS1='> '\nHISTFILE=$HOME/history\n"),
    "fish": (
        "fish",
        ".config/fish/config.fish",
        "function fish_prompt; echo '> '; end\nset -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n",
    ),
}


class Person:
    """Starts shells that have the script."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.runtime = folder / "run"
        self.runtime.mkdir(0o700)
        self.socket = self.runtime / "elman" / socket_name(MODEL)
        self._screens = 0

    def daemon(self, model: str = MODEL) -> subprocess.Popen[str]:
        """The daemon, listening; a shell that finds none starts it itself."""
        command = [sys.executable, "-m", "elman", "shell", "serve", "--model", model, "--socket", str(self.socket)]
        process = self._stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        self._stack.callback(process.kill)
        assert process.stdout
        assert str(self.socket) in process.stdout.readline()
        return process

    def shell(self, name: str, more: str = "", before: str = "", model: str = MODEL) -> Screen:
        """A shell at its first prompt; in its configuration, the script stands between `before` and `more`."""
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
        command, file, begin = SHELLS[name]
        made = [sys.executable, "-m", "elman", "shell", "init", name, "--model", model]
        script = subprocess.check_output(made, text=True)
        configuration = self.folder / file
        configuration.parent.mkdir(parents=True, exist_ok=True)
        configuration.write_text(f"{begin}{before}\n{script}\n{more}\n")
        self._screens += 1
        folder = self.folder / str(self._screens)
        folder.mkdir()
        screen = Screen(
            command.format(home=self.folder).split(), folder, {"HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.runtime)}
        )
        self._stack.callback(screen.close)
        return screen

    def listener(self) -> int:
        """The process that listens at the socket."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            asked = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
        return int(CREDENTIALS.unpack(asked)[0])

    def daemons(self) -> list[int]:
        """The processes that serve this person's shells, be it as daemon or as bridge."""
        found: list[int] = []
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = each.read_bytes().split(b"\0")
            except OSError:
                continue
            if os.fsencode(self.socket) in words:
                found.append(int(each.parent.name))
        return found


def after(client: Client, line: str, *ran: str) -> str:
    """What the engine says to a line, after some commands."""
    conversation = Conversation(client, lambda text: False)
    for command in ran:
        conversation.ran(command)
    return conversation.ask(line)
