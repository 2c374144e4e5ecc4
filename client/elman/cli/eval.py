"""`elman eval`: how well a model predicts text that it was not trained on, and how many keystrokes it would save."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from elman.cli.models import table
from elman.errors import MendRequest
from elman.extras import extra
from elman.progress import Progress
from elman.settings import add_flags, counted, given
from elman.terminal import tell, use_utf8, write, write_json

if TYPE_CHECKING:
    from elman_models.law.artifact import Model
    from elman_models.measure.cost import Costs
    from elman_models.measure.report import Evaluation, Figures

MEANING: Final = (
    "Streaming: each file is read from its start to its end. Windows: it is cut into runs of 256 characters, each read"
    " as a text of its own; primed: each after the one character before it, as transformers are measured. A character"
    " that the vocabulary lacks, along with its plain form, costs ln(1,114,112) nats everywhere. Keys saved: 1 - keys /"
    " characters of a simulated typist, who is shown what `elman type` shows and reads it at no cost. The typist presses"
    " Tab if the text goes on with all of it, otherwise Ctrl-Right if it goes on with the first word, and otherwise types"
    " the next character; each is one key. Top right: how often the most probable character came. Calibration error: the"
    " mean distance between its probability and how often it came, over 20 bins. The model recalls the file that it"
    " reads, or the window; the row without recall shows what that is worth. With --training, Kneser-Ney and PPM-D (the"
    " number is the order, for PPM the longest context) are trained on that text and do not learn while they read. Two"
    " rivals do: the best of the Kneser-Ney models with the same recall, its odds fitted for it on the text of"
    " --validation (without, it has the model's), and PPM-D adapting, which adds what it has read of a file, or of a"
    " window, to its counts."
)
BESIDE: Final = {
    "--training": "text to train n-grams and PPM on, as baselines",
    "--validation": "text of neither kind, to fit what recall is worth to an n-gram",
}
COLUMNS: Final = ("STREAMING", "BITS", "WINDOWS", "BITS", "PRIMED", "KEYS SAVED", "TOP RIGHT", "CALIBRATION ERROR")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, FILES and the flags."""
    parser.epilog = MEANING.replace("%", "%%")
    parser.add_argument("model", metavar="MODEL", help="a model file, or the name of a shipped model")
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILES", help="UTF-8 text files, or folders of them; - is standard input"
    )
    for flag, words in BESIDE.items():
        words = f"{words}; a file or a folder, may be repeated"
        parser.add_argument(flag, action="append", type=Path, default=[], metavar="FILE", help=words)
    parser.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="the model's checkpoint, to measure it in float as well"
    )
    with extra("serve"):
        from elman_models.measure.typist import HABITS

    add_flags(parser, HABITS)
    parser.add_argument("--verbose", action="store_true", help="name every file that is left out of a folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw keys saved and calibration; needs elman[plot]")


def run(arguments: argparse.Namespace) -> int:
    """Print the report."""
    use_utf8()
    report = measured(arguments)
    shown = named(report, Path(arguments.model).stem)
    if arguments.plot:
        from elman_models.plots.report import draw

        draw(shown, arguments.plot)
    if arguments.json:
        write_json(report.to_json())
    else:
        write(in_words(shown))
    return 0


def named(report: "Evaluation", name: str) -> "Evaluation":
    """The report with the model's name, as people know it, in place of the word for every model."""
    plain = replace(report.without_recall, name=f"{name} without recall")
    return replace(report, artifact=replace(report.artifact, name=name), without_recall=plain)


def measured(arguments: argparse.Namespace) -> "Evaluation":
    """The report that is asked for. What may be refused is read first, before anything takes long."""
    if arguments.plot:
        with extra("plot"):
            import_module("matplotlib")
    with extra("serve"):
        from elman_models.law.artifact import load
        from elman_models.measure.report import Rest, report
        from elman_models.measure.typist import HABITS, Habits
        from elman_models.shipped import find

    _, path = find(arguments.model)
    model, habits = load(path), Habits(**given(arguments, HABITS, MendRequest.of_field))
    documents, validation = (documents_in(files, arguments.verbose) for files in (arguments.files, arguments.validation))
    training = documents_in(arguments.training, arguments.verbose, is_training=True)
    warn_of_training_text(model, path.stem, documents)
    with Progress("measuring") as progress:
        found = report(model, path, documents, Rest(training, validation), habits, progress.tell)
    if arguments.checkpoint:
        with extra("train"):
            from elman_models.training.float_cost import checkpoint_costs

        with Progress("measuring the float network"):
            found = replace(found, float_costs=checkpoint_costs(arguments.checkpoint, documents))
    return found


def warn_of_training_text(model: "Model", name: str, documents: Sequence[str]) -> None:
    """Say so on standard error where the model was trained on the text that it is measured on."""
    from elman_models.selection.imprint import largest_overlap

    overlap = largest_overlap(model.about.get("imprints", []), documents)
    if overlap and overlap.is_sure:
        samples = f"{overlap.found:,} of {overlap.looked_for:,} samples"
        words = f"{name} was trained on about {overlap.share:.0%} of this text ({samples}): what follows flatters it"
        tell(f"warning: {words}")


def documents_in(files: Sequence[Path], is_verbose: bool, *, is_training: bool = False) -> Sequence[str]:
    """The texts of the files; standard error says what was folded, and what is left out of a folder.

    Of a training text, what stands in several files is kept once, as where elman trains.
    """
    if not files:
        return ()
    with extra("serve"):
        from elman_models.corpus import read_corpus, read_training_text

    with Progress("reading the files"):
        corpus = read_training_text(files, keep_secrets=True) if is_training else read_corpus(files)
    corpus.require(1)
    for line in corpus.remarks(is_verbose):
        tell(line)
    return corpus.documents


def in_words(report: "Evaluation") -> str:
    """A row for each predictor, and what the figures depend on."""
    rows = [cells(report.artifact), cells(report.without_recall)]
    if report.float_costs:
        rows.append(("float network", *cost_cells(report.float_costs), "", "", ""))
    rows += map(cells, report.baselines)
    return f"{table([('NATS A CHARACTER', *COLUMNS), *rows])}\n{circumstances(report)}"


def circumstances(report: "Evaluation") -> str:
    """What the figures depend on, and what the model takes."""
    trained, pace = report.training_characters, report.throughput
    fitted = (
        f"odds fitted on {report.validation_characters:,} characters"
        if report.validation_characters
        else f"the odds of {report.artifact.name}"
    )
    return (
        f"{counted(report.characters, 'character')}, {report.unknown_characters:,} unknown"
        f"{f', {report.plain_characters:,} read in a plain form' if report.plain_characters else ''}"
        f"{f'; {trained:,} characters to train the baselines, {fitted} for the n-gram with recall' if trained else ''}\n"
        f"ghost text: at most {report.habits.max_characters} characters, of a probability from {report.confidence:.3g}"
        f"{', in whole words' if report.habits.whole_words else ''}\n"
        f"{report.artifact.name}: {report.artifact_bytes:,} bytes; in one thread it consumes {pace.consumed:,.0f}"
        f" characters a second and draws {pace.drawn:,.0f}\n"
    )


def cells(figures: "Figures") -> tuple[str, ...]:
    """A predictor's row."""
    shares = (figures.keystrokes.saved, figures.calibration.top_right, figures.calibration.expected_error)
    return (figures.name, *cost_cells(figures.costs), *(f"{share:.2%}" for share in shares))


def cost_cells(costs: "Costs") -> tuple[str, ...]:
    """Nats and bits a character, by how the text was read."""
    streaming, windows = (costs.streaming, costs.streaming / math.log(2)), (costs.windows, costs.windows / math.log(2))
    return tuple(f"{cost:.4f}" for cost in (*streaming, *windows, costs.windows_primed))
