"""Training: a folder of text becomes a model file. Truncated back-propagation through time with carried state (Elman 1990,
Williams and Peng 1990), Muon for the layers' matrices and AdamW for the rest, warm-up and cosine, gradient clipping.

    text -> divide -> [ window -> forward -> backward -> clip -> Muon, AdamW ] -> export -> measure -> n-gram

A step is a function of (text, recipe, step, what the checkpoint holds) alone: the same machine type, torch version, thread
count and number of processes give the same digest, also when killed and resumed. torchrun's processes share a step's rows
(processes.py) and make, but for rounding, the step that one makes of all. This file knows no server and no command line.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import ctypes
import errno
import hashlib
import math
import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from elman_models.corpus import Corpus, divide, read_corpus, spread
from elman_models.errors import InvalidField
from elman_models.law.artifact import Model
from elman_models.law.structure import SHAPES
from elman_models.law.vocabulary import Vocabulary, chunks
from elman_models.measure.cost import Quality, evaluate
from elman_models.measure.gram_predictor import CountedPredictor
from elman_models.measure.grams import Grams
from elman_models.measure.ngram import NGram
from elman_models.training.batches import IGNORED, Batches
from elman_models.training.checkpoint import (
    Checkpoint,
    CheckpointError,
    Header,
    checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from elman_models.training.curve import Curve, Point
from elman_models.training.export import read_network, to_model, with_about, write_artifact
from elman_models.training.float_cost import float_nats_per_character
from elman_models.training.muon import Muon
from elman_models.training.network import Network, Window
from elman_models.training.origin import Origin, shape_of
from elman_models.training.processes import ALONE, Team, TeamError, join
from elman_models.training.progress import Report, Silent, Speed, report_for_standard_error
from elman_models.training.recipe import Recipe

BETAS = (0.9, 0.99)
MOMENTUM = 0.95
NGRAM_ORDER = 6
NGRAM_CHARACTERS = 10_000_000
"""At most so much of the training text is counted for the n-gram, so that it takes a minute and a gigabyte."""
MEASURED_CHARACTERS = 100_000
"""At most so much of the held-out text is measured at the end, so that it takes seconds."""
WATCHED_CHARACTERS = 20_000
"""At most so much of it is measured again and again while training."""


Dial = TypeVar("Dial", int, float, str)


class TrainingError(RuntimeError):
    """A run that cannot go on: which step, and what is left of it."""


class Trained(NamedTuple):
    """What came of a run."""

    model: Model
    output: Path
    checkpoint: Path
    quality: Quality | None  # on the held-out part, if there is one
    float_nats_per_character: float
    ngram_nats_per_character: float
    points: Sequence[Point]  # the run's curve
    characters_per_step: int


def train(
    files: Sequence[Path],
    output: Path,
    recipe: Recipe | None = None,
    *,
    origin: Origin | None = None,
    resume: bool = False,
    checkpoint_seconds: float = 60.0,
    device: str = "auto",
    report: Report | None = None,
) -> Trained:
    """Train on files and folders, from random weights or a model's, and write the model to `output`, its checkpoint beside it.

    Of the processes that torchrun starts the first returns; the others end. All read the files, and the checkpoint to resume.
    Raises CorpusError, InvalidField, CheckpointError, TrainingError, TeamError or OSError; each says what to do.
    """
    recipe, team = recipe or Recipe(), join()
    with reporting(report, team) as told:
        with team.agreeing():
            corpus = read_corpus(files)
            tell_what_was_read(corpus, told)
            corpus.require(recipe.minimum_characters)
            training, held_out = divide(corpus, recipe.held_out)
            del corpus  # the undivided text would be held beside its parts
            run = Run(training, held_out, recipe, choose_device(device), origin, team)
        return carry_out(run, output, resume, checkpoint_seconds, told, {})


def reporting(report: Report | None, team: Team) -> AbstractContextManager[Report]:
    """Whom to tell: `report`, or whoever watches standard error; the first process alone does."""
    if not team.is_first:
        return nullcontext(Silent())
    return nullcontext(report) if report else report_for_standard_error()


def carry_out(
    run: "Run", output: Path, resume: bool, checkpoint_seconds: float, report: Report, about: Mapping[str, Any]
) -> Trained:
    """From wherever the run stands to the model file; `about` goes into it beside recipe and quality."""
    path = checkpoint_path(output)
    with run.team.agreeing():
        prepare(run, output, path, resume or (run.team.restarts > 0 and path.exists()), report)
    try:
        loop(run, path, checkpoint_seconds, report)
    except KeyboardInterrupt:
        report.say(f"stopped; {run.kept(path)}; --resume goes on from there")  # this step may be half done: not saved
        raise
    except RuntimeError as error:
        if not run.team.has_lost(error):
            raise
        words = f"another process of this run is gone; {run.kept(path)}; --resume goes on from there"
        raise run.team.once(TeamError(words)) from error
    run.team.leave()
    return finish(run, output, path, report, about)


def prepare(run: "Run", output: Path, path: Path, resume: bool, report: Report) -> None:
    """Bring the run to where it stands, or see that nothing stands in its way. Raises CheckpointError or OSError."""
    if output.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder, not a model file", str(output))
    output.parent.mkdir(parents=True, exist_ok=True)
    if resume:
        checkpoint = load_checkpoint(path)
        run.restore(checkpoint, path)
        if (processes := checkpoint.header.processes) != run.team.processes:
            report.say(f"begun by {processes} processes, goes on with {run.team.processes}: as good a model, another digest")
    else:
        refuse_to_overwrite(path)


def loop(run: "Run", path: Path, checkpoint_seconds: float, report: Report) -> None:
    """Step after step to the end; a checkpoint every so often and at the end."""
    report.say(run.described())
    run.begin()
    if not run.step:
        save(run, path)  # a place that cannot be written to is known now, not after an hour
    speed = Speed()
    saved = time.monotonic()
    while not run.is_over:
        loss = run.advance()
        if not math.isfinite(loss):
            words = f"step {run.step + 1}: the loss is no finite number; {run.kept(path)}; try a lower learning_rate"
            raise run.team.once(TrainingError(words))
        run.watch(loss)
        speed.add(run.batches.rows * run.batches.steps, loss)
        report.advance(run.step, run.steps, speed.loss, speed.characters_per_second)
        if run.is_over or run.team.of_first(time.monotonic() - saved) >= checkpoint_seconds:
            save(run, path)
            saved = time.monotonic()
    if run.step < run.steps:
        report.say(f"stopped early at step {run.step:,} of {run.steps:,}; the best weights are those of {run.best_step:,}")


def save(run: "Run", path: Path) -> None:
    """Replace the checkpoint. All processes bring their states, the first writes."""
    checkpoint = run.checkpoint()
    if run.team.is_first:
        save_checkpoint(checkpoint, path)
    run.saved_step = run.step


class Run:
    """One training run: network, optimiser, carried states and the place in the text."""

    def __init__(
        self,
        training: Corpus,
        held_out: Corpus,
        recipe: Recipe,
        device: torch.device,
        origin: Origin | None = None,
        team: Team = ALONE,
    ) -> None:
        keep_freed_memory()
        self.training, self.held_out, self.origin, self.team = training, held_out, origin, team
        self.given_recipe, self.recipe = recipe, completed(recipe, training.characters, origin)
        self.text = fingerprint(training)
        vocabulary = Vocabulary.of(*training.documents)
        self.vocabulary = origin.vocabulary_with(vocabulary) if origin else vocabulary
        self.device = team.device(device)
        self.threads = self.recipe.threads or max(1, (os.cpu_count() or 1) // 2 // team.local_processes)
        self.precision = choose_precision(self.recipe.precision, device)
        self.step = 0
        self.saved_step: int | None = None
        self._build()

    def _build(self) -> None:
        recipe = self.recipe
        torch.set_num_threads(self.threads)
        network = self.origin.network(self.vocabulary) if self.origin else random_network(recipe, self.vocabulary)
        self.network = network.to(self.device)
        self.shared: nn.Module = self.network
        window = required(recipe.window)
        rows = rows_that_fit(self.training, required(recipe.batch_size), window)
        self.batches = Batches(self.training.documents, self.vocabulary, rows, window, recipe.seed, recipe.restarts)
        self.steps = self.batches.per_epoch * required(recipe.epochs)
        self.block = self.team.block(rows)
        self.states = self._zero_states()
        self.optimisers = optimisers_of(self.network, recipe, self.dtype)
        self.watched = some_of(self.held_out.documents, WATCHED_CHARACTERS) if recipe.held_out else []
        self.curve = Curve(max(1, self.steps // recipe.measurements), recipe.patience)

    @property
    def dtype(self) -> torch.dtype:
        """What products are computed in."""
        return torch.bfloat16 if self.precision == "bfloat16" else torch.float32

    def _zero_states(self) -> list[Tensor]:
        """Of the rows that are this process's."""
        return self.network.zero_states(self.block.stop - self.block.start, self.device)

    def begin(self) -> None:
        """Before the first step: all processes stand at the same place, with the same weights. Raises TeamError."""
        recipe, text = self.given_recipe.to_json(), self.text
        self.team.require_same(text=text, recipe=recipe, threads=self.threads, precision=self.precision, step=self.step)
        self.shared = self.team.shared(self.network)

    def advance(self) -> float:
        """One step; returns its loss, nats a character. Where that is not finite, the weights are as they were."""
        window = self.batches.window(self.step)
        counted = int((window.targets != IGNORED).sum()) / self.team.processes  # the mean over processes is that of all rows
        window = to_device(self.team.part(window), self.device)
        if self.batches.is_first(self.step):
            self.states = self._zero_states()
        logits, states = self.shared(window, self.states, self._masks(), self.dtype)
        loss = cross_entropy(logits.flatten(0, 1), window.targets.flatten(), ignore_index=IGNORED, reduction="sum") / counted
        self.network.zero_grad()
        loss.backward()
        norm = float(torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip))
        nats = self.team.mean(float(loss.detach()))
        if not math.isfinite(norm) or not math.isfinite(nats):
            return math.nan
        share = schedule(self.recipe, self.step, self.steps)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = share * group["peak"]
            optimiser.step()
        self.step, self.states = self.step + 1, states
        return nats

    def _masks(self) -> list[Tensor | None]:
        """Dropout: for each layer which outputs its readers get, the same through the window (Gal and Ghahramani 2016)."""
        dropout = self.recipe.dropout
        if not dropout:
            return [None] * len(self.states)
        random = np.random.default_rng([self.recipe.seed, 1, self.step])
        kept = [random.random((self.batches.rows, state.shape[1]), np.float32)[self.block] >= dropout for state in self.states]
        return [torch.from_numpy(mask).to(self.device, torch.float32) / (1 - dropout) for mask in kept]

    def watch(self, loss: float) -> None:
        """After a step: measure the held-out text now and then. Where the recipe holds nothing out, nothing is measured."""
        self.curve.add(loss)
        if self.curve.is_due(self.step, self.steps):
            self.curve.record(self.step, self.team.of_first(self._watched_nats()), self.network)

    def _watched_nats(self) -> float:
        is_measured = self.watched and self.team.is_first
        return float_nats_per_character(self.network, self.vocabulary, self.watched) if is_measured else math.nan

    @property
    def is_over(self) -> bool:
        """Whether all steps are done, or the held-out text says that more would not help."""
        return self.step == self.steps or self.curve.is_over

    @property
    def best_step(self) -> int:
        """The step whose weights the model file gets."""
        return best.step if (best := self.curve.best) else self.step

    def described(self) -> str:
        """One line for the person who waits."""
        recipe, shape = self.recipe, shape_of(self.network.structure)
        weights = sum(weight.numel() for weight in self.network.parameters())
        begun = f" from {self.origin.name}" if self.origin else ""
        return (
            f"training {shape['layers']} layers of {shape['hidden_size']}, {weights:,} weights{begun}, on "
            f"{self.training.characters:,} characters ({len(self.vocabulary)} different): {recipe.epochs} epochs, "
            f"{self.steps:,} steps, {self.precision}, {self.threads} threads, {self.device}"
            + ("" if self.team.is_alone else f", in each of {self.team.processes} processes")
        )

    def kept(self, path: Path) -> str:
        """What a run that ends here leaves."""
        return f"the checkpoint of step {self.saved_step} is good: {path}" if self.saved_step else "nothing was saved yet"

    def checkpoint(self) -> Checkpoint:
        """All that the rest of the run depends on."""
        recipe, structure = self.given_recipe, self.network.structure
        run = (self.threads, self.precision, structure, self.vocabulary, self.is_over)
        origin = self.origin.to_json() if self.origin else None
        header = Header(self.step, self.steps, recipe, self.text, *run, origin, self.team.processes)
        tensors = {f"network.{name}": weight for name, weight in self.network.state_dict().items()} | self.curve.tensors()
        tensors |= {f"state.{index}": self.team.whole(state) for index, state in enumerate(self.states)}
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
        """Go on where a checkpoint stands, with its threads and precision. Raises CheckpointError for another run's."""
        header, tensors = checkpoint.header, checkpoint.tensors
        if header.text != self.text:
            raise CheckpointError(f"{path}: belongs to another text; train without --resume, or on the text it began with")
        refuse_another_origin(header, self.origin, path)
        if header.recipe != self.given_recipe:
            raise CheckpointError(f"{path}: belongs to another recipe: {difference(header.recipe, self.given_recipe)}")
        if (header.threads, header.precision) != (self.threads, self.precision):
            self.threads, self.precision = header.threads, header.precision
            self._build()
        self.step = self.saved_step = header.step
        torch.set_num_threads(self.threads)
        self.network.load_state_dict({name: tensors[f"network.{name}"] for name in self.network.state_dict()})
        self.states = [tensors[f"state.{index}"][self.block].to(self.device) for index in range(len(self.states))]
        self.curve.restore(tensors)
        for name, weight, optimiser in self._optimised():
            prefix = f"optimiser.{name}."
            moments = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            optimiser.state[weight] = {part: value.to(self.device) for part, value in moments.items()}


def finish(run: Run, output: Path, path: Path, report: Report, about: Mapping[str, Any]) -> Trained:
    """Export the network, measure it, compare it, and say what to type next."""
    network, vocabulary, told = read_network(path)
    weights = sum(weight.numel() for weight in network.parameters())
    facts = {**told, "weights": weights, "training_characters": run.training.characters}
    about = {**facts, "steps": run.step, "best_step": run.best_step, **about}
    model = to_model(network, vocabulary, about)
    documents = some_of(run.held_out.documents, MEASURED_CHARACTERS)
    quality, in_float, ngram = None, math.nan, math.nan
    if documents:
        quality = evaluate(model, documents)
        in_float = float_nats_per_character(network, vocabulary, documents)
        counted = spread(run.training, NGRAM_CHARACTERS)
        ngram = ngram_nats_per_character(counted, documents, vocabulary)
        measured = {"held_out": quality.to_json(), "float": in_float, f"{NGRAM_ORDER}-gram": ngram}
        measured[f"{NGRAM_ORDER}-gram_training_characters"] = len(counted)
        model = with_about(model, {"quality": {**measured, **about.get("quality", {})}})
        on_part = f", counted on {len(counted):,} characters" if len(counted) < run.training.characters else ""
        report.say(f"{comparison(quality, ngram)}{on_part}")
    write_artifact(model, output)
    report.say(f"{output}: {output.stat().st_size:,} bytes, digest {model.digest[:16]}; next:")
    report.say(f'  elman complete --model {shlex.quote(str(output))} "{beginning(run.training)}"')
    characters_per_step = run.batches.rows * run.batches.steps
    return Trained(model, output, path, quality, in_float, ngram, run.curve.points, characters_per_step)


def comparison(quality: Quality, ngram: float) -> str:
    """The line at the end of a run."""
    nats = quality.nats_per_character_streaming
    return (
        f"held-out text ({quality.characters:,} characters): {nats:.4f} nats a character, "
        f"{nats / math.log(2):.3f} bits; {verdict(nats, ngram)} a {NGRAM_ORDER}-gram's {ngram:.4f}"
    )


def verdict(nats: float, ngram: float) -> str:
    """How one cost compares with another; a text of one character costs both nothing."""
    if f"{nats:.4f}" == f"{ngram:.4f}":
        return "as good as"
    if nats >= 2 * ngram:  # far behind, as on a text that repeats itself
        return f"{nats / max(ngram, 1e-4):.1f} times"
    share = 100 * (1 - nats / ngram)
    return f"{share:.1f}% better than" if share > 0 else f"{-share:.1f}% worse than"


def ngram_nats_per_character(training: str, documents: Sequence[str], vocabulary: Vocabulary) -> float:
    """What a Kneser-Ney n-gram of a training text makes of the held-out text."""
    grams = Grams.of(vocabulary.encode(training), len(vocabulary) + 1, NGRAM_ORDER)
    ngram = CountedPredictor(NGram(grams, NGRAM_ORDER), vocabulary)
    return ngram.nats([vocabulary.encode(document) for document in documents]) / sum(map(len, documents))


def refuse_to_overwrite(path: Path) -> None:
    """Hours of work are not lost to a forgotten --resume. Raises CheckpointError where an unfinished run lies."""
    try:
        header = load_checkpoint(path).header
    except CheckpointError:
        return  # nothing there, or nothing that could be resumed
    if 0 < header.step < header.steps and not header.is_over:
        lies = f"{path}: an unfinished run lies there, at step {header.step} of {header.steps}"
        raise CheckpointError(f"{lies}; go on with --resume, or remove it")


def refuse_another_origin(header: Header, origin: Origin | None, path: Path) -> None:
    """Raise CheckpointError unless the checkpoint's run began from this model, or from random weights where there is none."""
    theirs, ours = header.origin, origin.to_json() if origin else None
    if (theirs or {}).get("digest") != (ours or {}).get("digest"):
        raise CheckpointError(f"{path}: began from {begun_from(theirs)}, not from {begun_from(ours)}")


def begun_from(origin: Mapping[str, str] | None) -> str:
    """What a run began from."""
    return f"the model {origin['name']} of digest {origin['digest'][:16]}" if origin else "random weights"


def schedule(recipe: Recipe, step: int, steps: int) -> float:
    """The share of the learning rates' peaks: a rise over the warm-up, and half a cosine down to nothing."""
    rise = min(1.0, (step + 1) / max(1, min(recipe.warmup, steps // 5)))
    return rise * 0.5 * (1 + math.cos(math.pi * step / steps))


def completed(recipe: Recipe, characters: int, origin: Origin | None) -> Recipe:
    """The recipe with its open dials set. Raises InvalidField for the structure of an origin."""
    if origin is None:
        return recipe.for_text(characters)
    origin.refuse_shape(recipe)
    return recipe.for_more_text(characters)


def random_network(recipe: Recipe, vocabulary: Vocabulary) -> Network:
    """What training begins with where there is no origin."""
    generator = torch.Generator().manual_seed(recipe.seed)
    structure = SHAPES[required(recipe.skips)](required(recipe.layers), required(recipe.hidden_size))
    return Network(structure, len(vocabulary), generator)


def optimisers_of(network: Network, recipe: Recipe, precision: torch.dtype) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, AdamW for the rest. Matrices decay; biases and what stands for a character do not."""
    layers = [weight for weight in (*network.recurrences, *network.inputs) if weight.numel()]
    plain: list[dict[str, Any]] = [
        {"params": [network.output, *([] if recipe.matrix_rate else layers)], "weight_decay": recipe.weight_decay},
        {"params": [*network.biases, network.output_bias], "weight_decay": 0.0},
    ]
    rate = required(recipe.learning_rate)
    optimisers: list[torch.optim.Optimizer] = [torch.optim.AdamW(plain, rate, betas=BETAS, fused=True)]
    if recipe.matrix_rate:
        optimisers.append(Muon(layers, recipe.matrix_rate, MOMENTUM, recipe.weight_decay, precision))
    for group in (group for optimiser in optimisers for group in optimiser.param_groups):
        group["peak"] = group["lr"]
    return optimisers


def rows_that_fit(training: Corpus, batch_size: int, window: int) -> int:
    """The batch size, or as many rows as have a few windows each. Raises InvalidField where the text has not two windows."""
    longest = training.characters // 2
    if window > longest:
        raise InvalidField("window", window, f"2 to {longest} for a training text of {training.characters} characters")
    return max(1, min(batch_size, training.characters // (4 * window)))


def choose_device(device: str) -> torch.device:
    """auto: the GPU, if there is one."""
    if device not in ("auto", "cpu", "cuda"):
        raise InvalidField("device", device, "auto, cpu, cuda")
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise InvalidField("device", device, "auto, cpu; torch sees no GPU here")
    return torch.device("cuda" if has_gpu and device != "cpu" else "cpu")


def choose_precision(precision: str, device: torch.device) -> str:
    """auto: bfloat16 where products in it are fast, on a GPU or a processor with AMX or AVX512-BF16."""
    if precision != "auto":
        return precision
    instructions = torch.cpu.get_capabilities()
    is_fast = device.type == "cuda" or any(instructions.get(name, False) for name in ("amx_bf16", "avx512_bf16"))
    return "bfloat16" if is_fast else "float32"


def keep_freed_memory() -> None:
    """Have glibc keep the large blocks that every step frees and takes again: a third faster; elsewhere nothing."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return
    mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
    mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD


def tell_what_was_read(corpus: Corpus, report: Report) -> None:
    """What the text is, and what was left out of folders."""
    report.say(f"read {corpus.characters:,} characters in {len(corpus.documents)} files")
    shown = 5
    for line in corpus.skipped[:shown]:
        report.say(f"left out: {line}")
    if len(corpus.skipped) > shown:
        report.say(f"left out: {len(corpus.skipped) - shown} files more")


def fingerprint(corpus: Corpus) -> str:
    """SHA-256 of the documents and where they end."""
    sha = hashlib.sha256()
    for document in corpus.documents:
        sha.update(sum(len(chunk.encode()) for chunk in chunks(document)).to_bytes(8, "little"))
        for chunk in chunks(document):
            sha.update(chunk.encode())
    return sha.hexdigest()


def difference(theirs: Recipe, ours: Recipe) -> str:
    """The dials that differ."""
    old, new = theirs.to_json(), ours.to_json()
    return ", ".join(f"{name} was {old[name]}, is {new[name]}" for name in old if old[name] != new[name])


def some_of(documents: Sequence[str], characters: int) -> list[str]:
    """Documents spread over all of them, of about so many characters."""
    total = sum(map(len, documents))
    return list(documents[:: max(1, math.ceil(total / characters))])


def beginning(training: Corpus) -> str:
    """Something to complete: the first words of the text that need no quoting."""
    text = "".join(document[:200] for document in training.documents[:200])
    words = " ".join(text[:200].split())[:40].rsplit(" ", 1)[0]
    return "".join(character for character in words if character not in '"\\$`!')


def to_device(window: Window, device: torch.device) -> Window:
    """The window where the network is."""
    if device.type == "cpu":
        return window
    resets = {step: keep.to(device) for step, keep in window.resets.items()}
    return Window(window.characters.to(device), window.targets.to(device), resets)


def required(value: Dial | None) -> Dial:
    """A dial that `for_text` has set."""
    if value is None:
        raise TypeError("a dial was left open")
    return value
