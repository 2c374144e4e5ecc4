"""`elman lsp`: a language server for editors, over standard input and output."""

import argparse

from elman.cli.configuration import Configuration
from elman.cli.engine import add_server_arguments, engine_of, servers_of

MEANING = (
    "An editor starts this and speaks to it over standard input and output, by the Language Server Protocol 3.18. What is"
    " suggested comes by textDocument/inlineCompletion and, for editors that lack it, as an item of textDocument/completion or"
    " by elman/ghostText. The document's language and name choose the model: elman models says which is for what. --model is"
    " for the rest, or nothing where none is named. The editor's settings come before these flags and the configuration file."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    parser.epilog = MEANING
    add_server_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until the editor leaves; returns 0 if it said so. What editor and file set holds where no flag is given."""
    from elman.lsp.preferences import Preferences
    from elman.lsp.server import serve

    configuration = Configuration.read()
    engine = engine_of(arguments, configuration)
    models = {pattern: each.value for pattern, each in configuration.models.items()}
    return serve(Preferences(model=engine.model or "", models=models, server=servers_of(engine)), engine.credentials)
