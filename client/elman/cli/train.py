"""`elman train`: its flags are the dials of a recipe."""

import argparse
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from elman.errors import MendRequest
from elman.extras import extra
from elman.settings import add_flags, given

if TYPE_CHECKING:
    from elman_models.training.recipe import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILES, where to write, and a flag for each dial."""
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILES", help="UTF-8 text files, or folders of them; - is standard input"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="MODEL.safetensors", help="the model file to write")
    parser.add_argument(
        "--from",
        dest="origin",
        metavar="NAME|PATH",
        help="where to begin: a model, by a shipped name or a file, whose structure it is then, or scratch (random weights);"
        " by default what does best in a short trial",
    )
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint beside the model file")
    parser.add_argument("--device", default="auto", help="where to train: auto, cpu or cuda (default: auto)")
    parser.add_argument(
        "--checkpoint-seconds",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how often to save a checkpoint (default: 60)",
    )
    parser.add_argument(
        "--keep-checkpoint", action="store_true", help="leave the checkpoint of the finished run, for eval --checkpoint"
    )
    parser.add_argument(
        "--keep-secrets", action="store_true", help="train on lines too that look like they hold a key, token or password"
    )
    parser.add_argument("--verbose", action="store_true", help="name every file and line that is left out")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the curve of training and held-out text at the end")
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="a recipe in JSON; dials given as flags override it")
    dials = parser.add_argument_group("dials", "The defaults need no tuning. Layers, skips and hidden size are for scratch.")
    with extra("train"):
        from elman_models.training.recipe import DIALS

    add_flags(dials, DIALS)


def run(arguments: argparse.Namespace) -> int:
    """Train; progress and the command to type next go to standard error."""
    if arguments.plot:
        with extra("plot"):
            import_module("matplotlib")  # found out now, not after an hour
    with extra("train"):
        from elman_models.training.origin import starts
        from elman_models.training.train import train

    trained = train(
        arguments.files,
        arguments.output,
        recipe_of(arguments),
        starts=starts(arguments.origin),
        resume=arguments.resume,
        checkpoint_seconds=arguments.checkpoint_seconds,
        device=arguments.device,
        is_verbose=arguments.verbose,
        keep_checkpoint=arguments.keep_checkpoint,
        keep_secrets=arguments.keep_secrets,
    )
    if arguments.plot:
        from elman_models.plots.curve import draw

        draw(trained.points, trained.characters_per_step, arguments.plot)
    return 0


def recipe_of(arguments: argparse.Namespace) -> "Recipe":
    """The recipe of the file or the defaults, with the dials that were given."""
    from elman_models.training.recipe import DIALS, Recipe, read_recipe

    recipe = read_recipe(arguments.recipe) if arguments.recipe else Recipe()
    return replace(recipe, **given(arguments, DIALS, MendRequest.of_field))
