"""Laws of training: the same text and recipe are the same bytes, whatever happens on the way."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from prose import QUICK, TUNING, Kept, prose

from elman_models.corpus import Corpus, CorpusError, read_training_text
from elman_models.errors import InvalidField
from elman_models.law.artifact import load
from elman_models.law.ghost import GhostSurprise
from elman_models.law.recall import ODDS_UNIT, Recall
from elman_models.measure.cost import evaluate
from elman_models.measure.fit import WINDOW
from elman_models.measure.network_predictor import NetworkPredictor
from elman_models.measure.typist import Habits, Typist
from elman_models.selection.imprint import largest_overlap
from elman_models.training.checkpoint import CheckpointError, checkpoint_path, load_checkpoint, save_checkpoint
from elman_models.training.export import export_checkpoint, read_network
from elman_models.training.interruption import Interruption
from elman_models.training.origin import Origin, read_origin
from elman_models.training.recipe import Recipe
from elman_models.training.run import Run, new_run
from elman_models.training.train import Trained, TrainingError, carry_out, loop, require_output, train
from elman_models.training.verdict import MORE_TEXT, AsItComes, Verdict

KILLED_STEP = 30
CHILD = f"""
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from elman_models.training.interruption import Interruption
from elman_models.training.origin import read_origin
from elman_models.training.train import train
from prose import QUICK, TUNING, Kept

class Telling(Kept):
    def advance(self, step, steps, loss, characters_per_second):
        print(step, flush=True)

origin = read_origin(sys.argv[3]) if sys.argv[3:] else None
recipe = TUNING if origin else QUICK
train([Path(sys.argv[1])], Path(sys.argv[2]), recipe, starts=[origin], checkpoint_seconds=0, device="cpu", report=Telling())
"""


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notes")
    for name in ("a.txt", "b.md", "c"):
        (folder / name).write_text(prose(8_000, seed=ord(name[0])))
    return folder


@pytest.fixture(scope="module")
def trained(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Kept]:
    kept = Kept()
    output = tmp_path_factory.mktemp("models") / "notes.safetensors"
    return train([notes], output, QUICK, device="cpu", keep_checkpoint=True, report=kept), kept


def test_a_folder_of_notes_becomes_a_model_that_predicts_them(trained: tuple[Trained, Kept]) -> None:
    done, kept = trained
    assert done.verdict is not None
    assert done.verdict.quality.nats_per_character_streaming < 1.5  # it began near ln 27 = 3.3
    assert load(done.output).digest == done.model.digest
    assert kept.steps == list(range(1, kept.steps[-1] + 1))


def test_the_end_compares_with_an_n_gram_and_says_what_to_type_next(trained: tuple[Trained, Kept]) -> None:
    done, kept = trained
    comparison, _, following, meaning = kept.lines[-4:]
    assert re.search(r"than a 6-gram's \d\.\d{4}; .* the \d\.\d{4} of one with recall$", comparison)
    assert following.startswith(f'  elman complete --model {done.output} "The ')
    assert done.verdict is not None
    ours, theirs = (f"{100 * saved:.0f}" for saved in (done.verdict.keys_saved, done.verdict.ngram_keys_saved))
    says = f"it saves {ours} of 100 keys on text that it has not seen; an n-gram of the same text saves {theirs}"
    assert meaning.startswith(says)


def test_the_keys_that_a_run_says_it_saves_are_those_of_the_typist(trained: tuple[Trained, Kept]) -> None:
    done, held_out = trained[0], read_network(trained[0].checkpoint).held_out
    typist = Typist(Habits(), done.model.vocabulary, done.model.ghost_surprise)
    readings = NetworkPredictor(done.model).read([done.model.vocabulary.encode(document) for document in held_out])
    assert done.verdict is not None
    assert done.verdict.keys_saved == typist.enter(held_out, readings).saved
    assert 0 < done.verdict.keys_saved < 1


@pytest.mark.parametrize(
    ("nats", "saved", "advice"), [(1.0, 0.24, ""), (1.3, 0.24, f"; {MORE_TEXT}"), (1.0, 0.21, f"; {MORE_TEXT}")]
)
def test_where_an_n_gram_does_better_the_end_says_what_may_help(
    trained: tuple[Trained, Kept], nats: float, saved: float, advice: str
) -> None:
    assert trained[0].verdict is not None
    quality = replace(trained[0].verdict.quality, nats_per_character_streaming=nats)
    verdict = Verdict(quality, nats, 1.2, 1.1, 100, 100, saved, 0.22)
    saves = f"it saves {100 * saved:.0f} of 100 keys on text that it has not seen; an n-gram of the same text saves 22"
    assert verdict.meaning() == saves + advice


@pytest.mark.parametrize(
    ("before", "advice"),
    [
        (AsItComes("prose", 0.9, 0.24), "; keep to prose, unless there is more text to learn from"),
        (AsItComes("prose", 0.9, 0.23), ""),
        (AsItComes("prose", 1.1, 0.24), ""),
    ],
)
def test_where_the_model_that_it_began_from_does_as_well_the_end_says_so(
    trained: tuple[Trained, Kept], before: AsItComes, advice: str
) -> None:
    assert trained[0].verdict is not None
    quality = replace(trained[0].verdict.quality, nats_per_character_streaming=1.0)
    verdict = Verdict(quality, 1.0, 1.2, 1.1, 100, 100, 0.24, 0.22, before)
    saves = "it saves 24 of 100 keys on text that it has not seen; an n-gram of the same text saves 22"
    assert verdict.meaning() == f"{saves}, and prose as it comes {100 * before.keys_saved:.0f}" + advice


def test_the_model_that_a_run_began_from_is_measured_on_the_same_text(
    trained: tuple[Trained, Kept], notes: Path, tmp_path: Path
) -> None:
    origin = Origin("first", trained[0].model)
    recipe = replace(QUICK, epochs=1, layers=None, skips=None, hidden_size=None)
    kept = Kept()
    done = train([notes], tmp_path / "own.safetensors", recipe, starts=[origin], device="cpu", report=kept)
    assert done.verdict is not None
    assert trained[0].verdict is not None
    quality = trained[0].verdict.quality.nats_per_character_streaming  # the same pages were held out
    assert done.verdict.origin == AsItComes("first", quality, trained[0].verdict.keys_saved)
    assert load(done.output).about["quality"]["origin"]["keys_saved"] == trained[0].verdict.keys_saved
    assert f", and first as it comes {100 * trained[0].verdict.keys_saved:.0f}" in kept.lines[-1]


def test_where_the_model_that_it_began_from_has_seen_the_text_the_end_says_so(
    trained: tuple[Trained, Kept], notes: Path, tmp_path: Path
) -> None:
    (tmp_path / "later.txt").write_text(prose(8_000, seed=9))  # other pages are held out of more text
    recipe, kept = replace(QUICK, epochs=1, layers=None, skips=None, hidden_size=None), Kept()
    texts = [notes, tmp_path / "later.txt"]
    done = train(texts, tmp_path / "own.safetensors", recipe, starts=[origin_of(trained)], device="cpu", report=kept)
    assert done.verdict is not None
    assert done.verdict.origin is not None
    assert 0.2 < done.verdict.origin.has_seen < 0.9
    verdict = replace(done.verdict, origin=AsItComes("one", 0.1, 0.5, 0.7), keys_saved=0.4, ngram_keys_saved=0.3)
    assert verdict.meaning() == (
        "it saves 40 of 100 keys on held-out text; an n-gram of the same text saves 30, and one as it comes 50; "
        "one was trained on about 70% of that text, which flatters both"
    )


def test_the_artifact_costs_at_most_two_thousandths_of_a_nat(trained: tuple[Trained, Kept]) -> None:
    done, _ = trained
    assert done.verdict is not None
    plain = replace(done.model, recall=Recall.none())
    quality = evaluate(plain, read_network(done.checkpoint).held_out)
    assert abs(quality.nats_per_character_streaming - done.verdict.float_nats_per_character) < 0.002


def test_recall_is_fitted_on_what_was_held_out_and_loses_nothing_there(trained: tuple[Trained, Kept]) -> None:
    done, _ = trained
    assert done.verdict is not None
    assert done.model.recall.window == WINDOW
    plain = evaluate(replace(done.model, recall=Recall.none()), read_network(done.checkpoint).held_out)
    assert done.verdict.quality.nats_per_character_streaming <= plain.nats_per_character_streaming + 1e-4


def test_where_little_is_held_out_recall_and_ghost_text_are_those_of_the_model_that_it_began_from(
    trained: tuple[Trained, Kept], notes: Path, tmp_path: Path
) -> None:
    recall, ghost = trained[0].model.recall, GhostSurprise(123, 456)
    surer = replace(recall, odds=np.full_like(recall.odds, ODDS_UNIT // 20))
    origin = Origin("surer", replace(trained[0].model, recall=surer, ghost_surprise=ghost))
    recipe = replace(QUICK, held_out=0.05, epochs=1, layers=None, skips=None, hidden_size=None)
    output = tmp_path / "own.safetensors"
    done = train([notes], output, recipe, starts=[origin], device="cpu", keep_checkpoint=True, report=Kept())
    assert done.model.ghost_surprise == ghost
    is_taken_over = abs(done.model.recall.odds - ODDS_UNIT // 20) <= 1
    assert 0.5 < is_taken_over.mean() < 1  # most classes do not come in held-out text
    exported = export_checkpoint(done.checkpoint, tmp_path / "exported.safetensors")
    assert exported.ghost_surprise == ghost
    np.testing.assert_array_equal(exported.recall.odds, done.model.recall.odds)


def test_the_artifact_says_how_it_was_made_and_how_good_it_is(trained: tuple[Trained, Kept]) -> None:
    about = load(trained[0].output).about
    assert about["recipe"]["hidden_size"] == 24
    assert about["weights"] > 0
    assert about["quality"]["held_out"]["nats_per_character_streaming"] > 0


def test_the_same_text_and_recipe_give_the_same_digest(notes: Path, trained: tuple[Trained, Kept], tmp_path: Path) -> None:
    again = train([notes], tmp_path / "again.safetensors", QUICK, device="cpu", report=Kept())
    assert again.output.read_bytes() == trained[0].output.read_bytes()


def test_another_seed_gives_another_network(notes: Path, trained: tuple[Trained, Kept], tmp_path: Path) -> None:
    other = train([notes], tmp_path / "other.safetensors", replaced(seed=1), device="cpu", report=Kept())
    assert other.model.digest != trained[0].model.digest


def test_a_run_that_was_killed_ends_as_if_it_had_not_been(notes: Path, trained: tuple[Trained, Kept], tmp_path: Path) -> None:
    output = tmp_path / "killed.safetensors"
    kill_at(KILLED_STEP, notes, output)
    kept = Kept()
    resumed = train([notes], output, QUICK, resume=True, device="cpu", report=kept)
    assert kept.steps[0] >= KILLED_STEP
    assert resumed.model.digest == trained[0].model.digest


def kill_at(step: int, *arguments: Path) -> None:
    """Run CHILD until it has told of the step, and leave its checkpoint."""
    output = arguments[1]
    command = [sys.executable, "-c", CHILD, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) == step:
                os.kill(child.pid, signal.SIGKILL)
                break
    assert child.returncode == -signal.SIGKILL
    assert not output.exists()
    assert load_checkpoint(checkpoint_path(output)).header.step >= step - 1


def test_a_finished_run_can_be_resumed_and_gives_the_same_model(notes: Path, trained: tuple[Trained, Kept]) -> None:
    done, _ = trained
    again = train([notes], done.output, QUICK, resume=True, device="cpu", keep_checkpoint=True, report=Kept())
    assert again.model.digest == done.model.digest


def test_a_checkpoint_of_another_recipe_is_refused_with_the_difference(notes: Path, trained: tuple[Trained, Kept]) -> None:
    with pytest.raises(CheckpointError, match="belongs to another recipe: epochs was 3, is 4"):
        train([notes], trained[0].output, replaced(epochs=4), resume=True, device="cpu", report=Kept())


def test_a_checkpoint_of_another_text_is_refused(trained: tuple[Trained, Kept], tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text(prose(20_000, seed=99))
    with pytest.raises(CheckpointError, match="belongs to another text"):
        train([tmp_path], trained[0].output, QUICK, resume=True, device="cpu", report=Kept())


def test_an_unfinished_run_is_not_overwritten(notes: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.safetensors"
    run = new_run(Corpus((prose(3000),)), Corpus(()), QUICK, torch.device("cpu"))
    run.advance()
    save_checkpoint(run.checkpoint(), checkpoint_path(output))
    with pytest.raises(CheckpointError, match=r"an unfinished run lies there, at step 1 of \d+; go on with --resume"):
        train([notes], output, QUICK, device="cpu", report=Kept())


def test_there_is_nothing_to_resume_without_a_checkpoint(notes: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        train([notes], tmp_path / "new.safetensors", QUICK, resume=True, device="cpu", report=Kept())


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "empty"), (b"\0\1\2", "binary"), (b"x", "too little text: 1 character in 1 file; needed: 1,000")],
)
def test_what_cannot_be_trained_on_is_refused_and_nothing_is_written(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "notes.txt").write_bytes(data)
    with pytest.raises(CorpusError, match=words):
        train([tmp_path / "notes.txt"], tmp_path / "out" / "m.safetensors", QUICK, report=Kept())
    assert not (tmp_path / "out").exists()


def test_a_window_longer_than_the_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text(prose(1200))
    with pytest.raises(InvalidField, match="window"):
        train([tmp_path], tmp_path / "m.safetensors", replaced(window=2000), report=Kept())


def test_a_loss_that_is_not_a_number_stops_the_run_and_names_the_last_good_checkpoint(tmp_path: Path) -> None:
    run, path = new_run(Corpus((prose(3000),)), Corpus(()), QUICK, torch.device("cpu")), tmp_path / "m.checkpoint"
    for _ in range(5):
        run.advance()
    good = float(run.network.output.detach()[0, 0])
    spoil(run, float("nan"))
    with pytest.raises(TrainingError, match=r"step 6: the loss is not a finite number; nothing was saved yet"):
        loop(run, path, 60, Kept(), Interruption())
    spoil(run, good)
    loop(run, path, 0, Kept(), Interruption())
    run.step -= 1
    spoil(run, float("nan"))
    with pytest.raises(TrainingError, match=rf"the checkpoint of step {run.steps} is good: .*m\.checkpoint"):
        loop(run, path, 60, Kept(), Interruption())


def test_a_run_without_held_out_text_still_ends_in_a_model(tmp_path: Path) -> None:
    run = new_run(Corpus((prose(3000),)), Corpus(()), replaced(epochs=1), torch.device("cpu"))
    done = carry_out(run, tmp_path / "m.safetensors", False, 60, Kept(), {"licence": "none"})
    assert done.verdict is None
    assert load(done.output).about["licence"] == "none"


@pytest.fixture(scope="module")
def more_notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same grammar with letters that the first notes lack."""
    folder = tmp_path_factory.mktemp("more")
    (folder / "d.txt").write_text(prose(8_000, seed=4).replace("king", "Ülüß").replace("cat", "KAT"))
    return folder


@pytest.fixture(scope="module")
def tuned(more_notes: Path, trained: tuple[Trained, Kept], tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Kept]:
    kept, output = Kept(), tmp_path_factory.mktemp("tuned") / "tuned.safetensors"
    origin = origin_of(trained)
    return train([more_notes], output, TUNING, starts=[origin], device="cpu", keep_checkpoint=True, report=kept), kept


def origin_of(trained: tuple[Trained, Kept]) -> Origin:
    return read_origin(str(trained[0].output))


def test_a_model_to_begin_from_is_worth_its_learning(more_notes: Path, tuned: tuple[Trained, Kept], tmp_path: Path) -> None:
    recipe = replaced(epochs=TUNING.epochs)
    anew = train([more_notes], tmp_path / "anew.safetensors", recipe, device="cpu", report=Kept())
    assert tuned[0].verdict is not None
    assert anew.verdict is not None
    costs = [verdict.quality.nats_per_character_streaming for verdict in (tuned[0].verdict, anew.verdict)]
    assert costs[0] < 0.8 * costs[1]


def test_a_model_says_what_it_began_from_and_knows_the_characters_of_both(
    trained: tuple[Trained, Kept], tuned: tuple[Trained, Kept], tmp_path: Path
) -> None:
    first, then = trained[0].model, load(tuned[0].output)
    assert then.about["from"] == {"name": "notes", "digest": first.digest}
    assert then.vocabulary.characters == "".join(sorted({*first.vocabulary.characters, *"AKTÜüß"}))
    assert then.structure == first.structure
    assert export_checkpoint(tuned[0].checkpoint, tmp_path / "m.safetensors").about["from"] == then.about["from"]
    assert any("weights from notes, on" in line for line in tuned[1].lines)


def test_a_model_knows_the_text_that_it_and_its_origin_were_trained_on(
    notes: Path, more_notes: Path, tuned: tuple[Trained, Kept]
) -> None:
    imprints = load(tuned[0].output).about["imprints"]
    for path in (notes, more_notes):
        overlap = largest_overlap(imprints, read_training_text([path]).documents)
        assert overlap is not None
        assert overlap.is_sure
        assert overlap.share > 0.8
    fresh = largest_overlap(imprints, [prose(8_000, seed=55)])
    assert fresh is not None
    assert not fresh.is_sure


def test_a_run_from_a_model_that_was_killed_ends_as_if_it_had_not_been(
    more_notes: Path, trained: tuple[Trained, Kept], tuned: tuple[Trained, Kept], tmp_path: Path
) -> None:
    output = tmp_path / "killed.safetensors"
    kill_at(KILLED_STEP, more_notes, output, trained[0].output)
    resumed = train([more_notes], output, TUNING, starts=[origin_of(trained)], resume=True, device="cpu", report=Kept())
    assert resumed.output.read_bytes() == tuned[0].output.read_bytes()


def test_a_checkpoint_that_began_elsewhere_is_refused(
    notes: Path, more_notes: Path, trained: tuple[Trained, Kept], tuned: tuple[Trained, Kept]
) -> None:
    first, other = trained[0].model.digest[:16], read_origin("python")
    with pytest.raises(CheckpointError, match=f"began from the model notes of digest {first}, not from random weights"):
        train([more_notes], tuned[0].output, TUNING, resume=True, device="cpu", report=Kept())
    with pytest.raises(CheckpointError, match=f"digest {first}, not from the model python of digest {other.model.digest[:16]}"):
        train([more_notes], tuned[0].output, TUNING, starts=[other], resume=True, device="cpu", report=Kept())
    with pytest.raises(CheckpointError, match="began from random weights, not from the model notes"):
        train([notes], trained[0].output, TUNING, starts=[origin_of(trained)], resume=True, device="cpu", report=Kept())


def test_a_dial_of_the_structure_is_refused_beside_a_model_to_begin_from(
    more_notes: Path, trained: tuple[Trained, Kept], tmp_path: Path
) -> None:
    with pytest.raises(InvalidField, match=r"layers: 2 is out of range; .* notes has 2"):
        train([more_notes], tmp_path / "m.safetensors", QUICK, starts=[origin_of(trained)], device="cpu", report=Kept())
    assert not any(tmp_path.iterdir())


def spoil(run: Run, value: float) -> None:
    with torch.no_grad():
        run.network.output[0, 0] = value


def replaced(**dials: Any) -> Recipe:
    return replace(QUICK, **dials)


def test_a_place_that_cannot_be_written_to_is_known_before_any_work(notes: Path, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").mkdir()
    kept = Kept()
    with pytest.raises(IsADirectoryError, match="a folder, not a model file"):
        train([notes], tmp_path / "m.safetensors", QUICK, device="cpu", report=kept)
    assert kept.lines == []
    (text := tmp_path / "notes.txt").write_text("Dear diary")
    with pytest.raises(FileExistsError, match="a file that is no model lies there"):
        train([text], text, QUICK, device="cpu", report=kept)
    assert text.read_text() == "Dear diary"
    require_output(tmp_path / "none")
    (tmp_path / "empty").touch()  # as mktemp makes them
    require_output(tmp_path / "empty")
    (tmp_path / "n.safetensors.checkpoint").mkdir()
    with pytest.raises(CheckpointError, match="was not saved"):
        train([notes], tmp_path / "n.safetensors", QUICK, device="cpu", report=kept)
    assert kept.steps == []


def test_a_finished_run_removes_its_checkpoint_unless_told(notes: Path, trained: tuple[Trained, Kept], tmp_path: Path) -> None:
    done = train([notes], tmp_path / "m.safetensors", QUICK, device="cpu", report=Kept())
    assert [path.name for path in tmp_path.iterdir()] == [done.output.name]
    kept = trained[0].checkpoint
    assert load_checkpoint(kept).header.is_over
    assert f"{kept}: the checkpoint stays, for elman eval --checkpoint" in trained[1].lines


def test_a_run_that_is_interrupted_twice_keeps_its_last_checkpoint(tmp_path: Path) -> None:
    class Impatient(Kept):
        def advance(self, step: int, steps: int, loss: float, characters_per_second: float) -> None:
            if step == 5:
                raise KeyboardInterrupt

    run, kept = new_run(Corpus((prose(3000),)), Corpus(()), QUICK, torch.device("cpu")), Impatient()
    with pytest.raises(KeyboardInterrupt):
        carry_out(run, tmp_path / "m.safetensors", False, 0, kept, {})
    assert load_checkpoint(tmp_path / "m.safetensors.checkpoint").header.step == 4
    path = tmp_path / "m.safetensors.checkpoint"
    assert kept.lines[-3:] == [
        f"stopped at step 5 of {run.steps}; the checkpoint of step 4 is good: {path}",
        "  the same command with --resume goes on from there",
        f"  elman export {path} -o {tmp_path / 'm.safetensors'} makes a model of what is there",
    ]


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_asked_to_stop_saves_the_step_that_it_is_at(tmp_path: Path, asked: signal.Signals) -> None:
    class Asking(Kept):
        def advance(self, step: int, steps: int, loss: float, characters_per_second: float) -> None:
            super().advance(step, steps, loss, characters_per_second)
            if step == 5:
                signal.raise_signal(asked)

    before = signal.signal(asked, signal.default_int_handler)  # whatever the tests are run by
    try:
        run, kept = new_run(Corpus((prose(3000),)), Corpus(()), QUICK, torch.device("cpu")), Asking()
        with pytest.raises(KeyboardInterrupt):
            carry_out(run, tmp_path / "m.safetensors", False, 1e6, kept, {})
        assert signal.getsignal(asked) is signal.default_int_handler
    finally:
        signal.signal(asked, before)
    path = tmp_path / "m.safetensors.checkpoint"
    assert kept.steps[-1] == load_checkpoint(path).header.step == 5
    assert f"stopped at step 5 of {run.steps}; the checkpoint of step 5 is good: {path}" in kept.lines


def test_who_asks_twice_is_not_made_to_wait() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGINT)
            assert interruption.is_asked_for
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
