"""`elman type`: edit a line or a file on the terminal, with ghost text."""

import argparse
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from elman.cli.configuration import AUTO_INDENT, TYPE_FIELDS, Configuration, EngineSettings
from elman.cli.engine import add_server_arguments, engine_of, open_engine, values_of
from elman.editor.text_file import TextFile
from elman.errors import MendRequest
from elman.extras import extra
from elman.languages import absence_of, always, fit_of
from elman.secret_files import may_hold_secrets
from elman.settings import add_flags
from elman.sync.client import Client
from elman.terminal import note, tell, use_utf8, write_text

MODEL = (
    "Unless --model names one, the file's name chooses the model: elman models says which is for what. A file that may hold"
    " secrets (.env, keys, credentials) gets none. Any other file gets the"
    " configured model (elman config shows it); if none is configured, nothing is suggested. Where the model is not there, the"
    " configured one takes its place."
)
KEYS = (
    "Tab accepts what is suggested, Right a character of it (at the end of a line), Ctrl-Right a word; Esc dismisses it,"
    " Alt-] shows the next of the --alternatives. Ctrl-_ undoes. Ctrl-S saves the file, Ctrl-D or Ctrl-C leaves. If a session"
    " is cut short, the next one offers its unsaved changes. Without a file, Enter prints the line."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE and the flags."""
    parser.epilog = f"{MODEL} {KEYS}"
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="the UTF-8 text file to edit; without one, a line is edited and printed",
    )
    add_server_arguments(parser)
    add_flags(parser, TYPE_FIELDS)


def run(arguments: argparse.Namespace) -> int:
    """Edit; returns 1 if a line was left without being entered."""
    with extra("type"):
        from elman.editor.app import Editor, standard_error

    use_utf8()
    check_terminal()
    configuration = Configuration.read()
    engine = engine_of(arguments, configuration)
    fields = values_of(arguments, TYPE_FIELDS, configuration, "type")
    indents = fields.pop(AUTO_INDENT.name)
    file = TextFile.read(arguments.file) if arguments.file else None
    chosen = choose(arguments, file, configuration, engine)
    client, model = open_engine(replace(engine, model=chosen.model)) if chosen.fits else (Client.over([]), None)
    with client, client.document(file.text if file else "", cursor=0 if file else None, model=model, **fields) as document:
        editor = Editor(
            document, file, output=standard_error(), other_model=chosen.other, silence=chosen.silence, indents=indents
        )
        try:
            line = editor.run()
        finally:
            tell_what_is_kept(arguments.file, editor.kept)
    if line is not None:
        write_text(f"{line}\n")
    return 0 if file or line is not None else 1


class Choice(NamedTuple):
    """Which model suggests."""

    model: str | None  # None: the default, if one fits
    other: str | None = None  # which one if a server does not have that
    silence: str = ""  # why nothing is suggested

    @property
    def fits(self) -> bool:
        """Whether anything is to be suggested."""
        return not self.silence


def choose(
    arguments: argparse.Namespace, file: TextFile | None, configuration: Configuration, engine: EngineSettings
) -> Choice:
    """The model of the flag; for a file the one that suits its name; otherwise the configured one, or the default."""
    if arguments.model or file is None:
        return Choice(engine.model)
    name = file.path.name
    if may_hold_secrets(str(file.path.absolute())):
        note(f"{name} may hold secrets, so nothing is suggested; --model names a model that does")
        return Choice(None, silence=f"{name} may hold secrets: nothing is suggested")
    models = {pattern: each.value for pattern, each in configuration.models.items()}
    is_there = always if engine.server else is_shipped
    fit = fit_of(name, models, engine.model, text=file.text, is_there=is_there)
    if fit.model is None:
        why = f"{absence_of(fit.lacking)}. N" if fit.lacking else f"no model fits {name}, so n"
        note(f"{why}othing is suggested; --model names one, or the configuration")
        return Choice(None, silence=f"no model fits {name}: nothing is suggested")
    return Choice(fit.model, engine.model)


def is_shipped(model: str) -> bool:
    """Whether a model comes with the engine in this process."""
    with extra("serve"):
        from elman_models.shipped import shipped_models
    return model in shipped_models()


def tell_what_is_kept(file: Path, kept: Path | None) -> None:
    """Say where changes are that were not saved; the terminal may be gone."""
    if kept is not None:
        with suppress(OSError):
            tell(f"elman: the unsaved changes are kept in {kept}; to get them back: elman type {file}")


def check_terminal() -> None:
    """Raise MendRequest unless standard input and standard error are a terminal. Standard output may be a pipe."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        raise MendRequest("this needs a terminal as standard input and standard error")
