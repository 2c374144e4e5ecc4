"""`elman shell`: ghost text in zsh, bash and fish. Prints the script that a shell sources, and is the daemon that it asks."""

import argparse
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from elman.cli.configuration import SUFFIX, Configuration
from elman.errors import MendRequest
from elman.extras import extra
from elman.shell.place import default_model, socket_folder, socket_name
from elman.shell.scripts import SHELLS, script
from elman.terminal import use_utf8, write

MEANING: Final = (
    'For zsh, put  eval "$(elman shell init zsh)"  at the end of ~/.zshrc; for bash, the same with bash at the end of'
    " ~/.bashrc; for fish,  elman shell init fish | source  at the end of ~/.config/fish/config.fish. zsh suggests as you"
    " type, bash and fish at Alt-G. The model is that of --model, otherwise the one that the configuration names for shell"
    " after [models], otherwise the one that elman train --shell-history writes."
)


OTHERS: Final = 256
"""Files up to this number are the shell's that started the daemon, which is to hold none of them open."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """WHAT, SHELL and the flags."""
    parser.epilog = MEANING
    parser.add_argument(
        "what",
        choices=ACTIONS,
        metavar="WHAT",
        help="init: print the script for a shell; serve: keep the model for the shells (their scripts start it)",
    )
    parser.add_argument("shell", nargs="?", choices=SHELLS, metavar="SHELL", help=f"for init: {', '.join(SHELLS)}")
    parser.add_argument("--model", metavar="NAME|PATH", help="a model file, or the name of a shipped model")
    parser.add_argument("--socket", type=Path, metavar="FILE", help="where to serve, if not where the scripts look")


def run(arguments: argparse.Namespace) -> int:
    """Print or serve."""
    if (arguments.what == "init") != (arguments.shell is not None):
        raise MendRequest(f"init needs the shell, and it alone: elman shell init {'|'.join(SHELLS)}")
    ACTIONS[arguments.what](arguments)
    return 0


def init(arguments: argparse.Namespace) -> None:
    """Print the script."""
    use_utf8()
    write(script(arguments.shell, model_of(arguments.model)))


def serve(arguments: argparse.Namespace) -> None:
    """Be the daemon, in a session of its own, so that no shell's end and no Ctrl-C ends it early."""
    from elman.shell import daemon
    from elman.sync.embedded import open_client

    with extra("serve"):
        from elman_models.selection.shell_secrets import secrets_in_command

    model = model_of(arguments.model)
    path = (arguments.socket or socket_folder() / socket_name(model)).absolute()
    with suppress(OSError):  # it leads one already, where a person starts it
        os.setsid()
    os.chdir("/")
    os.closerange(3, OTHERS)
    daemon.serve(
        path,
        lambda: open_client(model, device="cpu"),
        is_private=lambda line: bool(secrets_in_command(line)),
        ready=lambda: write(f"serving at {path}\n"),
    )


def model_of(named: str | None) -> str:
    """The model: a shipped name, or a path from the root."""
    configured = Configuration.read().models.get("shell")
    model = named or (configured.value if configured else str(default_model()))
    return str(Path(model).absolute()) if "/" in model or model.endswith(SUFFIX) else model


ACTIONS: Final[Mapping[str, Callable[[argparse.Namespace], None]]] = {"init": init, "serve": serve}
