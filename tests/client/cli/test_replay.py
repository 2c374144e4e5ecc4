"""A record of a completion gives the same bytes again, wherever its model is, or says why not."""

import io
import json
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import pytest

from elman.cli.main import main

LARGEST_SEED = 2**64 - 1


@pytest.fixture
def record(scripted: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """What --json printed of a completion with everything."""
    flags = "--seed 18446744073709551615 --max-characters 40 --alternatives 2 --stop zz --min-p 0.01 --json"
    assert main(["complete", "--server", scripted.address, *flags.split(), "a bad "]) == 0
    file = tmp_path / "record.json"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    return file


def changed(file: Path, place: str, new: object) -> Path:
    """The file with one value of its record changed; None takes it away."""
    *way, last = place.split(".")
    record = json.loads(file.read_text())
    inside: Any = record
    for key in way:
        inside = inside[int(key) if key.isdecimal() else key]
    inside.pop(int(last) if last.isdecimal() else last, *([None] if isinstance(inside, dict) else []))
    if new is not None:
        inside[last] = new
    file.write_text(json.dumps(record))
    return file


def test_seeds_are_strings_so_that_no_program_rounds_them(record: Path) -> None:
    value = json.loads(record.read_text())
    assert value["seed"] == value["request"]["seed"] == str(LARGEST_SEED)


def test_a_record_gives_the_same_bytes_from_a_server_and_in_this_process(
    record: Path, scripted: Any, artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [each["text"] for each in json.loads(record.read_text())["alternatives"]]
    printed = "".join(f"==> alternative {number} <==\n{text}\n\n" for number, text in enumerate(texts))
    for place in (("--server", scripted.address), ("--server", "", "--model", str(artifact))):
        assert main(["complete", *place, "--replay", str(record)]) == 0
        assert capsys.readouterr() == (printed, "")
    assert main(["complete", "--server", scripted.address, "--json", "--replay", str(record)]) == 0
    again, old = json.loads(capsys.readouterr().out), json.loads(record.read_text())
    assert [each["state"] for each in again["alternatives"]] == [each["state"] for each in old["alternatives"]]
    assert again["request"] == old["request"]


def test_a_seed_that_is_a_number_is_read_too(record: Path, scripted: Any, capsys: pytest.CaptureFixture[str]) -> None:
    changed(record, "request.seed", LARGEST_SEED)
    assert main(["complete", "--server", scripted.address, "--replay", str(record)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("place", "new", "code", "words"),
    [
        ("request.seed", "3", 1, "alternative 0 differs from the record"),
        ("alternatives.1.text", "x", 1, "alternative 1 differs from the record"),
        ("alternatives.1", None, 1, "alternative 1 differs from the record"),
        ("request.digest", "0" * 64, 3, "the record was made by the model tiny, digest 000"),
        ("request.seed", "x", 2, "request.seed: 'x' is out of range; allowed: a whole number"),
        ("request.state", 7, 2, "request.state: 7 is out of range"),
        ("request.top_k", "x", 2, "request.top_k: 'x' is out of range"),
        ("request.stop", [5], 2, "request.stop: [5] is out of range"),
        ("request.colour", 1, 2, "request: colour: missing, or unknown to this version"),
        ("request.top_p", None, 2, "request: top_p: missing, or unknown to this version"),
        ("alternatives", None, 2, "no record of elman complete --json"),
        ("request", 1, 2, "no record of elman complete --json"),
    ],
)
def test_a_record_that_cannot_be_repeated_says_why(
    place: str, new: object, code: int, words: str, record: Path, scripted: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["complete", "--server", scripted.address, "--replay", str(changed(record, place, new))]) == code
    assert words in capsys.readouterr().err


def test_a_file_that_is_no_record_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text, why in ("", "it is not JSON"), ("{", "it is not JSON"), ("[]", "another shape"), ("{}", "'request' is missing"):
        (tmp_path / "record.json").write_text(text)
        assert main(["complete", "--replay", str(tmp_path / "record.json")]) == 2
        said = capsys.readouterr().err
        assert "record.json: no record of elman complete --json: " in said
        assert why in said


def test_a_record_with_a_byte_order_mark_is_read_from_standard_input_too(
    record: Path, scripted: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = BOM_UTF8 + record.read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(["complete", "--server", scripted.address, "--replay", "-"]) == 0
    printed, said = capsys.readouterr()
    assert json.loads(record.read_text())["alternatives"][1]["text"] in printed
    assert said == ""


@pytest.mark.parametrize(
    ("more", "named"), [(["--seed", "1"], "--seed"), (["--stop", "a", "--top-k", "1"], "--top-k, --stop"), (["text"], "PREFIX")]
)
def test_a_replay_takes_nothing_beside_the_record(
    more: list[str], named: str, record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["complete", "--replay", str(record), *more]) == 2
    assert f"leave out {named}\n" in capsys.readouterr().err


def test_a_record_whose_model_is_not_here_says_which_it_is(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complete", "--server", "", "--replay", str(record)]) == 3
    assert "the record was made by the model tiny, digest " in capsys.readouterr().err
