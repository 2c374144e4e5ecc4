"""The scripts that shells source, with the command in them that keeps the model. Knows no shell's language but how to quote."""

import shlex
import sys
from importlib.resources import files
from typing import Final

from elman.shell.place import socket_name

SHELLS: Final = ("zsh",)


def script(shell: str, model: str) -> str:
    """The script for a shell, whose daemon has this model."""
    serve = [sys.executable, "-P", "-m", "elman", "shell", "serve", "--model", model]  # -P: no module of the folder one is in
    text = files("elman.shell").joinpath(f"ghost.{shell}").read_text(encoding="utf-8")
    return text.replace("@SERVE@", shlex.join(serve)).replace("@NAME@", socket_name(model))
