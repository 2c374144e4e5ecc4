"""`elman completion`: a script that completes elman's commands in a shell. It is made of the parsers, and runs no Python."""

import argparse
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from elman.cli import main, shells
from elman.cli.grammar import Argument, Command
from elman.errors import InstallExtra
from elman.extras import extra
from elman.terminal import use_utf8, write

INSTALLATION: Final = (
    "Put it where your shell looks for it, and again after an update of elman.\n\n"
    "bash:  elman completion bash > ~/.local/share/bash-completion/completions/elman\n"
    "zsh:   elman completion zsh > FOLDER/_elman, of a FOLDER in $fpath\n"
    "fish:  elman completion fish > ~/.config/fish/completions/elman.fish"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """SHELL."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = INSTALLATION
    parser.add_argument("shell", choices=tuple(shells.WRITERS), metavar="SHELL", help=", ".join(shells.WRITERS))


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    use_utf8()
    commands = [command_of(name, summary) for name, summary in main.COMMANDS.items()]
    write(shells.WRITERS[arguments.shell](commands, shipped()))
    return 0


def command_of(name: str, summary: str) -> Command:
    """What the parser of a command knows; nothing where a part of elman that it needs is not installed."""
    actions: list[argparse.Action] = []
    with suppress(InstallExtra):
        actions = main.parser_of(name, main.module_of(name))._actions  # pyright: ignore[reportPrivateUsage]
    found = [Argument.of(action) for action in actions]
    return Command(name, summary, [each for each in found if each.flags], [each for each in found if not each.flags])


def shipped() -> Sequence[str]:
    """The names of the models that come with elman, if they are installed."""
    try:
        with extra("serve"):
            from elman_models.shipped import shipped_models
    except InstallExtra:
        return ()
    return list(shipped_models())
