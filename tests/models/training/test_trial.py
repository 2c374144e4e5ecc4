"""Laws of where a run begins if nobody says: from what does best in a short trial; a resumed run keeps to it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from prose import QUICK, TUNING, Kept, prose

from elman_models.corpus import Corpus, divide, read_training_text
from elman_models.shipped import shipped_models
from elman_models.training.checkpoint import CheckpointError, checkpoint_path, save_checkpoint
from elman_models.training.export import to_model
from elman_models.training.origin import Origin, starts
from elman_models.training.recipe import Recipe
from elman_models.training.run import Run, new_run
from elman_models.training.train import Trained, train
from elman_models.training.trial import best_start

CPU = torch.device("cpu")


def origin_of(run: Run, name: str) -> Origin:
    return Origin(name, to_model(run.network, run.vocabulary, {}))


@pytest.fixture(scope="module")
def apt() -> Origin:
    """A model of the notes' grammar."""
    run = new_run(Corpus((prose(12_000, seed=7),)), Corpus(()), QUICK, CPU)
    while not run.is_over:
        run.advance()
    return origin_of(run, "apt")


@pytest.fixture(scope="module")
def inept() -> Origin:
    """A model of two units whose weights are too large to learn anything by."""
    run = new_run(Corpus((prose(3000),)), Corpus(()), replace(QUICK, layers=1, hidden_size=2), CPU)
    with torch.no_grad():
        for weight in run.network.parameters():
            weight.fill_(30.0)
    return origin_of(run, "inept")


def best(models: Sequence[Origin], recipe: Recipe = TUNING) -> tuple[Origin | None, list[str]]:
    kept = Kept()
    return best_start(Corpus((prose(8_000),)), recipe, [None, *models], CPU, kept), kept.lines


def test_a_model_that_knows_such_text_is_taken_and_said_so(apt: Origin, inept: Origin) -> None:
    found, lines = best([inept, apt])
    assert found is apt
    assert lines[0] == "trying where to begin: inept, apt, random weights (--from names one)"
    assert lines[1].startswith("begins from apt: ")
    assert ", from random weights " in lines[1]


def test_random_weights_are_taken_where_no_model_does_better(inept: Origin) -> None:
    found, lines = best([inept])
    assert found is None
    assert lines[1].startswith("begins from random weights: ")


def test_a_recipe_that_names_the_structure_begins_from_random_weights_untried(apt: Origin) -> None:
    assert best([apt], QUICK) == (
        None,
        ["begins from random weights: the recipe names layers and hidden_size, which a model would determine"],
    )


def test_all_shipped_models_may_be_where_to_begin_unless_one_is_named() -> None:
    assert [start and start.name for start in starts(None)] == [None, *shipped_models()]
    assert starts("scratch") == [None]
    assert [start and start.name for start in starts("python")] == ["python"]


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("notes") / "notes.txt"
    path.write_text(prose(8_000))
    return path


@pytest.fixture(scope="module")
def chosen(notes: Path, apt: Origin, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    output = tmp_path_factory.mktemp("chosen") / "m.safetensors"
    return train([notes], output, TUNING, starts=[None, apt], device="cpu", report=Kept())


def unfinished(notes: Path, origin: Origin, output: Path) -> None:
    """Leave the checkpoint of a run that was stopped after three steps."""
    run = new_run(*divide(read_training_text([notes]), TUNING.held_out), TUNING, CPU, origin)
    run.begin()
    for _ in range(3):
        run.watch(run.advance())
    save_checkpoint(run.checkpoint(), checkpoint_path(output))


def test_a_resumed_run_keeps_to_where_it_began_and_tries_nothing(
    notes: Path, apt: Origin, chosen: Trained, tmp_path: Path
) -> None:
    output, kept = tmp_path / "m.safetensors", Kept()
    unfinished(notes, apt, output)
    resumed = train([notes], output, TUNING, starts=[None, apt], resume=True, device="cpu", report=kept)
    assert resumed.output.read_bytes() == chosen.output.read_bytes()
    assert not any("trying" in line for line in kept.lines)


def test_a_run_that_began_from_a_model_that_is_gone_is_refused(notes: Path, apt: Origin, inept: Origin, tmp_path: Path) -> None:
    output = tmp_path / "m.safetensors"
    unfinished(notes, apt, output)
    words = "began from the model apt of digest .*, which is none of those to begin from; name it with --from"
    with pytest.raises(CheckpointError, match=words):
        train([notes], output, TUNING, starts=[None, inept], resume=True, device="cpu", report=Kept())


def test_nothing_is_tried_where_an_unfinished_run_lies(notes: Path, apt: Origin, tmp_path: Path) -> None:
    output, kept = tmp_path / "m.safetensors", Kept()
    unfinished(notes, apt, output)
    with pytest.raises(CheckpointError, match="an unfinished run lies there"):
        train([notes], output, TUNING, starts=[None, apt], device="cpu", report=kept)
    assert not any("trying" in line for line in kept.lines)
