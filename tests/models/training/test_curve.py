"""Laws of stopping early: the best weights are kept, and a resumed run stops where the uninterrupted one does."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from prose import QUICK, Kept, prose

from elman_models.corpus import Corpus, divide
from elman_models.law.artifact import load
from elman_models.plots.curve import lines
from elman_models.training.checkpoint import load_checkpoint
from elman_models.training.curve import Curve, Point
from elman_models.training.export import read_network
from elman_models.training.float_cost import float_nats_per_character
from elman_models.training.interruption import Interruption
from elman_models.training.recipe import Recipe
from elman_models.training.run import Run, new_run
from elman_models.training.train import Trained, carry_out, loop, save

HASTY = replace(QUICK, epochs=20, dropout=0.0, held_out=0.2, measurements=100, patience=5)
"""Learns noise by heart, which makes the held-out noise ever less likely."""


@pytest.fixture(scope="module")
def noise() -> Corpus:
    draw = random.Random(0)
    return Corpus(("".join(draw.choice("abcdefgh \n") for _ in range(4000)),))


def run_on(corpus: Corpus, recipe: Recipe) -> Run:
    return new_run(*divide(corpus, recipe.held_out), recipe, torch.device("cpu"))


@pytest.fixture(scope="module")
def stopped(noise: Corpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Trained, Kept]:
    run, kept = run_on(noise, HASTY), Kept()
    output = tmp_path_factory.mktemp("models") / "noise.safetensors"
    return run, carry_out(run, output, False, 60, kept, {}), kept


def test_a_run_that_learns_by_heart_stops_early_and_says_so(stopped: tuple[Run, Trained, Kept]) -> None:
    run, done, kept = stopped
    assert run.best_step < run.step
    assert run.steps // 2 < run.step < run.steps
    assert f"stopped early at step {run.step:,} of {run.steps:,}; the best weights are those of {run.best_step:,}" in kept.lines
    assert load(done.output).about["best_step"] == run.best_step


def test_the_model_has_the_best_weights_that_were_measured(stopped: tuple[Run, Trained, Kept]) -> None:
    run, done, _ = stopped
    network, vocabulary, *_ = read_network(done.checkpoint)
    nats = float_nats_per_character(network, vocabulary, run.watched)
    assert nats == pytest.approx(min(point.held_out for point in run.curve.points), abs=1e-6)
    assert nats < run.curve.points[-1].held_out - 0.01


@pytest.mark.parametrize("after", [1, 7, 20, 27])
def test_a_resumed_run_stops_where_the_uninterrupted_one_does(
    noise: Corpus, stopped: tuple[Run, Trained, Kept], tmp_path: Path, after: int
) -> None:
    first = run_on(noise, HASTY)
    while first.step < after and not first.is_over:
        first.watch(first.advance())
    output = tmp_path / "m.safetensors"
    save(first, tmp_path / "m.safetensors.checkpoint")
    second = run_on(noise, HASTY)
    done = carry_out(second, output, True, 60, Kept(), {})
    assert second.curve.points == stopped[0].curve.points
    assert done.model.digest == stopped[1].model.digest


def test_a_run_that_stopped_early_is_finished(noise: Corpus, stopped: tuple[Run, Trained, Kept], tmp_path: Path) -> None:
    checkpoint = load_checkpoint(stopped[1].checkpoint)
    assert checkpoint.header.is_over
    again, kept = run_on(noise, HASTY), Kept()
    again.restore(checkpoint, stopped[1].checkpoint)
    loop(again, tmp_path / "m.checkpoint", 60, kept, Interruption())
    assert kept.steps == []


@pytest.mark.parametrize("dials", [{"patience": 0}, {"held_out": 0.0}])
def test_without_patience_or_held_out_text_a_run_goes_to_its_end(
    noise: Corpus, dials: dict[str, float], tmp_path: Path
) -> None:
    run = run_on(noise, replace(HASTY, epochs=10, **dials))
    done = carry_out(run, tmp_path / "m.safetensors", False, 60, Kept(), {})
    assert run.step == run.steps
    assert (done.verdict is None) == ("held_out" in dials)


def test_watching_changes_no_weight() -> None:
    text = Corpus((prose(5000),))
    watched, plain = run_on(text, replace(QUICK, measurements=10_000)), run_on(text, QUICK)
    for _ in range(10):
        watched.watch(watched.advance())
        plain.advance()
    assert torch.equal(watched.network.output, plain.network.output)


def test_the_training_cost_of_a_point_is_the_mean_since_the_point_before() -> None:
    curve, network = Curve(2, 0), torch.nn.Linear(1, 1)
    for step, loss in enumerate([4.0, 2.0, 1.0], start=1):
        curve.add(loss)
        if curve.is_due(step, 3):
            curve.record(step, 1.5, network)
    assert [tuple(point) for point in curve.points] == [(2, 3.0, 1.5), (3, 1.0, 1.5)]
    assert curve.best == curve.points[0]


def test_patience_counts_in_the_second_half_alone() -> None:
    curve, network = Curve(1, 3, settling=5), torch.nn.Linear(1, 1)
    over: list[bool] = []
    for step, held_out in enumerate([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.5, 0.6, 0.6, 0.6], start=1):
        curve.record(step, held_out, network)
        over.append(curve.is_over)
    assert over == [False] * 10 + [True]


def test_a_picture_has_a_line_for_each_text_that_was_measured() -> None:
    points = [Point(2, 3.0, 2.5), Point(4, 1.0, 2.75)]
    drawn = lines(points, 100)
    assert [line for _, line, _ in drawn] == [[(200, 3.0), (400, 1.0)], [(200, 2.5), (400, 2.75)]]
    assert "2.5000 at its best" in drawn[1][0]
    assert len(lines([Point(2, 3.0, float("nan"))], 100)) == 1
