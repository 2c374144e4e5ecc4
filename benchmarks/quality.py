"""What the shipped models are worth on text that nothing has seen, beside n-grams and PPM of the same training text.

    python benchmarks/quality.py [--only NAME ...] [--model NAME=FILE ...] [--lstm NAME=FILE ...] [--json]
                                 [--tiny-shakespeare FILE [--tiny-model MODEL]] [--ablation FILE]

Texts are those of `python -m elman_models.shipyard`; --model measures a file that is not shipped on one of them. About 600,000
characters are measured at most, as many of each unseen project, whole documents by chance but always the same; n-grams and PPM
learn from all that the model learnt from (a fifth of a kilobyte of memory a character: up to 6 GB). `markdown` is what `prose`
is worth on those of the unseen documents that are Markdown. `goals` has what was to be reached on projects that nobody saw.

With tiny-shakespeare (1,115,394 characters), `shakespeare` is measured on its last tenth, and --tiny-model, trained on the rest
alone, is a row of its own:

    head -c 1003854 tinyshakespeare.txt > first.txt
    elman train first.txt -o MODEL --recipe models/elman_models/shipyard/recipes/tiny-shakespeare.json

--ablation takes the JSON of `ablation.py --only "the recipe" lstm`: how far the recipe is from an LSTM of as many weights.
--lstm takes the same of the text of a model.
`figures` holds everything under one name each. Keys saved are those of `elman eval`; ghost text is shown from the model's own
probability. The odds of the n-gram with the same recall are fitted on the validation part; tiny-shakespeare has none, so there
it has the model's. For `foreign_code_keys_saved`, `python` completes this project's own server: the mean over its files, but
for those that hold a docstring alone.
"""

import argparse
import ast
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from process import running
from random_model import Size, random_model
from table import show

import elman
from elman_models.law.artifact import load
from elman_models.measure.network_predictor import NetworkPredictor
from elman_models.measure.report import Rest, report
from elman_models.measure.typist import Habits, Typist
from elman_models.shipped import shipped_models
from elman_models.shipyard.make import TEXTS
from elman_models.shipyard.texts import DividedText
from elman_models.training.export import write_artifact

TENTH = 1_003_854
"""Where the last tenth of tiny-shakespeare begins."""
MOST_UNSEEN = 600_000
"""Characters that are measured: twelve baselines read each of them."""
MARKDOWN = (".md", ".markdown")
SERVER = Path(__file__).parent.parent / "server"
SHORT = {"nats": "nats_per_character_streaming", "keys_saved": "keystrokes_saved"}
SMALL = Size(1, 512)
BEST: Mapping[str, Callable[[Iterable[float]], float]] = {
    "nats_per_character_streaming": min,
    "nats_per_character_windows_primed": min,
    "keystrokes_saved": max,
}
SHOWN = {
    "name": "predictor",
    "nats_per_character_streaming": "streaming",
    "nats_per_character_windows": "windows",
    "nats_per_character_windows_primed": "primed",
    "keystrokes_saved": "keys saved",
    "expected_calibration_error": "calibration error",
}


class Goal(NamedTuple):
    """What was to be reached on projects that nobody saw: keys saved, and nats below the n-gram's with the same recall."""

    to_pass: float
    strong: float
    no_one_has_shown: float
    below_ngram: float | None = None


GOALS: Mapping[str, Goal] = {
    "python": Goal(0.42, 0.46, 0.50, 0.08),
    "prose": Goal(0.28, 0.32, 0.37, 0.06),
    "javascript": Goal(0.38, 0.42, 0.47, 0.05),
    "go": Goal(0.42, 0.46, 0.50, 0.05),
    "rust": Goal(0.38, 0.42, 0.46, 0.05),
    "c": Goal(0.36, 0.40, 0.44, 0.05),
    "shell": Goal(0.28, 0.32, 0.36, 0.05),
    "markdown": Goal(0.26, 0.30, 0.35),
}
GOAL = ("text", "keys saved", "to pass", "strong", "no one has shown", "below the n-gram", "to pass")


def main() -> None:
    """Measure, and print tables or JSON."""
    options = parse()
    reports = {name: report_of(name, path, options.tiny_shakespeare) for name, path in chosen(options).items()}
    figures: dict[str, float] = {}
    for name, measured in reports.items():
        figures |= figures_of(name, measured, is_tiny=bool(options.tiny_shakespeare))
    if "prose" in reports:
        figures |= markdown_figures(chosen(options)["prose"])
    if "python" in options.only:
        figures["foreign_code_keys_saved"] = foreign_code_keys_saved()
    if options.ablation:
        figures["lstm_gap"] = lstm_gap(json.loads(options.ablation.read_text()))
    figures |= {f"{name}_lstm_gap": lstm_gap(json.loads(path.read_text())) for name, path in options.lstm}
    if options.json:
        print(json.dumps({"figures": figures, "goals": goals_of(figures), "reports": reports}, indent=2))
        return
    for name, measured in reports.items():
        show_report(name, measured)
    show("goals", GOAL, [[name, *map(in_percent, row.values())] for name, row in goals_of(figures).items()])
    show("figures", ["figure", "value"], [(name, f"{value:,.4f}") for name, value in figures.items()])


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=TEXTS, default=list(TEXTS), metavar="NAME", help=", ".join(TEXTS))
    for name in ("model", "lstm"):
        parser.add_argument(f"--{name}", type=named_file, nargs="+", default=[], metavar="NAME=FILE")
    for name in ("tiny-shakespeare", "tiny-model", "ablation"):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if options.tiny_model and not options.tiny_shakespeare:
        parser.error("--tiny-model needs --tiny-shakespeare")
    return options


def named_file(words: str) -> tuple[str, Path]:
    """A file, and the name of the text that it is for."""
    name, _, path = words.partition("=")
    if name not in TEXTS or not path:
        raise argparse.ArgumentTypeError(f"{words!r} is not NAME=FILE; names: {', '.join(TEXTS)}")
    return name, Path(path)


def chosen(options: argparse.Namespace) -> dict[str, Path]:
    """The models to measure: those that are shipped, or the files that are given."""
    models = {name: path for name, path in (shipped_models() | dict(options.model)).items() if name in options.only}
    return models | ({"tiny_shakespeare": options.tiny_model} if options.tiny_model else {})


def report_of(name: str, path: Path, tiny_shakespeare: Path | None) -> dict[str, Any]:
    """The report of `elman eval` on unseen text, with baselines, as its JSON."""
    unseen, rest = texts_of(name, tiny_shakespeare.read_text(encoding="utf-8") if tiny_shakespeare else "")
    evaluation = report(load(path), path, unseen, rest, Habits())
    return evaluation.to_json() | first_characters(path)


def texts_of(name: str, tiny: str) -> tuple[Sequence[str], Rest]:
    """What the model has not seen, and what the baselines learn from."""
    if name == "tiny_shakespeare":
        return [tiny[TENTH:]], Rest([tiny[:TENTH]])
    parts = parts_of(name)
    unseen = [tiny[TENTH:]] if tiny and name == "shakespeare" else list(sampled(parts.unseen).values())
    return unseen, Rest(list(parts.training.values()), list(parts.validation.values()), sys.maxsize)


@cache
def parts_of(name: str) -> DividedText:
    """The text of a model; reading one takes minutes."""
    return TEXTS[name].read()


def sampled(documents: Mapping[str, str]) -> dict[str, str]:
    """Whole documents, as many characters of each project or folder, and about so many at most: always the same."""
    if sum(map(len, documents.values())) <= MOST_UNSEEN:
        return dict(documents)
    projects = by_project(documents)
    kept: dict[str, str] = {}
    for names in projects.values():
        left = MOST_UNSEEN // len(projects)
        for name in names:
            if left > 0:
                kept[name] = documents[name]
                left -= len(documents[name])
    return kept


def by_project(documents: Mapping[str, str]) -> dict[str, list[str]]:
    """The names of the documents of each project or folder, by chance but always in the same order."""
    projects: dict[str, list[str]] = {}
    for name in sorted(documents, key=lambda name: hashlib.sha256(name.encode()).digest()):
        projects.setdefault(name.partition("/")[0], []).append(name)
    return projects


def markdown_figures(path: Path) -> dict[str, float]:
    """What the model of prose is worth on Markdown of projects that it has not seen."""
    unseen = {name: text for name, text in parts_of("prose").unseen.items() if name.partition("#")[0].endswith(MARKDOWN)}
    measured = report(load(path), path, list(sampled(unseen).values()), Rest(), Habits()).to_json()
    return {f"markdown_{short}": measured["artifact"][key] for short, key in SHORT.items()}


def goals_of(figures: Mapping[str, float]) -> dict[str, dict[str, float | None]]:
    """What is reached of what was to be reached, for each text that was measured."""
    return {
        name: {
            "keys_saved": figures[f"{name}_keys_saved"],
            **dict(list(goal._asdict().items())[:3]),
            "nats_below_ngram": figures.get(f"{name}_vs_ngram_recall"),
            "nats_below_ngram_to_pass": goal.below_ngram,
        }
        for name, goal in GOALS.items()
        if f"{name}_keys_saved" in figures
    }


def in_percent(share: float | None) -> str:
    """A share for people."""
    return "" if share is None else f"{share:.1%}"


def foreign_code_keys_saved() -> float:
    """The mean, over the files of this project's server that hold code, of the keys that `python` saves in each."""
    model = load(shipped_models()["python"])
    files = [path.read_text(encoding="utf-8") for path in sorted(SERVER.rglob("*.py"))]
    documents = [file for file in files if len(ast.parse(file).body) > 1]
    readings = NetworkPredictor(model).read([model.vocabulary.encode(document) for document in documents])
    typist = Typist(Habits(), model.vocabulary, model.ghost_surprise)
    return statistics.mean(
        typist.enter([document], [reading]).saved for document, reading in zip(documents, readings, strict=True)
    )


def first_characters(path: Path) -> dict[str, float]:
    """From a key to its first character beside the small model, in this process and at a server."""
    with TemporaryDirectory() as folder:
        small = Path(folder, "small.safetensors")
        write_artifact(random_model(SMALL), small)
        models = [f"ours={path}", f"small={small}"]
        serve = ["-m", "elman", "serve", "--model", models[0], "--model", models[1], "--port", "{port}", "--metrics-port", "0"]
        with elman.open(models[0]) as ours, elman.open(models[1]) as theirs:
            measured = first_character("first_character", ours, theirs)
        with running(serve, Path(folder, "log")) as server, elman.Client(server.address) as client:
            return measured | first_character("first_character_at_a_server", client, client)


def first_character(figure: str, ours: elman.Client, theirs: elman.Client, rounds: int = 200) -> dict[str, float]:
    """The median time, and its ratio to that of the small model, in turns."""
    times = [(key_seconds(ours, "ours"), key_seconds(theirs, "small")) for _ in range(rounds)]
    seconds, small_seconds = (statistics.median(several) for several in zip(*times, strict=True))
    return {f"{figure}_us": 1e6 * seconds, f"{figure}_vs_small": seconds / small_seconds}


def key_seconds(client: elman.Client, model: str) -> float:
    """From a key, with the state before it, to the first character."""
    before = client.complete("The ", model=model, max_characters=1, seed=1)
    before.read()
    state = before.state
    start = time.perf_counter()
    client.complete("q", model=model, state=state, seed=1, max_characters=1).read()
    return time.perf_counter() - start


def figures_of(name: str, measured: Mapping[str, Any], is_tiny: bool) -> dict[str, float]:
    """The report's main figures under names of their own; `best` is whichever baseline is. Of the plays, only the last tenth of
    tiny-shakespeare has short names."""
    ours, baselines = measured["artifact"], measured["baselines"]
    figures = {f"{name}_{key}": ours[key] for key in (*list(SHOWN)[1:], "bytes", "characters_per_second_drawn")}
    figures |= {f"{name}_{key}": value for key, value in measured.items() if key.startswith("first_character")}
    for key, best in BEST.items():
        figures[f"{name}_best_baseline_{key}"] = best(each[key] for each in baselines)
    if name != "shakespeare" or is_tiny:
        figures |= {f"{name}_{short}": ours[key] for short, key in SHORT.items()}
        figures[f"{name}_vs_ngram_recall"] = lower_than_ngram(ours, baselines)
    return figures


def lower_than_ngram(ours: Mapping[str, Any], baselines: Sequence[Mapping[str, Any]]) -> float:
    """The share by which the artifact's nats are lower than those of the best n-gram with the same recall."""
    theirs = next(each for each in baselines if each["name"].endswith(" with recall"))
    return 1 - ours[SHORT["nats"]] / theirs[SHORT["nats"]]


def lstm_gap(runs: Mapping[str, Sequence[Mapping[str, float]]]) -> float:
    """The share by which the recipe's mean cost is above the LSTM's; below 0: better."""
    ours, theirs = (statistics.mean(run["streaming"] for run in runs[name]) for name in ("the recipe", "lstm"))
    return ours / theirs - 1


def show_report(name: str, measured: Mapping[str, Any]) -> None:
    """One table a model."""
    rows = [measured["artifact"], measured["artifact_without_recall"], *measured["baselines"]]
    lines = [[value if isinstance(value := row[key], str) else f"{value:.4f}" for key in SHOWN] for row in rows]
    title = f"{name}: {measured['characters']:,} characters, ghost text from {measured['min_confidence']:.3g}"
    show(title, list(SHOWN.values()), lines)


if __name__ == "__main__":
    main()
