"""`elman token`: a token for one who calls, and the line of it for the server's file, which holds its hash."""

import argparse
import os
import sys
from pathlib import Path

from elman.errors import MendRequest
from elman.extras import extra
from elman.settings import add_flags, given
from elman.terminal import use_utf8, write

MEANING = (
    "The token goes to standard output and is kept nowhere: put it into a file of its own that nobody else may read"
    " (umask 077), which --token-file of the commands names. The file of elman serve --tokens gets its line, with a hash"
    " of the token; a server that runs takes it within two seconds. Several lines may have one name, so that a new token"
    " is taken before the old one's line is deleted. What a token did not use of its limits in the last ten seconds it may"
    " use at once."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """NAME and the flags."""
    with extra("serve"):
        from elman_server.security.tokens import LIMITS
    parser.epilog = MEANING
    parser.add_argument("name", metavar="NAME", help="who it is for; the server's log names it")
    parser.add_argument(
        "--tokens", type=Path, metavar="FILE", help="add the line to this file; without it, it goes to standard error"
    )
    add_flags(parser, [*LIMITS.values()])


def run(arguments: argparse.Namespace) -> int:
    """Print the token; its line is where the server will look for it before anybody has the token."""
    with extra("serve"):
        from elman_server.security.limits import Limits
        from elman_server.security.tokens import LIMITS, new_token
    use_utf8()
    token, line = new_token(arguments.name, Limits(**given(arguments, [*LIMITS.values()], MendRequest.of_field)))
    if arguments.tokens:
        append(arguments.tokens, f"{line}\n")
    else:
        print(f"the line for the file of elman serve --tokens:\n{line}", file=sys.stderr)
    write(f"{token}\n")
    return 0


def append(path: Path, line: str) -> None:
    """Add a line to a file, which is made for its owner alone. Raises OSError."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b") as file:
        held = file.read()
        file.write(("" if not held or held.endswith(b"\n") else "\n").encode() + line.encode())
