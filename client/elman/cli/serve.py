"""`elman serve`: its flags are the server's own configuration."""

import argparse
import os

from elman.extras import needed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A flag for each field of the server's configuration."""
    needed("elman_server.config", "serve").add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal; returns the server's exit code."""
    config = needed("elman_server.config", "serve").from_arguments(arguments, os.environ)
    return int(needed("elman_server.server", "serve").serve(config))
