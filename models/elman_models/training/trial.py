"""Where a run begins if nobody says: random weights and the likeliest model are tried for a few steps, and the better is taken.

    each model as it is                what some of the text costs it: the cheapest one is tried
    that model, and random weights     a short run each, schedule and all: the cheaper one is where the run begins

A trial learns one part of the training text and is measured on the other, so that what the run holds out is not looked at. Its
outcome is a function of text, recipe and models, as a run's is. This file knows no file and no command line.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from elman_models.corpus import Corpus, divide, spread
from elman_models.law.vocabulary import Vocabulary
from elman_models.training.float_cost import float_nats_per_character
from elman_models.training.hardware import Hardware
from elman_models.training.origin import Origin, shape_of
from elman_models.training.progress import Report, Speed
from elman_models.training.recipe import Recipe, required
from elman_models.training.run import new_run, rows_that_fit, some_of

TRIED_SHARE = 0.04
"""Of the characters that the shorter of the two runs reads: both trials and what they measure take less than a tenth of it."""
FEWEST_STEPS, MOST_STEPS = 20, 2000
MOST_CHARACTERS = 10_000_000
"""At most this much of the text is looked at, spread over all of it."""
MEASURED_SHARE = 0.2
"""Of what is looked at."""
MEASURED_CHARACTERS = 10_000
RANDOM = "random weights"


def best_start(
    training: Corpus, recipe: Recipe, starts: Sequence[Origin | None], device: torch.device, report: Report
) -> Origin | None:
    """The one of several starts that suits a text best; None stands for random weights. Raises InvalidField.

    A single one is taken untried, and so are random weights where the recipe names the structure, which a model has already.
    """
    models = [start for start in starts if start]
    if len(starts) == 1:
        return starts[0]
    if given := [dial for dial in shape_of(models[0].model.structure) if getattr(recipe, dial) is not None]:
        report.say(f"begins from {RANDOM}: the recipe names {' and '.join(given)}, which a model would determine")
        return None
    report.doing(f"trying where to begin: {', '.join(model.name for model in models)}, {RANDOM} (--from names one)")
    trials = Trials(training, recipe, device, report)
    nearest = min(models, key=trials.nats_as_it_is)
    found = trials.nats(nearest), trials.nats(None)
    best, other = (nearest.name, RANDOM) if found[0] <= found[1] else (RANDOM, nearest.name)
    report.say(f"begins from {best}: {min(found):.3f} nats a character after a trial, from {other} {max(found):.3f}")
    return nearest if found[0] <= found[1] else None


class Trials:
    """Short runs on a part of a text, each measured on the other part."""

    def __init__(self, training: Corpus, recipe: Recipe, device: torch.device, report: Report) -> None:
        characters = training.characters
        self._recipes = recipe.for_text(characters), recipe.for_more_text(characters)
        self._steps = steps_of(training, *self._recipes)
        some = training if characters <= MOST_CHARACTERS else Corpus((spread(training, MOST_CHARACTERS),))
        self._learnt, measured = divide(some, MEASURED_SHARE)
        self._measured = some_of(measured.documents, MEASURED_CHARACTERS)
        self._device, self._report = device, report
        Hardware.of(recipe, device).use()

    def nats_as_it_is(self, model: Origin) -> float:
        """What a character costs a model that has read nothing of this text."""
        vocabulary = model.vocabulary_with(Vocabulary.of(*self._learnt.documents))
        return float_nats_per_character(model.network(vocabulary).to(self._device), vocabulary, self._measured)

    def nats(self, start: Origin | None) -> float:
        """What one costs after a trial; infinitely much where the trial failed."""
        recipe = self._recipes[start is not None]
        recipe = replace(recipe, window=min(required(recipe.window), self._learnt.characters // 2))
        run, speed = new_run(self._learnt, Corpus(()), recipe, self._device, start), Speed()
        run.steps = self._steps
        while not run.is_over:
            if not math.isfinite(loss := run.advance()):
                return math.inf
            speed.add(run.batches.rows * run.batches.steps, loss)
            self._report.advance(run.step, run.steps, speed.loss, speed.characters_per_second)
        return float_nats_per_character(run.network, run.vocabulary, self._measured)


def steps_of(training: Corpus, *recipes: Recipe) -> int:
    """How many steps a trial takes. Raises InvalidField where the text has not two windows."""
    window, epochs = required(recipes[0].window), min(required(recipe.epochs) for recipe in recipes)
    rows = rows_that_fit(training, required(recipes[0].batch_size), window)
    share = TRIED_SHARE * epochs * training.characters / (rows * window)
    return round(min(max(share, FEWEST_STEPS), MOST_STEPS))
