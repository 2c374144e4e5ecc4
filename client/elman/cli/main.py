"""`elman`: the parser, exit codes and error messages. Imports nothing of a command before it is chosen."""

import argparse
import importlib.metadata
import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Final

from elman.errors import (
    AllowMoreTime,
    BackOff,
    ElmanError,
    GoElsewhere,
    LogIn,
    MendRequest,
    PickAnotherModel,
    ReportDefect,
    SendTextAgain,
    from_engine,
)
from elman.terminal import tell

A_FIELD: Final = re.compile(r"(?:model\.)?([a-z_]+)(?:\[\d+\])?: ")
A_NAME: Final = re.compile("[a-z_]+")
INTERRUPTED: Final = 130  # 128 + SIGINT
PIPE_CLOSED: Final = 141  # 128 + SIGPIPE

COMMANDS: Final = {
    "complete": "continue a text",
    "type": "edit a line or a file on the terminal, with suggestions as you type",
    "score": "tell how likely a text is",
    "models": "list the models that a server has loaded, or those that come with elman",
    "status": "show how servers are doing: their models, rows, queues and builds",
    "config": "show what is configured, and where each value comes from",
    "serve": "serve completions over gRPC",
    "token": "make a token with which a server lets somebody in",
    "lsp": "suggest in an editor that speaks the Language Server Protocol",
    "train": "train a model on files and folders of text",
    "export": "make a model file from a checkpoint",
    "eval": "measure a model on files and folders of text",
    "audit": "tell which lines of a text a model would give back",
    "inspect": "look inside a model: what its units follow, how far its memory reaches",
    "shell": "suggest commands in zsh, bash and fish as you type them",
    "completion": "print a script that completes these commands in bash, zsh or fish",
}

NEXT: Final[dict[type[ElmanError], str]] = {
    SendTextAgain: "leave out --state and --digest, and give the whole text",
    BackOff: "try again later, or name another server with --server",
    GoElsewhere: "start one with: elman serve; or name another with --server; without one, the engine runs in this process",
    LogIn: "name the file of a token with --token-file; elman token makes one",
    AllowMoreTime: "give more with --timeout",
    ReportDefect: "please report this",
}
"""What to type next, if the message itself does not say it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. Errors are one line on standard error. Without a command, help goes there."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read when grpc is imported: its core would write to standard error
    try:
        if sys.stdout is None:
            raise ElmanError("standard output is closed")
        code = run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        silence_standard_output()
        return PIPE_CLOSED
    except Exception as error:
        meant = as_elman_error(error)
        if meant is None:
            raise
        tell(one_line(meant))
        return meant.exit_code


def run(arguments: Sequence[str]) -> int:
    """Parse, and run the command that was chosen."""
    if not arguments:
        parser_of_all().print_help(sys.stderr)
        return MendRequest.exit_code
    chosen = arguments[0]
    if chosen not in COMMANDS:
        from difflib import get_close_matches

        if near := get_close_matches(chosen, COMMANDS, 1):
            parser_of_all().error(f"{chosen!r} is no command; did you mean {near[0]}?")
        parser_of_all().parse_args(arguments)  # tells help, version or what is wrong, and ends
        parser_of_all().error(f"{chosen!r} is no command")  # which some versions of argparse skip
    module = module_of(chosen)
    parser = parser_of(chosen, module)
    is_marked = "--" in arguments  # argparse would take what follows it for flags, too, where they may stand among the words
    parse = parser.parse_known_args if is_marked else parser.parse_known_intermixed_args
    namespace, unknown = parse(arguments[1:])
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    sys.stdout.flush()
    try:
        return int(module.run(namespace))
    except Exception as error:
        meant = as_elman_error(error)
        if not isinstance(meant, MendRequest | PickAnotherModel):
            raise
        named = naming_flag(str(meant), arguments)
        raise type(meant)(named if named != str(meant) else naming_source(named, getattr(namespace, "sources", {}))) from error


def naming_flag(message: str, arguments: Sequence[str]) -> str:
    """The message, with the flag in place of the field that it names, if a flag gave the field."""
    found = A_FIELD.match(message)
    flag = f"--{found[1].replace('_', '-')}" if found else ""
    is_given = any(word == flag or word.startswith(f"{flag}=") for word in arguments)
    return f"{flag}{message[found.end(1) :]}" if found and is_given else message


def naming_source(message: str, sources: Mapping[str, str]) -> str:
    """The message, after where the field that it names comes from, if that is known."""
    found = A_NAME.match(message)
    return f"{sources[found[0]]}: {message}" if found and found[0] in sources else message


def parser_of_all() -> argparse.ArgumentParser:
    """A parser that knows every command by name."""
    parser = argparse.ArgumentParser(
        "elman",
        description="Autocompletion in two or three megabytes: a character-level Elman network.",
        epilog='To begin with: elman complete "To be, or not"; elman type notes.txt. elman COMMAND --help says more; without'
        " --server, the engine runs in this process.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"elman {version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        commands.add_parser(name, help=summary)
    return parser


def parser_of(command: str, module: ModuleType) -> argparse.ArgumentParser:
    """A parser for the words after a command."""
    summary = COMMANDS[command]
    parser = argparse.ArgumentParser(f"elman {command}", description=f"{summary[0].upper()}{summary[1:]}.", allow_abbrev=False)
    module.add_arguments(parser)
    return parser


def module_of(command: str) -> ModuleType:
    """The module of a command: `add_arguments(parser)` and `run(namespace)`."""
    return import_module(f"elman.cli.{command}")


def version() -> str:
    """The installed version."""
    try:
        return importlib.metadata.version("elman")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def as_elman_error(error: Exception) -> ElmanError | None:
    """The error as one line can say it; None for a defect, which needs its traceback."""
    if isinstance(error, OSError):
        words = error.strerror or str(error)
        return ElmanError(f"{error.filename}: {words}" if error.filename else words)
    return error if isinstance(error, ElmanError) else from_engine(error)


def one_line(error: ElmanError) -> str:
    """What is wrong and what to type next."""
    parts = [" ".join(str(error).split()), NEXT.get(type(error), "")]
    return f"elman: error: {'; '.join(filter(None, parts))}"


def silence_standard_output() -> None:
    """Let the interpreter flush into nothing when it exits, for the reader is gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
