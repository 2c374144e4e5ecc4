"""`elman serve`: its flags are the server's own configuration."""

import argparse
import os
from typing import NoReturn

from elman.extras import extra


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A flag for each field of the server's configuration."""
    with extra("serve"):
        from elman_server import config

    config.add_arguments(parser)


def run(arguments: argparse.Namespace) -> NoReturn:
    """Serve until a signal, and end with the server's exit code."""
    with extra("serve"):
        from elman_server.config import from_arguments

        config = from_arguments(arguments, os.environ)
        if config.workers > 1:
            from elman_server.workers.parent import serve
        else:
            from elman_server.server import serve

    serve(config)
