"""`elman eval` as its user sees it: a table, or the same figures as JSON, and a picture; a clear word where it cannot."""

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from elman.cli.main import main
from elman.sync.client import Client
from elman_models.corpus import Corpus, spread
from elman_models.execution.choice import has_extension
from elman_models.execution.protocol import Advance, Start
from elman_models.execution.reference import Reference
from elman_models.law.artifact import Model, load, save
from elman_models.law.recall import Recall
from elman_models.law.state import State
from elman_models.measure.gram_predictor import GramPredictor
from elman_models.measure.grams import Grams
from elman_models.measure.ngram import NGram
from elman_models.measure.report import NGRAM_ORDERS
from elman_models.selection.imprint import Imprint
from elman_models.training.checkpoint import Checkpoint, Header, save_checkpoint
from elman_models.training.export import to_model
from elman_models.training.network import Network
from elman_models.training.recipe import Recipe

TEXT = "a bad cab a faded egg\n" * 30
COSTS = {f"{unit}_per_character_{way}" for unit in ("nats", "bits") for way in ("streaming", "windows", "windows_primed")}
FIGURES = COSTS | {
    "name", "keystrokes_saved", "characters", "keys", "tabs", "words", "typed",
    "top_right", "expected_calibration_error", "calibration", "reading_seconds",
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A text to measure on, and one to train baselines on."""
    measured, training = tmp_path / "measured.txt", tmp_path / "training.txt"
    measured.write_text(TEXT, encoding="utf-8")
    training.write_text("a bad bed, a dad, a cab. a faded face: a fed egg\n" * 40, encoding="utf-8")
    return measured, training


def report(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["eval", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_report_holds_every_figure_of_every_predictor(
    artifact: Path, model: Model, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    measured = report(capsys, artifact, files[0], "--training", files[1])
    names = [each["name"] for each in measured["baselines"]]
    static = [*(f"Kneser-Ney {order}" for order in NGRAM_ORDERS), *(f"PPM-D {order}" for order in range(4, 8))]
    assert names[:-2] == static
    assert names[-2].removesuffix(" with recall") in static
    assert names[-1] == "PPM-D 6 adapting"
    assert all(set(each) == FIGURES for each in measured["baselines"])
    assert set(measured["artifact_without_recall"]) == FIGURES
    assert measured["artifact_without_recall"]["name"] == "artifact without recall"
    assert set(measured["artifact"]) == FIGURES | {
        "bytes", "characters_per_second_consumed", "characters_per_second_drawn"
    }  # fmt: skip
    assert (measured["digest"], measured["artifact"]["bytes"]) == (model.digest, artifact.stat().st_size)
    assert (measured["characters"], measured["unknown_characters"]) == (len(TEXT), 0)
    for each in (measured["artifact"], *measured["baselines"]):
        assert each["keys"] == each["tabs"] + each["words"] + each["typed"]
        assert each["keystrokes_saved"] == pytest.approx(1 - each["keys"] / len(TEXT))
        assert each["bits_per_character_windows"] == pytest.approx(each["nats_per_character_windows"] / math.log(2))
    assert measured["baselines"][0]["keystrokes_saved"] > 0
    assert measured["min_confidence"] == pytest.approx(math.exp(-model.ghost_surprise.beyond / 256))


def test_who_measures_on_the_training_text_is_warned(
    model: Model, files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "".join(f"{number:b}".translate(str.maketrans("01", "ab")) + " a faded egg\n" for number in range(400))
    files[0].write_text(text, encoding="utf-8")
    save(replace(model, about={"imprints": [Imprint.of([text]).to_json()]}), tmp_path / "own.safetensors")
    assert main(["eval", str(tmp_path / "own.safetensors"), str(files[0])]) == 0
    told = capsys.readouterr().err
    assert re.fullmatch(
        r"warning: own was trained on about 100% of this text \((\d+) of \1 samples\): what follows flatters it\n", told
    )
    files[0].write_text(text[::-1], encoding="utf-8")
    assert main(["eval", str(tmp_path / "own.safetensors"), str(files[0])]) == 0
    assert not capsys.readouterr().err


def test_a_confidence_that_is_given_counts_in_place_of_the_models_own(
    artifact: Path, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    least, most = (report(capsys, artifact, files[0], "--min-confidence", each) for each in (2**-20, 1))
    assert (least["min_confidence"], most["min_confidence"]) == (2**-20, 1)
    assert (least["validation_characters"], most["validation_characters"]) == (0, 0)
    assert least["artifact"]["keys"] != most["artifact"]["keys"]


def test_recall_costs_what_an_execution_says_and_without_it_what_one_without_says(
    artifact: Path, model: Model, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    measured = report(capsys, artifact, files[0])
    plain = replace(model, recall=Recall.none())
    for each, key in ((model, "artifact"), (plain, "artifact_without_recall")):
        reference = Reference(each, rows=1)
        reference.load(0, Start(State.initial(each), is_accounted=True))
        account = reference.run([Advance(0, scored=model.vocabulary.encode(TEXT))]).account(0)
        assert measured[key]["nats_per_character_streaming"] == pytest.approx(-account.log_probabilities.mean())
    assert measured["artifact"]["keystrokes_saved"] > measured["artifact_without_recall"]["keystrokes_saved"]


def test_the_odds_of_the_n_gram_are_fitted_where_there_is_text_to_fit_them_on(
    artifact: Path, model: Model, files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    validation = tmp_path / "validation.txt"
    validation.write_text("a faded bed. a bad face, a cab. dead cafe! " * 30, encoding="utf-8")
    rows = list[dict[str, Any]]()
    for flags in ((), ("--validation", validation)):
        measured = report(capsys, artifact, files[0], "--training", files[1], *flags)
        rows.append(measured["baselines"][-2])
        assert measured["validation_characters"] == (validation.stat().st_size if flags else 0)
    assert rows[0]["nats_per_character_streaming"] != rows[1]["nats_per_character_streaming"]
    vocabulary, text = model.vocabulary, model.vocabulary.encode(TEXT)
    training = Corpus((files[1].read_text(encoding="utf-8"),))
    grams = Grams.of(vocabulary.encode(spread(training, 10**7)), len(vocabulary) + 1, max(NGRAM_ORDERS))
    own = [GramPredictor(NGram(grams, order), vocabulary, model.recall).nats([text]) for order in NGRAM_ORDERS]
    assert rows[0]["nats_per_character_streaming"] == pytest.approx(min(own) / len(TEXT))


def test_several_files_and_folders_are_read_each_from_its_start(
    artifact: Path, tmp_path: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    first, folder = tmp_path / "first.txt", tmp_path / "more"
    folder.mkdir()
    texts = ["a bad cab", "a faded egg ☃", "def"]
    for path, text in zip((first, folder / "b.txt", folder / "c.txt"), texts, strict=True):
        path.write_text(text, encoding="utf-8")
    (folder / "d.bin").write_bytes(b"\0")
    assert main(["eval", str(artifact), str(first), str(folder), "--json"]) == 0
    output, errors = capsys.readouterr()
    measured, total = json.loads(output), sum(client.score(text).nats_per_character * len(text) for text in texts)
    assert measured["artifact"]["nats_per_character_streaming"] == pytest.approx(total / sum(map(len, texts)))
    assert (measured["documents"], measured["unknown_characters"], measured["baselines"]) == (3, 1, [])
    assert errors.startswith("left out: ")
    assert "d.bin: binary" in errors


def test_copies_teach_the_baselines_nothing(
    artifact: Path, files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    text = "".join(Random(1).choices("abcdefg .\n", k=5000))
    (folder / "one.txt").write_text(text, encoding="utf-8")
    once = report(capsys, artifact, files[0], "--training", folder)["baselines"]
    (folder / "two.txt").write_text(text, encoding="utf-8")
    twice = report(capsys, artifact, files[0], "--training", folder)["baselines"]
    assert [each | {"reading_seconds": 0} for each in twice] == [each | {"reading_seconds": 0} for each in once]


def test_an_unknown_character_costs_every_predictor_the_same(
    artifact: Path, tmp_path: Path, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "snow.txt"
    file.write_text("☃☃", encoding="utf-8")
    measured = report(capsys, artifact, file, "--training", files[1])
    for each in (measured["artifact"], measured["artifact_without_recall"], *measured["baselines"]):
        assert each["nats_per_character_streaming"] == pytest.approx(math.log(1_114_112))
        assert each["nats_per_character_windows_primed"] == pytest.approx(math.log(1_114_112))
        assert (each["keystrokes_saved"], each["typed"]) == (0, 2)


def test_the_float_network_is_measured_beside_its_artifact(
    model: Model, files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = Network(model.structure, len(model.vocabulary), torch.Generator().manual_seed(1))
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    header = Header(0, 1, Recipe(), "", 1, "float32", model.structure, model.vocabulary)
    checkpoint, artifact = tmp_path / "float.checkpoint", tmp_path / "float.safetensors"
    save_checkpoint(Checkpoint(header, tensors), checkpoint)
    save(to_model(network, model.vocabulary, {}), artifact)
    measured = report(capsys, artifact, files[0], "--checkpoint", checkpoint)
    assert set(measured["float"]) == COSTS | {"name"}
    for each in COSTS:
        assert measured["float"][each] == pytest.approx(measured["artifact_without_recall"][each], rel=0.01)


def test_people_get_a_table(artifact: Path, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(artifact), str(files[0]), "--training", str(files[1]), "--min-confidence", "0.25"]) == 0
    output = capsys.readouterr().out
    for words in (
        "NATS A CHARACTER",
        "KEYS SAVED",
        "tiny without recall",
        " with recall",
        "adapting",
        "Kneser-Ney 8",
        "PPM-D 7",
        "a probability from 0.25",
    ):
        assert words in output
    assert f"{len(TEXT):,} characters, 0 unknown" in output
    assert "artifact" not in output  # people know the model by its name


def test_a_picture_is_drawn(
    artifact: Path,
    files: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    for training in ([], ["--training", files[1]]):
        picture = tmp_path / f"{len(training)}.png"
        report(capsys, artifact, files[0], "--plot", picture, *training)
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_it_says_what_to_install_before_it_measures(
    artifact: Path, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["eval", str(artifact), str(files[0]), "--plot", "x.png"]) == 11
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.endswith(" matplotlib\n")


def test_of_much_text_a_part_trains_the_baselines_and_the_report_says_how_much(
    artifact: Path, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files[1].write_text("a bad bed, a dad, a cab. a faded face: a fed egg\n" * 400, encoding="utf-8")
    monkeypatch.setattr("elman_models.measure.report.MOST_TRAINING", 9_000)
    assert 7_500 <= report(capsys, artifact, files[0], "--training", files[1])["training_characters"] <= 9_000


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty"), (b"a\0b", "binary"), (b"caf\xe9", "not UTF-8"), (None, "No such")]
)
@pytest.mark.parametrize("is_training", [False, True])
def test_a_file_that_is_not_text_is_named(
    content: bytes | None,
    words: str,
    is_training: bool,
    artifact: Path,
    files: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "odd.txt"
    if content is not None:
        file.write_bytes(content)
    arguments = [str(files[0]), "--training", str(file)] if is_training else [str(file)]
    assert main(["eval", str(artifact), *arguments]) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert "odd.txt" in errors
    assert words in errors


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--min-confidence", "0"), "--min-confidence: 0.0 is out of range; allowed: 2^-20 to 1"),
        (("--max-characters", "0"), "--max-characters: 0 is out of range; allowed: 1 to 1024"),
    ],
)
def test_a_flag_out_of_range_is_refused_by_name(
    flags: tuple[str, str], words: str, artifact: Path, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(artifact), str(files[0]), *flags]) == 2
    assert words in capsys.readouterr().err


def test_help_states_what_the_figures_mean(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["eval", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    for part in ("--training", "--checkpoint", "--min-confidence", "--max-characters", "--plot", "1 - keys / characters"):
        assert part in words


@pytest.mark.skipif(not has_extension(), reason="the native extension was not built, which is said")
def test_measuring_needs_no_torch(artifact: Path, files: tuple[Path, Path]) -> None:
    hide = "import sys; sys.modules['torch'] = None; from elman.cli.main import main; "
    script = f"{hide}sys.exit(main(['eval', *sys.argv[1:], '--json']))"
    command = [sys.executable, "-c", script, str(artifact), str(files[0]), "--training", str(files[1])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["digest"] == load(artifact).digest
