"""`elman lsp`: a language server for editors, over standard input and output."""

import argparse

from elman.cli.configuration import Configuration
from elman.cli.engine import add_server_arguments, engine_of
from elman.extras import extra


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    add_server_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until the editor leaves."""
    with extra("lsp"):
        from elman.lsp.server import make_server
    from elman.lsp.preferences import Preferences

    engine = engine_of(arguments, Configuration.read())
    make_server(Preferences(model=engine.model or "", server=engine.server)).start_io()
    return 0
