"""What the shipped models are worth on text that nothing has seen, beside n-grams and PPM of the same training text.

    python benchmarks/quality.py [--only NAME ...] [--tiny-shakespeare FILE [--tiny-model MODEL]] [--ablation FILE] [--json]

Texts are those of `python -m elman_models.shipyard`. With tiny-shakespeare (1,115,394 characters), `shakespeare` is measured on
its last tenth, and --tiny-model, trained on the rest alone, is a row of its own:

    head -c 1003854 tinyshakespeare.txt > first.txt
    elman train first.txt -o MODEL --recipe models/elman_models/shipyard/recipes/tiny-shakespeare.json

--ablation takes the JSON of `ablation.py --only "the recipe" lstm`: how far the recipe is from an LSTM of as many weights.
`figures` holds everything under one name each. Keys saved are those of `elman eval`; ghost text is shown from the model's own
probability. The odds of the n-gram with the same recall are fitted on the validation part; tiny-shakespeare has none, so there
it has the model's. For `foreign_code_keys_saved`, `python` completes this project's own server: the mean over its files, but
for those that hold a docstring alone.
"""

import argparse
import ast
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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
from elman_models.training.export import write_artifact

TENTH = 1_003_854
"""Where the last tenth of tiny-shakespeare begins."""
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


def main() -> None:
    """Measure, and print tables or JSON."""
    options = parse()
    reports = {name: report_of(name, path, options.tiny_shakespeare) for name, path in chosen(options).items()}
    figures: dict[str, float] = {}
    for name, measured in reports.items():
        figures |= figures_of(name, measured, is_tiny=bool(options.tiny_shakespeare))
    if "python" in options.only:
        figures["foreign_code_keys_saved"] = foreign_code_keys_saved()
    if options.ablation:
        figures["lstm_gap"] = lstm_gap(json.loads(options.ablation.read_text()))
    if options.json:
        print(json.dumps({"figures": figures, "reports": reports}, indent=2))
        return
    for name, measured in reports.items():
        show_report(name, measured)
    show("figures", ["figure", "value"], [(name, f"{value:,.4f}") for name, value in figures.items()])


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=TEXTS, default=list(TEXTS), metavar="NAME", help=", ".join(TEXTS))
    for name in ("tiny-shakespeare", "tiny-model", "ablation"):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if options.tiny_model and not options.tiny_shakespeare:
        parser.error("--tiny-model needs --tiny-shakespeare")
    return options


def chosen(options: argparse.Namespace) -> dict[str, Path]:
    """The models to measure."""
    models = {name: path for name, path in shipped_models().items() if name in options.only}
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
    parts = TEXTS[name].read()
    unseen = [tiny[TENTH:]] if tiny and name == "shakespeare" else list(parts.unseen.values())
    return unseen, Rest(list(parts.training.values()), list(parts.validation.values()))


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
