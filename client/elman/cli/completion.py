"""`elman completion`: a script that completes elman's commands in a shell. It is made of the parsers, and runs no Python."""

import argparse
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elman.cli import main, shells
from elman.errors import InstallExtra
from elman.extras import extra
from elman.terminal import use_utf8, write

INSTALLATION: Final = (
    "Put it where your shell looks for it, and again after an update of elman.\n\n"
    "bash:  elman completion bash > ~/.local/share/bash-completion/completions/elman\n"
    "zsh:   elman completion zsh > FOLDER/_elman, of a FOLDER in $fpath\n"
    "fish:  elman completion fish > ~/.config/fish/completions/elman.fish"
)
NAMES_A_MODEL: Final = ("model", "models", "origin")
FIRST_CLAUSE: Final = re.compile(r"[;:(]|\.( |$)")
LONGEST_HELP: Final = 72


@dataclass(frozen=True, slots=True)
class Argument:
    """A flag or a word of a command, and what completes it."""

    flags: Sequence[str]  # none: a word
    help: str
    name: str  # of the value; "": a flag without one
    words: Sequence[str] = ()
    is_model: bool = False
    is_file: bool = False
    is_repeated: bool = False

    @classmethod
    def of(cls, action: argparse.Action) -> "Argument":
        """What a parser knows of it."""
        words = [str(each) for each in action.choices or getattr(action, "words", ())]
        is_model = action.dest in NAMES_A_MODEL
        return cls(
            flags=action.option_strings,
            help=clause(action.help or ""),
            name="" if action.nargs == 0 else str(action.metavar or action.dest),
            words=words,
            is_model=is_model,
            is_file=action.type is Path and not is_model,
            is_repeated=action.nargs == "+" or isinstance(action, argparse._AppendAction),  # pyright: ignore[reportPrivateUsage]
        )


@dataclass(frozen=True, slots=True)
class Command:
    """A command, its flags and its words, in their order."""

    name: str
    help: str
    flags: Sequence[Argument]
    words: Sequence[Argument]


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


def clause(words: str) -> str:
    """The first of a help text, which says enough beside a flag."""
    first = FIRST_CLAUSE.split(words.replace("%%", "%"), maxsplit=1)[0].strip()
    return first if len(first) <= LONGEST_HELP else f"{first[: LONGEST_HELP - 1]}…"
