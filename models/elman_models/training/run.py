"""One training run in memory: a step, what it costs, and all that a checkpoint holds of it. Knows no file but by name.

    window -> forward -> backward -> clip -> Muon, AdamW

A step is a function of (text, recipe, step, what the checkpoint holds) alone: the same machine type, torch version, thread
count and number of processes give the same weights, also when killed and resumed.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from elman.settings import counted
from elman_models.corpus import Corpus
from elman_models.errors import InvalidField
from elman_models.law.structure import SHAPES
from elman_models.law.vocabulary import SEEN, Vocabulary, character_counts, chunks
from elman_models.selection.imprint import Imprint
from elman_models.training.batches import IGNORED, Batches
from elman_models.training.checkpoint import Checkpoint, CheckpointError, Header
from elman_models.training.curve import Curve
from elman_models.training.export import usual_tensors
from elman_models.training.float_cost import float_nats_per_character
from elman_models.training.hardware import Hardware
from elman_models.training.network import Network
from elman_models.training.optimisers import optimisers_of, schedule, set_rates
from elman_models.training.origin import Origin, shape_of
from elman_models.training.processes import ALONE, ProcessGroup
from elman_models.training.recipe import Recipe, required

FITTED_CHARACTERS = 300_000
"""At most this many characters of the held-out text go into the checkpoint, for the export to fit recall and ghost text on."""
MOST_READ_BY_ALL = 256
"""With more different characters, the first layer alone reads them: a table in each layer would be most of the model file."""
WATCHED_CHARACTERS = 20_000
"""At most this many characters of the held-out text are measured again and again while training."""


def new_run(
    training: Corpus,
    held_out: Corpus,
    recipe: Recipe,
    device: torch.device,
    origin: Origin | None = None,
    group: ProcessGroup = ALONE,
) -> "Run":
    """A run at its start, and the whole process set up for it. Raises InvalidField."""
    hardware = Hardware.of(recipe, device, group)
    hardware.use()
    return Run(training, held_out, recipe, hardware, origin, group)


class Run:
    """One training run: network, optimiser, carried states and the place in the text."""

    def __init__(
        self,
        training: Corpus,
        held_out: Corpus,
        recipe: Recipe,
        hardware: Hardware,
        origin: Origin | None = None,
        group: ProcessGroup = ALONE,
    ) -> None:
        self.training, self.held_out, self.origin, self.group = training, held_out, origin, group
        self.given_recipe, self.recipe = recipe, completed(recipe, training.characters, origin)
        self.text = fingerprint(training)
        counts = character_counts(training.documents)
        vocabulary = Vocabulary.of_counts(counts)
        self.vocabulary = origin.vocabulary_with(vocabulary) if origin else vocabulary
        self.different = different_in_words(self.vocabulary, counts)
        self.hardware = hardware
        self.step = 0
        self.saved_step: int | None = None
        self._build()

    def _build(self) -> None:
        recipe, hardware = self.recipe, self.hardware
        network = self.origin.network(self.vocabulary) if self.origin else random_network(recipe, self.vocabulary)
        self.network = network.to(hardware.device)
        self.synchronised: nn.Module = self.network
        window = required(recipe.window)
        rows = rows_that_fit(self.training, required(recipe.batch_size), window)
        self.batches = Batches(self.training.documents, self.vocabulary, rows, window, recipe.seed, recipe.restarts)
        self.steps = self.batches.per_epoch * required(recipe.epochs)
        self.block = self.group.block(rows)
        self.states = self._zero_states()
        self.optimisers = optimisers_of(self.network, recipe, hardware.dtype)
        self.watched = some_of(self.held_out.documents, WATCHED_CHARACTERS) if recipe.held_out else []
        self.curve = Curve(max(1, self.steps // recipe.measurements), recipe.patience, self.steps // 2)

    def _zero_states(self) -> list[Tensor]:
        """The states of this process's rows before they have read anything."""
        return self.network.zero_states(self.block.stop - self.block.start, self.hardware.device)

    def begin(self) -> None:
        """Before the first step: all processes stand at the same place, with the same weights. Raises ProcessGroupError."""
        recipe, hardware = self.given_recipe.to_json(), self.hardware
        same = {"threads": hardware.threads, "precision": hardware.precision, "step": self.step}
        self.group.require_same(text=self.text, recipe=recipe, **same)
        self.synchronised = self.group.synchronised(self.network)

    def advance(self) -> float:
        """One step; returns its loss, nats a character. Where that is not finite, the weights are as they were."""
        window = self.batches.window(self.step)
        targets = max(1, int((window.targets != IGNORED).sum()))  # none, where all characters of a window are unknown
        targets /= self.group.processes  # the mean over processes is that of all rows
        window = self.group.own_rows(window).to(self.hardware.device)
        if self.batches.is_first(self.step):
            self.states = self._zero_states()
        logits, states = self.synchronised(window, self.states, self._masks(), self.hardware.dtype)
        loss = cross_entropy(logits.flatten(0, 1), window.targets.flatten(), ignore_index=IGNORED, reduction="sum") / targets
        self.network.zero_grad()
        loss.backward()
        norm = float(torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip))
        nats = self.group.mean(float(loss.detach()))
        if not math.isfinite(norm) or not math.isfinite(nats):
            return math.nan
        set_rates(self.optimisers, schedule(self.recipe, self.step, self.steps))
        for optimiser in self.optimisers:
            optimiser.step()
        self.step, self.states = self.step + 1, states
        return nats

    def _masks(self) -> list[Tensor | None]:
        """Dropout: for each layer, which outputs its readers get, the same through the window (Gal and Ghahramani 2016)."""
        dropout = self.recipe.dropout
        if not dropout:
            return [None] * len(self.states)
        random = np.random.default_rng([self.recipe.seed, 1, self.step])
        kept = [random.random((self.batches.rows, state.shape[1]), np.float32)[self.block] >= dropout for state in self.states]
        return [torch.from_numpy(mask).to(self.hardware.device, torch.float32) / (1 - dropout) for mask in kept]

    def watch(self, loss: float) -> None:
        """After a step: measure the held-out text now and then. Where the recipe holds nothing out, nothing is measured."""
        self.curve.add(loss)
        if self.curve.is_due(self.step, self.steps):
            self.curve.record(self.step, self.group.from_first(self._watched_nats()), self.network)

    def _watched_nats(self) -> float:
        is_measured = self.watched and self.group.is_first
        return float_nats_per_character(self.network, self.vocabulary, self.watched) if is_measured else math.nan

    @property
    def is_over(self) -> bool:
        """Whether all steps are done, or the held-out text says that more would not help."""
        return self.step == self.steps or self.curve.is_over

    @cached_property
    def imprints(self) -> list[Mapping[str, Any]]:
        """What the text leaves of itself in the model file, and what those left that the origin was trained on."""
        before = self.origin.model.about.get("imprints", []) if self.origin else []
        return [Imprint.of(self.training.documents).to_json(), *before]

    @property
    def best_step(self) -> int:
        """The step whose weights the model file gets."""
        return best.step if (best := self.curve.best) else self.step

    def described(self) -> str:
        """One line that says what is trained, on what, and for how long."""
        recipe, hardware, shape = self.recipe, self.hardware, shape_of(self.network.structure)
        weights = sum(weight.numel() for weight in self.network.parameters())
        begun = f" from {self.origin.name}" if self.origin else ""
        return (
            f"training {shape['layers']} layers of {shape['hidden_size']}, {weights:,} weights{begun}, on "
            f"{self.training.characters:,} characters ({self.different}): {counted(required(recipe.epochs), 'epoch')}, "
            f"{counted(self.steps, 'step')}, {hardware.precision}, {counted(hardware.threads, 'thread')}, {hardware.device}"
            + ("" if self.group.is_alone else f", in each of {self.group.processes} processes")
        )

    def kept(self, path: Path) -> str:
        """What is left on disk if the run ends here, in words."""
        return f"the checkpoint of step {self.saved_step} is good: {path}" if self.saved_step else "nothing was saved yet"

    def checkpoint(self) -> Checkpoint:
        """All that the rest of the run depends on."""
        header = Header(
            step=self.step,
            steps=self.steps,
            recipe=self.given_recipe,
            text=self.text,
            threads=self.hardware.threads,
            precision=self.hardware.precision,
            structure=self.network.structure,
            vocabulary=self.vocabulary,
            is_over=self.is_over,
            origin=self.origin.to_json() if self.origin else None,
            processes=self.group.processes,
            imprints=self.imprints,
            held_out=some_of(self.held_out.documents, FITTED_CHARACTERS),
        )
        tensors = {f"network.{name}": weight for name, weight in self.network.state_dict().items()} | self.curve.tensors()
        tensors |= usual_tensors(self.origin.model) if self.origin else {}
        tensors |= {f"state.{index}": self.group.all_rows(state) for index, state in enumerate(self.states)}
        for name, weight, optimiser in self._optimised():
            tensors |= {f"optimiser.{name}.{part}": value for part, value in optimiser.state.get(weight, {}).items()}
        return Checkpoint(header, tensors)

    def _optimised(self) -> Iterator[tuple[str, Tensor, torch.optim.Optimizer]]:
        """Every weight with its name and the optimiser that moves it."""
        names = {weight: name for name, weight in self.network.named_parameters()}
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                yield from ((names[weight], weight, optimiser) for weight in group["params"])

    def restore(self, checkpoint: Checkpoint, path: Path) -> None:
        """Go on where a checkpoint stands; `hardware` then has its threads and precision. Raises CheckpointError."""
        header, tensors = checkpoint.header, checkpoint.tensors
        if header.text != self.text:
            raise CheckpointError(f"{path}: belongs to another text; train without --resume, or on the text it began with")
        refuse_another_origin(header, self.origin, path)
        if header.recipe != self.given_recipe:
            raise CheckpointError(f"{path}: belongs to another recipe: {difference(header.recipe, self.given_recipe)}")
        hardware = replace(self.hardware, threads=header.threads, precision=header.precision)
        if hardware != self.hardware:
            self.hardware = hardware
            self._build()
        self.step = self.saved_step = header.step
        self.network.load_state_dict({name: tensors[f"network.{name}"] for name in self.network.state_dict()})
        self.states = [tensors[f"state.{index}"][self.block].to(hardware.device) for index in range(len(self.states))]
        self.curve.restore(tensors)
        for name, weight, optimiser in self._optimised():
            prefix = f"optimiser.{name}."
            moments = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            optimiser.state[weight] = {part: value.to(hardware.device) for part, value in moments.items()}


def completed(recipe: Recipe, characters: int, origin: Origin | None) -> Recipe:
    """The recipe with its open dials set for an amount of text. Raises InvalidField for the structure of an origin."""
    if origin is None:
        return recipe.for_text(characters)
    origin.refuse_shape(recipe)
    return recipe.for_more_text(characters)


def different_in_words(vocabulary: Vocabulary, counts: NDArray[np.int64]) -> str:
    """How many different characters are learnt, and what is lost where that is not all of them."""
    often, known = np.count_nonzero(counts >= SEEN), list(map(ord, vocabulary.characters))
    if often <= len(known):
        return f"{len(known):,} different"
    lost = 1 - counts[known].sum() / counts.sum()
    return f"the {len(known):,} most frequent of {often:,} different ones; the others are {lost:.1%} of the text"


def random_network(recipe: Recipe, vocabulary: Vocabulary) -> Network:
    """What training begins with where there is no origin."""
    generator = torch.Generator().manual_seed(recipe.seed)
    structure = SHAPES[required(recipe.skips)](required(recipe.layers), required(recipe.hidden_size))
    many = len(vocabulary) > MOST_READ_BY_ALL
    return Network(structure.reading_once() if many else structure, len(vocabulary), generator)


def rows_that_fit(training: Corpus, batch_size: int, window: int) -> int:
    """The batch size, or as many rows as have a few windows each. Raises InvalidField where the text has not two windows."""
    longest = training.characters // 2
    if window > longest:
        raise InvalidField("window", window, f"2 to {longest} for a training text of {training.characters} characters")
    return max(1, min(batch_size, training.characters // (4 * window)))


def fingerprint(corpus: Corpus) -> str:
    """SHA-256 of the documents and where they end."""
    sha = hashlib.sha256()
    for document in corpus.documents:
        sha.update(sum(len(chunk.encode()) for chunk in chunks(document)).to_bytes(8, "little"))
        for chunk in chunks(document):
            sha.update(chunk.encode())
    return sha.hexdigest()


def refuse_another_origin(header: Header, origin: Origin | None, path: Path) -> None:
    """Raise CheckpointError unless the checkpoint's run began from this model, or from random weights where there is none."""
    theirs, ours = header.origin, origin.to_json() if origin else None
    if (theirs or {}).get("digest") != (ours or {}).get("digest"):
        raise CheckpointError(f"{path}: began from {begun_from(theirs)}, not from {begun_from(ours)}")


def begun_from(origin: Mapping[str, str] | None) -> str:
    """What a run began from, in words for an error."""
    return f"the model {origin['name']} of digest {origin['digest'][:16]}" if origin else "random weights"


def difference(theirs: Recipe, ours: Recipe) -> str:
    """The dials in which two recipes differ, in words for an error."""
    old, new = theirs.to_json(), ours.to_json()
    return ", ".join(f"{name} was {old[name]}, is {new[name]}" for name in old if old[name] != new[name])


def some_of(documents: Sequence[str], characters: int) -> list[str]:
    """Documents spread over all of them, of about this many characters."""
    total = sum(map(len, documents))
    return list(documents[:: max(1, math.ceil(total / characters))])
