"""`elman serve`: its flags are the server's own configuration."""

import argparse
import os

from elman.extras import extra


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A flag for each field of the server's configuration."""
    with extra("serve"):
        from elman_server import config

    config.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal; returns the server's exit code."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its core would log a leaving peer's own words; read when grpc is imported
    with extra("serve"):
        from elman_server.config import from_arguments
        from elman_server.server import serve

    return serve(from_arguments(arguments, os.environ))
