"""`elman lsp`: a language server for editors, over standard input and output."""

import argparse

from elman.cli.configuration import Configuration
from elman.cli.engine import add_server_arguments, engine_of
from elman.extras import extra


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    add_server_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until the editor leaves; what editor and configuration file set holds where no flag is given."""
    with extra("lsp"):
        from elman.lsp.server import serve
    from elman.lsp.preferences import Preferences

    configuration = Configuration.read()
    engine = engine_of(arguments, configuration)
    models = {pattern: each.value for pattern, each in configuration.models.items()}
    return serve(Preferences(model=engine.model or "", models=models, server=engine.server))
