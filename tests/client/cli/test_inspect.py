"""`elman inspect`, run inside this process on a small real model."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.cli.inspect import WRONG, recall_mark
from elman.cli.main import main
from elman.cli.tint import Palette, tinted
from elman_models.law.artifact import Model, save
from elman_models.law.recall import Recall

TEXT = "a bad cab, a faded egg\n" * 4


@pytest.mark.parametrize("what", ["units", "memory", "characters", "recall"])
def test_each_view_prints_words_json_and_a_picture(
    what: str, artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    plot = tmp_path / "p.png"
    command = ["inspect", what, TEXT, "--model", str(artifact), "--steps", "20", "--plot", str(plot)]
    assert main(command) == 0
    words = capsys.readouterr().out
    assert "\x1b" not in words  # not a terminal
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert main([*command, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["digest"]) == 64


def test_a_unit_is_chosen_by_layer_and_unit(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "units", TEXT, "--model", str(artifact), "--layer", "1", "--unit", "3", "--json"]) == 0
    (unit,) = json.loads(capsys.readouterr().out)["units"]
    assert (unit["layer"], unit["unit"], len(unit["values"])) == (1, 3, len(TEXT))


def test_programs_find_each_follower_and_each_neighbour_by_its_keys(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "units", TEXT, "--model", str(artifact), "--json"]) == 0
    units = json.loads(capsys.readouterr().out)
    assert list(units) == ["digest", "followers", "units"]
    assert all(list(each) == ["layer", "unit", "follows", "correlation"] for each in units["followers"])
    assert [{**each, "values": len(TEXT)} for each in units["followers"][:3]] == [
        {**each, "values": len(each["values"])} for each in units["units"]
    ]
    assert main(["inspect", "characters", "--model", str(artifact), "--nearest", "2", "--json"]) == 0
    characters = json.loads(capsys.readouterr().out)
    assert list(characters) == ["digest", "read", "predicted"]
    for side in (characters["read"], characters["predicted"]):
        assert all([list(each) for each in nearest] == [["character", "cosine"]] * 2 for nearest in side.values())


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["units", "--layer", "1"], "--layer and --unit name a unit together"),
        (["units", "--layer", "9", "--unit", "0"], "layer: 9 is out of range; allowed: 0 to 2"),
        (["memory", "--steps", "5000"], "steps: 5000 is out of range"),
        (["characters", "--nearest", "0"], "nearest: 0 is out of range"),
        (["recall", "--layer", "1"], "--layer and --unit name a unit together"),
    ],
)
def test_bad_flags_are_named(flags: list[str], words: str, artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    what, *rest = flags
    assert main(["inspect", what, TEXT, "--model", str(artifact), *rest]) == 2
    assert words in capsys.readouterr().err


def test_memory_looks_back_half_of_a_short_text(artifact: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "memory", TEXT, "--model", str(artifact), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == len(TEXT) // 2


@pytest.mark.parametrize("palette", [Palette(True), Palette(True, True)])
def test_colours_leave_the_text_as_it_is(palette: Palette) -> None:
    values: Any = [-1.0, 0.0, 1.0, 0.5]
    shown = tinted("ab\nc", values, palette)
    assert re.sub("\x1b\\[[0-9;]*m", "", shown) == "ab⏎\nc\n"
    assert shown.count("\x1b[0m") == 2


@pytest.mark.parametrize(
    ("value", "true", "of_256"), [(-1, "2;33;102;172", "5;25"), (0, "2;247;247;247", "5;231"), (1, "2;178;24;43", "5;124")]
)
def test_blue_is_low_and_red_is_high(value: float, true: str, of_256: str) -> None:
    assert f"48;{true}m" in tinted("a", [value], Palette(True, True))
    assert f"48;{of_256}m" in tinted("a", [value], Palette(True))


def test_bars_tell_the_value_without_colour() -> None:
    assert tinted("abc", [-1.0, 0.0, 1.0], Palette(False)) == "abc\n▁▅█\n"


@pytest.mark.parametrize(
    ("environment", "escapes"),
    [
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "48;2;"),
        ({"TERM": "xterm-256color", "COLORTERM": ""}, "48;5;"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, ""),
        ({"TERM": "dumb"}, ""),
    ],
)
def test_a_terminal_gets_the_colours_that_it_has(
    environment: dict[str, str],
    escapes: str,
    artifact: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["inspect", "units", TEXT, "--model", str(artifact)]) == 0
    shown = capsys.readouterr().out
    assert set(re.findall(r"48;\d;", shown)) == ({escapes} if escapes else set())
    assert ("\x1b" in shown) == bool(escapes)


def test_a_recalled_character_has_a_bar_and_one_that_did_not_come_a_cross() -> None:
    assert tinted("abcd", [-0.25, 0.25, 0.0, -1.0], Palette(False), recall_mark) == f"abcd\n▃{WRONG} █\n"


def test_recall_is_shown_under_the_text_and_counted(model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.safetensors"
    save(replace(model, recall=Recall.of(48, np.full(Recall.SHAPES["odds"], 1 << 16, np.int32))), path)
    assert main(["inspect", "recall", "abcd! abcde", "--model", str(path)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"abcd! abcde\n{' ' * 9}▃{WRONG}\n")
    assert "recalled before 2 of 11 characters (18%); it comes 1 times (50%); mean L 3.5" in shown
    assert re.search(r"^3 +1 +1 +100% +50%\n4 +1 +0 +0% +50%\n", shown, re.MULTILINE)


@pytest.mark.parametrize("what", ["units", "memory", "characters", "recall"])
def test_a_picture_without_matplotlib_says_what_to_install(
    what: str, artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["inspect", what, TEXT, "--model", str(artifact), "--plot", str(tmp_path / "p.png")]) != 0
    shown = capsys.readouterr()
    assert "needs matplotlib, which is not installed; type: " in shown.err
    assert shown.out == ""


def test_it_needs_no_torch(artifact: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for what in ("units", "memory", "characters", "recall"):
        assert main(["inspect", what, TEXT, "--model", str(artifact), "--steps", "20"]) == 0
        assert capsys.readouterr().out
