"""`elman train`: its flags are the dials of a recipe."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from elman.errors import MendRequest
from elman.extras import needed
from elman.settings import add_flags, given


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILES, where to write, and a flag for each dial."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILES", help="UTF-8 text files, or folders of them")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="MODEL.safetensors", help="the model file to write")
    parser.add_argument(
        "--from",
        dest="origin",
        metavar="NAME|PATH",
        help="a model to begin from, a shipped name or a file, in place of random weights; the structure is its own",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint beside the model file")
    parser.add_argument("--device", default="auto", help="what trains: auto, cpu or cuda (default: auto)")
    parser.add_argument(
        "--checkpoint-seconds",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how often to save a checkpoint (default: 60)",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the curve of training and held-out text at the end")
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="a recipe in JSON; dials given as flags override it")
    dials = parser.add_argument_group("dials", "The defaults need no tuning.")
    add_flags(dials, needed("elman_models.training.recipe", "train").DIALS)


def run(arguments: argparse.Namespace) -> int:
    """Train; progress and the command to type next go to standard error."""
    if arguments.plot:
        needed("matplotlib", "plot")  # known now, not after an hour
    origin = needed("elman_models.training.origin", "train").read_origin(arguments.origin) if arguments.origin else None
    trained = needed("elman_models.training.train", "train").train(
        arguments.files,
        arguments.output,
        recipe_of(arguments),
        origin=origin,
        resume=arguments.resume,
        checkpoint_seconds=arguments.checkpoint_seconds,
        device=arguments.device,
    )
    if arguments.plot:
        needed("elman_models.plots.curve", "plot").draw(trained.points, trained.characters_per_step, arguments.plot)
    return 0


def recipe_of(arguments: argparse.Namespace) -> Any:
    """The recipe of the file or the defaults, with the dials that were given."""
    module = needed("elman_models.training.recipe", "train")
    recipe = module.read_recipe(arguments.recipe) if arguments.recipe else module.Recipe()
    return replace(recipe, **given(arguments, module.DIALS, MendRequest.of_field))
