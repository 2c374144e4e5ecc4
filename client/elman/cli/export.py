"""`elman export`: from a checkpoint to the model file that is served."""

import argparse
from pathlib import Path

from elman.extras import extra
from elman.progress import Progress
from elman.terminal import write


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CHECKPOINT and where to write."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="MODEL.safetensors.checkpoint, as train leaves it")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="MODEL.safetensors", help="the model file to write")


def run(arguments: argparse.Namespace) -> int:
    """Write the model file and print its digest."""
    with extra("train"):
        from elman_models.training.export import export_checkpoint

    with Progress("exporting"):
        model = export_checkpoint(arguments.checkpoint, arguments.output)
    write(f"{model.digest}\n")
    return 0
