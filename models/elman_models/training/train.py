"""Training: a folder of text becomes a model file. Truncated back-propagation through time with carried state (Elman 1990,
Williams and Peng 1990), Muon for the layers' matrices and AdamW for the rest, warm-up and cosine, gradient clipping.

    text -> divide -> where to begin (trial.py) -> [ step, step, step... (run.py) ] -> export -> measure (verdict.py)

torchrun's processes share a step's rows (processes.py) and make, but for rounding, the step that one makes of all. This file
knows no server and no command line.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import errno
import math
import shlex
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from elman.settings import counted
from elman_models.corpus import STANDARD_INPUT, Corpus, CorpusError, divide, read_training_text
from elman_models.law.artifact import Model, holds_another
from elman_models.measure.fit import fitted
from elman_models.training.checkpoint import (
    CheckpointError,
    checkpoint_path,
    load_checkpoint,
    require_place,
    save_checkpoint,
)
from elman_models.training.curve import Point
from elman_models.training.export import read_network, to_model, with_about, write_artifact
from elman_models.training.hardware import choose_device
from elman_models.training.interruption import Interruption
from elman_models.training.origin import Origin
from elman_models.training.processes import ProcessGroup, ProcessGroupError, join
from elman_models.training.progress import Report, Silent, Speed, report_for_standard_error
from elman_models.training.recipe import Recipe
from elman_models.training.run import Run, begun_from, new_run
from elman_models.training.trial import best_start
from elman_models.training.verdict import NGRAM_ORDER, Verdict, judge


class TrainingError(RuntimeError):
    """A run that cannot go on: which step, and what is left of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The model that a run made, the files that it wrote, and how good it is."""

    model: Model
    output: Path
    checkpoint: Path  # there no longer, unless it was to be kept
    verdict: Verdict | None  # on the held-out part, if there is one
    points: Sequence[Point]  # the run's curve
    characters_per_step: int


def train(
    files: Sequence[Path],
    output: Path,
    recipe: Recipe | None = None,
    *,
    starts: Sequence[Origin | None] = (None,),
    resume: bool = False,
    checkpoint_seconds: float = 60.0,
    device: str = "auto",
    is_verbose: bool = False,
    keep_checkpoint: bool = False,
    keep_secrets: bool = False,
    read: Callable[[Sequence[Path], bool], Corpus] = read_training_text,
    report: Report | None = None,
) -> Trained:
    """Train on files and folders, and write the model to `output`.

    `read` makes a text of the files, with or without what looks like secrets.
    It begins from random weights (None) or a model's; of several starts from the one that does best in a short trial.
    The checkpoint lies beside it while the run is not over, and longer where it is to be kept.
    Of the processes that torchrun starts the first returns; the others end. All read the files, and the checkpoint to resume.
    Raises CorpusError, InvalidField, CheckpointError, TrainingError, ProcessGroupError or OSError; each says what to do.
    """
    recipe, group = recipe or Recipe(), join()
    with reporting(report, group) as told:
        with group.agreeing():
            require_output(output)
            if STANDARD_INPUT in files and not group.is_alone:
                raise CorpusError("standard input goes to one process: several need the text in a file")
            path = checkpoint_path(output)
            require_place(path, is_resumed(resume, group, path))
            corpus = read(files, keep_secrets)
            tell_what_was_read(corpus, is_verbose, told)
            for line in corpus.secrets_found(is_verbose, keep_secrets):
                told.say(line)
            corpus.require(recipe.minimum_characters)
            training, held_out = divide(corpus, recipe.held_out)
            del corpus  # the undivided text would be held beside its parts
            kind = choose_device(device)
            tried = partial(best_start, training, recipe, starts, kind, told)
            start = chosen(starts, path, is_resumed(resume, group, path), tried) if group.is_first else 0
        start = int(group.from_first(start))  # the others waited
        with group.agreeing():
            run = new_run(training, held_out, recipe, kind, starts[start], group)
        return carry_out(run, output, resume, checkpoint_seconds, told, {}, keep_checkpoint)


def require_output(output: Path) -> None:
    """Raise OSError where the model would take the place of a folder, or of a file that is none: it may be the text itself."""
    if output.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder, not a model file", str(output))
    if output.is_file() and holds_another(output):
        raise FileExistsError(errno.EEXIST, "a file that is no model lies there; name another, or remove it", str(output))


def chosen(starts: Sequence[Origin | None], path: Path, is_resumed: bool, tried: Callable[[], Origin | None]) -> int:
    """Which of the starts a run has: the one that its checkpoint began from, otherwise the one that trials found."""
    if len(starts) == 1:
        return 0
    if is_resumed:
        return begun_with(starts, path)
    return starts.index(tried())


def begun_with(starts: Sequence[Origin | None], path: Path) -> int:
    """Which of the starts the run of a checkpoint began from. Raises CheckpointError where it was none of them."""
    origin = load_checkpoint(path).header.origin
    digests = [start.model.digest if start else None for start in starts]
    digest = origin["digest"] if origin else None
    if digest not in digests:
        raise CheckpointError(
            f"{path}: began from {begun_from(origin)}, which is none of those to begin from; name it with --from"
        )
    return digests.index(digest)


def is_resumed(resume: bool, group: ProcessGroup, path: Path) -> bool:
    """Whether a run goes on: it was asked for, or torchrun began anew because a process had failed."""
    return resume or (group.restarts > 0 and path.exists())


def reporting(report: Report | None, group: ProcessGroup) -> AbstractContextManager[Report]:
    """Whom to tell: `report`, or whoever watches standard error; the first process alone does."""
    if not group.is_first:
        return nullcontext(Silent())
    return nullcontext(report) if report else report_for_standard_error()


def carry_out(
    run: Run,
    output: Path,
    resume: bool,
    checkpoint_seconds: float,
    report: Report,
    about: Mapping[str, Any],
    keep_checkpoint: bool = True,
) -> Trained:
    """From wherever the run stands to the model file; `about` goes into it beside recipe and quality.

    SIGINT, SIGTERM and SIGHUP end the run after the step that it is at, which is saved, with KeyboardInterrupt.
    """
    path = checkpoint_path(output)
    with run.group.agreeing():
        prepare(run, output, path, is_resumed(resume, run.group, path), report)
    with saying_what_is_saved(run, output, path, report):
        try:
            with Interruption() as interruption:
                loop(run, path, checkpoint_seconds, report, interruption)
        except RuntimeError as error:
            if not run.group.has_lost(error):
                raise
            words = f"another process of this run is gone; {run.kept(path)}; --resume goes on from there"
            raise run.group.once(ProcessGroupError(words)) from error
        run.group.leave()
        return finish(run, output, path, keep_checkpoint, report, about)


@contextmanager
def saying_what_is_saved(run: Run, output: Path, path: Path, report: Report) -> Generator[None]:
    """To whom interrupts the run, say what is left of it and what can be done with that."""
    try:
        yield
    except KeyboardInterrupt:
        report.say(f"stopped at step {run.step:,} of {run.steps:,}; {run.kept(path)}")
        if run.saved_step:
            report.say("  the same command with --resume goes on from there")
            report.say(f"  elman export {shlex.quote(str(path))} -o {shlex.quote(str(output))} makes a model of what is there")
        raise


def prepare(run: Run, output: Path, path: Path, resume: bool, report: Report) -> None:
    """Bring the run to where it stands. Raises CheckpointError or OSError."""
    output.parent.mkdir(parents=True, exist_ok=True)
    if resume:
        checkpoint = load_checkpoint(path)
        run.restore(checkpoint, path)
        run.hardware.use()
        if (processes := checkpoint.header.processes) != run.group.processes:
            report.say(f"begun by {processes} processes, continued by {run.group.processes}: as good a model, another digest")


def loop(run: Run, path: Path, checkpoint_seconds: float, report: Report, interruption: Interruption) -> None:
    """Step after step to the end; a checkpoint every so often, at the end, and before it raises KeyboardInterrupt."""
    report.say(run.described())
    run.begin()
    if not run.step:
        save(run, path)  # a place that cannot be written to is known now, not after an hour
    speed = Speed()
    saved = time.monotonic()
    while not run.is_over:
        loss = run.advance()
        if not math.isfinite(loss):
            words = f"step {run.step + 1}: the loss is not a finite number; {run.kept(path)}; try a lower learning_rate"
            raise run.group.once(TrainingError(words))
        run.watch(loss)
        speed.add(run.batches.rows * run.batches.steps, loss)
        report.advance(run.step, run.steps, speed.loss, speed.characters_per_second)
        due = run.group.mean(math.inf if interruption.is_asked_for else time.monotonic() - saved)  # the same in each process
        if run.is_over or due >= checkpoint_seconds:
            save(run, path)
            saved = time.monotonic()
        if due == math.inf and not run.is_over:
            raise KeyboardInterrupt
    if run.step < run.steps:
        report.say(f"stopped early at step {run.step:,} of {run.steps:,}; the best weights are those of {run.best_step:,}")


def save(run: Run, path: Path) -> None:
    """Replace the checkpoint. All processes bring their states, the first writes."""
    checkpoint = run.checkpoint()
    if run.group.is_first:
        save_checkpoint(checkpoint, path)
    run.saved_step = run.step


def finish(run: Run, output: Path, path: Path, keep_checkpoint: bool, report: Report, about: Mapping[str, Any]) -> Trained:
    """Export the network, measure it, compare it, and say what to type next. The checkpoint has then done its work."""
    network, vocabulary, told, held_out, usual = read_network(path)
    weights = sum(weight.numel() for weight in network.parameters())
    facts = {**told, "weights": weights, "training_characters": run.training.characters}
    about = {**facts, "steps": run.step, "best_step": run.best_step, **about}
    if held_out:
        report.doing(f"fitting recall and ghost text to held-out text, and measuring there, beside a {NGRAM_ORDER}-gram")
    model = fitted(to_model(network, vocabulary, about), held_out, usual=usual)
    if keep_checkpoint:
        report.say(f"{path}: the checkpoint stays, for elman eval --checkpoint")
    verdict = judge(model, network, vocabulary, run.training, run.held_out, run.origin)
    if verdict:
        model = with_about(model, {"quality": {**verdict.to_json(), **about.get("quality", {})}})
        report.say(verdict.in_words())
    write_artifact(model, output)
    if not keep_checkpoint:
        path.unlink()
    report.say(f"{output}: {output.stat().st_size:,} bytes, digest {model.digest[:16]}; next:")
    report.say(f'  elman complete --model {shlex.quote(str(output))} "{beginning(run.training)}"')
    if verdict:
        report.say(verdict.meaning())
    return Trained(model, output, path, verdict, run.curve.points, run.batches.rows * run.batches.steps)


def beginning(training: Corpus) -> str:
    """Something to complete: the first words of the text that need no quoting."""
    text = "".join(document[:200] for document in training.documents[:200])
    words = " ".join(text[:200].split())[:40].rsplit(" ", 1)[0]
    return "".join(character for character in words if character not in '"\\$`!')


def tell_what_was_read(corpus: Corpus, is_verbose: bool, report: Report) -> None:
    """Say how much text there is, what was folded, and what was left out of folders."""
    report.say(f"read {counted(corpus.characters, 'character')} in {counted(len(corpus.documents), 'file')}")
    for line in corpus.remarks(is_verbose):
        report.say(line)
