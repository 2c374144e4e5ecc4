"""`elman train`: its flags are the dials of a recipe."""

import argparse
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from elman.errors import MendRequest
from elman.extras import extra
from elman.settings import add_flags, given
from elman.shell.place import DEFAULT_MODEL, default_model
from elman.terminal import tell, use_utf8, write_text

if TYPE_CHECKING:
    from elman_models.training.recipe import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILES, where to write, and a flag for each dial."""
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILES", help="UTF-8 text files, or folders of them; - is standard input"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="MODEL.safetensors",
        help=f"the model file to write; with --shell-history, by default {DEFAULT_MODEL}",
    )
    add_text_arguments(parser)
    add_run_arguments(parser)
    dials = parser.add_argument_group("dials", "The defaults need no tuning. Layers, skips and hidden size are for scratch.")
    with extra("train"):
        from elman_models.training.recipe import DIALS

    dials.add_argument("--recipe", type=Path, metavar="FILE", help="a recipe in JSON; dials given as flags override it")
    add_flags(dials, DIALS)


def add_text_arguments(parser: argparse.ArgumentParser) -> None:
    """What the files are, and which of their lines are trained on."""
    group = parser.add_argument_group("text")
    group.add_argument(
        "--shell-history",
        action="store_true",
        help="the files are histories of zsh, bash or fish, and the model is for elman shell",
    )
    group.add_argument(
        "--dry-run",
        action="store_true",
        help="with --shell-history, print the commands that would be trained on, and on standard error those that are left out",
    )
    group.add_argument(
        "--keep-secrets", action="store_true", help="train on lines too that look like they hold a key, token or password"
    )
    group.add_argument("--verbose", action="store_true", help="name every file and line that is left out")


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Where a run begins, how it is interrupted and resumed, and what is left of it."""
    group = parser.add_argument_group("run")
    group.add_argument(
        "--from",
        dest="origin",
        metavar="NAME|PATH",
        help="where to begin: a model, by a shipped name or a file, whose structure it is then, or scratch (random weights);"
        " by default what does best in a short trial",
    )
    group.add_argument("--resume", action="store_true", help="continue from the checkpoint beside the model file")
    group.add_argument("--device", default="auto", help="where to train: auto, cpu or cuda (default: auto)")
    group.add_argument(
        "--checkpoint-seconds",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how often to save a checkpoint (default: 60)",
    )
    group.add_argument(
        "--keep-checkpoint", action="store_true", help="leave the checkpoint of the finished run, for eval --checkpoint"
    )
    group.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the curve of training and held-out text at the end")


def run(arguments: argparse.Namespace) -> int:
    """Train; progress and the command to type next go to standard error."""
    check(arguments)
    if arguments.dry_run:
        return dry_run(arguments)
    if arguments.plot:
        with extra("plot"):
            import_module("matplotlib")  # found out now, not after an hour
    with extra("train"):
        from elman_models.corpus import read_training_text
        from elman_models.training.origin import starts
        from elman_models.training.shell_text import read_shell_text
        from elman_models.training.train import train

    output = arguments.output or private(default_model())
    trained = train(
        arguments.files,
        output,
        recipe_of(arguments),
        starts=starts(arguments.origin),
        resume=arguments.resume,
        checkpoint_seconds=arguments.checkpoint_seconds,
        device=arguments.device,
        is_verbose=arguments.verbose,
        keep_checkpoint=arguments.keep_checkpoint,
        keep_secrets=arguments.keep_secrets,
        read=read_shell_text if arguments.shell_history else read_training_text,
    )
    if arguments.shell_history:
        tell(f"  elman shell --help says how zsh, bash and fish suggest from {output}")
    if arguments.plot:
        from elman_models.plots.curve import draw

        draw(trained.points, trained.characters_per_step, arguments.plot)
    return 0


def check(arguments: argparse.Namespace) -> None:
    """Raise MendRequest where a flag lacks the one that it belongs to."""
    if not arguments.shell_history and arguments.output is None:
        raise MendRequest("-o names the model file to write; only --shell-history has a place for it")
    if arguments.dry_run and not arguments.shell_history:
        raise MendRequest("--dry-run needs --shell-history")


def private(model: Path) -> Path:
    """The model's path, in a folder that nobody else may look into if it has to be made: a history is its owner's."""
    model.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return model


def dry_run(arguments: argparse.Namespace) -> int:
    """Print the commands that would be trained on; those that are left out, their secrets masked, go to standard error."""
    with extra("train"):
        from elman_models.training.shell_text import read_histories

    use_utf8()
    for history in read_histories(arguments.files, arguments.keep_secrets):
        for command in history.commands:
            write_text(f"{command}\n")
        for each in sorted([*history.left_out, *history.secrets], key=lambda each: each.line):
            tell(f"left out: {each}")
        for line in history.summary():
            tell(line)
    return 0


def recipe_of(arguments: argparse.Namespace) -> "Recipe":
    """The recipe of the file or the defaults, with the dials that were given."""
    from elman_models.training.recipe import DIALS, Recipe, read_recipe
    from elman_models.training.shell_text import MINIMUM_CHARACTERS

    default = Recipe(minimum_characters=MINIMUM_CHARACTERS) if arguments.shell_history else Recipe()
    recipe = read_recipe(arguments.recipe) if arguments.recipe else default
    return replace(recipe, **given(arguments, DIALS, MendRequest.of_field))
