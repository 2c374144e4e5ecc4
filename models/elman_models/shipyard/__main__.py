"""`python -m elman_models.shipyard python`, or `make train-python`: makes a shipped model again (make.py)."""

import argparse
import sys
from pathlib import Path

from elman_models.shipped import FOLDER
from elman_models.shipyard.inventory import in_words, table_of
from elman_models.shipyard.make import RECIPES, TEXTS, WRITTEN, make, refit, write_texts
from elman_models.shipyard.prose import prose_text
from elman_models.shipyard.texts import DividedText
from elman_models.shipyard.written_text import read_text
from elman_models.sources.documents import LeftOut
from elman_models.training.checkpoint import CheckpointError
from elman_models.training.recipe import read_recipe


def main(arguments: list[str] | None = None) -> int:
    """Train, or go on training, and write the model."""
    parser = argparse.ArgumentParser(prog="python -m elman_models.shipyard", description="Train a shipped model.")
    parser.add_argument("model", choices=TEXTS)
    parser.add_argument("--recipe", type=Path, help="the recipe that comes with the model by default")
    parser.add_argument("--output", type=Path, help="the shipped model by default")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint beside the output")
    parser.add_argument("--texts", type=Path, metavar="FOLDER", help="write the three parts of the text there, and do no more")
    parser.add_argument(
        "--inventory", type=int, metavar="PAGES", help="say what the text is made of, show pages of it, and do no more"
    )
    parser.add_argument("--projects", action="store_true", help="print the table of the text's projects, and do no more")
    parser.add_argument("--refit", action="store_true", help="make all of the model file but its weights anew, and do no more")
    given = parser.parse_args(arguments)
    if given.texts:
        write_texts(TEXTS[given.model].read(), given.texts)
        return 0
    if given.projects:
        print(table_of(given.model), end="")
        return 0
    if given.inventory is not None:
        print(*in_words(*read_with_left_out(given.model), given.inventory), sep="\n")
        return 0
    output = given.output or FOLDER / f"{given.model}.safetensors"
    if given.refit:
        refit(TEXTS[given.model], output)
        return 0
    recipe = read_recipe(given.recipe or RECIPES / f"{given.model}.json")
    try:
        make(TEXTS[given.model], recipe, output, given.device, given.resume)
    except CheckpointError as error:
        parser.exit(1, f"{error}\n")
    except KeyboardInterrupt:  # what is saved, and how to go on, was told
        return 130
    return 0


def read_with_left_out(model: str) -> tuple[DividedText, LeftOut]:
    """A model's text, and what of its projects was left out."""
    left_out = LeftOut()
    if model == "prose":
        return prose_text(left_out), left_out
    return read_text(model, left_out=left_out) if model in WRITTEN else TEXTS[model].read(), left_out


if __name__ == "__main__":
    sys.exit(main())
