"""`elman type`: edit a line or a file on the terminal, with ghost text."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from elman.cli.engine import add_server_arguments, open_engine, values_of
from elman.editor.text_file import TextFile
from elman.errors import MendRequest
from elman.extras import extra
from elman.protocol.fields import DOCUMENT_FIELDS
from elman.settings import add_flags
from elman.terminal import tell, use_utf8, write_text

FIELDS = tuple(field for field in DOCUMENT_FIELDS if field.name != "include_log_probabilities")
"""The fields that change what is on the screen."""

KEYS = (
    "Tab accepts what is suggested, Right a character of it (at the end of a line), Ctrl-Right a word; Esc dismisses it,"
    " Alt-] shows the next of the --alternatives. Ctrl-_ undoes. Ctrl-S saves the file, Ctrl-D or Ctrl-C leaves. If a session"
    " is cut short, the next one offers its unsaved changes. Without a file, Enter prints the line."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE and the flags."""
    parser.epilog = KEYS
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="the UTF-8 text file to edit; without one, a line is edited and printed",
    )
    add_server_arguments(parser)
    add_flags(parser, FIELDS)


def run(arguments: argparse.Namespace) -> int:
    """Edit; returns 1 if a line was left without being entered."""
    with extra("type"):
        from elman.editor.app import Editor, standard_error

    use_utf8()
    check_terminal()
    file = TextFile.read(arguments.file) if arguments.file else None
    client, model = open_engine(arguments)
    fields = values_of(arguments, FIELDS)
    with client, client.document(file.text if file else "", cursor=0 if file else None, model=model, **fields) as document:
        editor = Editor(document, file, output=standard_error())
        try:
            line = editor.run()
        finally:
            tell_what_is_kept(arguments.file, editor.kept)
    if line is not None:
        write_text(f"{line}\n")
    return 0 if file or line is not None else 1


def tell_what_is_kept(file: Path, kept: Path | None) -> None:
    """Say where changes are that were not saved; the terminal may be gone."""
    if kept is not None:
        with suppress(OSError):
            tell(f"elman: the unsaved changes are kept in {kept}; to get them back: elman type {file}")


def check_terminal() -> None:
    """Raise MendRequest unless standard input and standard error are a terminal. Standard output may be a pipe."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        raise MendRequest("this needs a terminal as standard input and standard error")
