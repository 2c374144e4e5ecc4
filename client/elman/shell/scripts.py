"""The scripts that shells source, with the command in them that keeps the model. Knows no shell's language but how to quote."""

import shlex
import sys
from importlib.resources import files
from typing import Final

from elman.shell.place import socket_name

SHELLS: Final = ("zsh", "bash", "fish")


def script(shell: str, model: str) -> str:
    """The script for a shell, whose daemon has this model."""
    python = [sys.executable, "-P", "-m"]  # -P: no module of the folder one is in
    serve = [*python, "elman", "shell", "serve", "--model", model]
    text = files("elman.shell").joinpath(f"ghost.{shell}").read_text(encoding="utf-8")
    words = {"SERVE": shlex.join(serve), "BRIDGE": shlex.join([*python, "elman.shell.bridge"]), "NAME": socket_name(model)}
    for name, value in words.items():
        text = text.replace(f"@{name}@", value)
    return text
