"""The commands that work on files, each run inside this process: torch takes seconds to import."""

import json
import sys
from pathlib import Path

import pytest

from elman.cli.main import main
from elman.sync.client import Client


def test_eval_measures_a_model_on_files(
    artifact: Path, tmp_path: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("a bad cab, a faded egg", encoding="utf-8")
    assert main(["eval", str(artifact), str(file), "--json"]) == 0
    output = capsys.readouterr().out
    quality = json.loads(output)["artifact"]
    score = client.score("a bad cab, a faded egg")
    assert quality["nats_per_character_streaming"] == pytest.approx(score.nats_per_character)
    assert "nats_per_character_windows" in quality


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"a\0b", "binary"), (b"caf\xe9", "not UTF-8"), (b"x", "too little text")],
)
def test_train_has_a_clear_word_on_text_that_it_cannot_use(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    assert main(["train", str(file), "-o", str(tmp_path / "m.safetensors")]) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert words in errors.splitlines()[-1]
    assert errors.splitlines()[-1].startswith("elman: error: ")


def test_train_export_and_complete_follow_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, model = tmp_path / "notes.txt", tmp_path / "m.safetensors"
    file.write_text("the cat sat on the mat and the dog lay on the log\n" * 60, encoding="utf-8")
    dials = "--hidden-size 8 --layers 1 --epochs 1 --minimum-characters 100 --window 16 --batch-size 4"
    assert main(["train", str(file), "-o", str(model), "--keep-checkpoint", *dials.split()]) == 0
    output, errors = capsys.readouterr()
    assert output == ""
    assert f"elman complete --model {model}" in errors
    again = tmp_path / "again.safetensors"
    assert main(["export", f"{model}.checkpoint", "-o", str(again)]) == 0
    digest = capsys.readouterr().out.strip()
    assert main(["complete", "--model", str(again), "--server", "", "--json", "the cat"]) == 0
    assert json.loads(capsys.readouterr().out)["model"]["digest"] == digest


def test_a_dial_out_of_range_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path), "-o", str(tmp_path / "m"), "--layers", "99"]) == 2
    errors = capsys.readouterr().err
    assert "layers: 99 is out of range; allowed: 1 to 16" in errors


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (
            "--from shakespeare --layers 4",
            2,
            "layers: 4 is out of range; allowed: none beside a model to begin from; shakespeare has 8",
        ),
        ("--from shakespeare --hidden-size 64", 2, "--hidden-size: 64 is out of range"),
        ("--from shakespear", 3, "'shakespear' is neither a file nor a shipped model"),
        ("--from {folder}", 1, "a folder, not a model file"),
        ("--from {folder}/notes.txt", 3, "notes.txt: not an elman model, or a damaged one"),
    ],
)
def test_train_has_a_clear_word_on_what_it_cannot_begin_from(
    given: str, code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("the cat sat on the mat and the dog lay on the log\n" * 1000, encoding="utf-8")
    command = ["train", str(tmp_path), "-o", str(tmp_path / "m.safetensors"), *given.format(folder=tmp_path).split()]
    assert main(command) == code
    assert words in capsys.readouterr().err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_train_begins_from_a_model(artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, model = tmp_path / "notes.txt", tmp_path / "m.safetensors"
    file.write_text("the cat sat on the mat and the dog lay on the log\n" * 60, encoding="utf-8")
    dials = "--epochs 1 --minimum-characters 100 --window 16 --batch-size 4"
    assert main(["train", str(file), "--from", str(artifact), "-o", str(model), *dials.split()]) == 0
    assert f"weights from {artifact.stem}, on" in capsys.readouterr().err
    assert main(["models", "--server", "", "--json"]) == 0


def test_train_draws_its_curve(tmp_path: Path) -> None:
    file, picture = tmp_path / "notes.txt", tmp_path / "curve.png"
    file.write_text("the cat sat on the mat and the dog lay on the log\n" * 60, encoding="utf-8")
    dials = "--hidden-size 8 --layers 1 --epochs 2 --minimum-characters 100 --window 16 --batch-size 4"
    for held_out in ("0.1", "0"):
        picture.unlink(missing_ok=True)
        given = ["-o", str(tmp_path / "m.safetensors"), "--plot", str(picture), "--held-out", held_out, *dials.split()]
        assert main(["train", str(file), *given]) == 0
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_train_without_matplotlib_says_what_to_install_before_it_trains(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["train", str(tmp_path), "-o", str(tmp_path / "m.safetensors"), "--plot", str(tmp_path / "x.png")]) == 11
    assert capsys.readouterr().err.endswith(" matplotlib\n")
    assert list(tmp_path.iterdir()) == []
