"""`elman audit` tells what `elman complete --temperature 0` would say, line by line, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from elman.cli.main import main
from elman.sync.embedded import open_client

BEGINNINGS = ("ROMEO: what", "My lord, I", "The king")
OTHERS = ("Quartz vexes BAJPKFW dumb jocks 4711.", "too short", "☃ is not among the characters of plays")


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lines that the model itself goes on with, among others."""
    path = tmp_path_factory.mktemp("notes") / "notes.txt"
    with open_client("shakespeare", device="cpu") as client:
        said = [client.complete(each, temperature=0, max_characters=60, stop=["\n"]).read() for each in BEGINNINGS]
    lines = [beginning + rest for beginning, rest in zip(BEGINNINGS, said, strict=True)]
    path.write_text("".join(f"{line}\n" for pair in zip(lines, OTHERS, strict=True) for line in pair))
    return path


def audited(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["audit", "shakespeare", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_lines_that_a_model_gives_back_are_told_and_no_others(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = audited(capsys, notes)
    assert found["lines"] == 6
    assert [place["line"] for place in found["given_back"]] == [1, 3, 5]
    lines = notes.read_text().splitlines()
    with open_client("shakespeare", device="cpu") as client:
        for place in found["given_back"]:
            known, rest = place["known"], place["given_back"]
            assert known + rest == lines[place["line"] - 1]
            assert client.complete(known, temperature=0, max_characters=len(rest)).read() == rest
            one_less = client.complete(known[:-1], temperature=0, max_characters=len(rest) + 1).read()
            assert not known or one_less != known[-1] + rest


def test_fewer_characters_that_are_known_give_less_back(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(capsys, notes, "--known-characters", 0)["given_back"] == []
    assert audited(capsys, notes, "--given-characters", 1024)["given_back"] == []


def test_people_read_where_a_line_stands_and_what_comes_back(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = audited(capsys, notes)["given_back"]
    assert main(["audit", "shakespeare", str(notes)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        *(f"{notes}:{place['line']}: {place['known']} -> {place['given_back']}" for place in places),
        "3 of 6 lines are given back from their first 12 characters or fewer",
    ]


@pytest.mark.parametrize(
    ("flag", "value"), [("--known-characters", "-1"), ("--given-characters", "0"), ("--given-characters", "1025")]
)
def test_a_number_out_of_range_is_refused_by_name(
    notes: Path, flag: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "shakespeare", str(notes), flag, value]) == 2
    assert f"{flag}: {value} is out of range; allowed: " in capsys.readouterr().err
