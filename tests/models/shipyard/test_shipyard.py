"""Laws of making a shipped model."""

import re
from pathlib import Path

import pytest
from prose import QUICK, prose

from elman_models.law.artifact import load
from elman_models.shipyard.__main__ import main
from elman_models.shipyard.make import RECIPES, TEXTS, Source, listed, make, write_texts
from elman_models.shipyard.texts import DividedText
from elman_models.training.recipe import read_recipe

PARTS = DividedText({"a": prose(3000), "b": prose(1000, seed=1)}, {"c": prose(500, seed=2)}, {"d": prose(700, seed=3)})


def size(*names: str) -> int:
    return sum(len({**PARTS.training, **PARTS.validation, **PARTS.unseen}[name]) for name in names)


def test_a_shipped_model_says_what_it_learned_from_and_how_well(tmp_path: Path) -> None:
    output = tmp_path / "m.safetensors"
    make(Source(lambda: PARTS, "a package 1.0", "a licence"), QUICK, output, "cpu", resume=False)
    about = load(output).about
    assert about["text"] == f"a package 1.0; a, b: {size('a', 'b'):,} characters"
    assert about["held_out"] == f"c: {size('c')} characters"
    assert about["licence"] == "a licence; the model is under Apache-2.0, as elman is"
    assert about["quality"]["held_out"]["characters"] == size("c")
    assert about["quality"]["unseen"]["text"] == f"d: {size('d')} characters"
    assert about["quality"]["unseen"]["characters"] == size("d")


def test_every_text_has_a_recipe_and_a_target() -> None:
    targets = (Path(__file__).parents[3] / "Makefile").read_text(encoding="utf-8")
    for name in TEXTS:
        recipe = read_recipe(RECIPES / f"{name}.json")
        assert recipe.held_out == 0, "the text is divided by what it is, not by pages"
        assert recipe.precision == "auto", "bfloat16 takes five times as long as float32 without instructions for it"
        assert re.search(rf"^train-{name}: setup ##", targets, re.MULTILINE)


def test_a_model_without_a_text_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["klingon"])
    assert "invalid choice: 'klingon' (choose from" in capsys.readouterr().err


def test_what_cannot_be_resumed_is_refused_before_its_text_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TEXTS, "prose", Source(lambda: pytest.fail("read"), "a package 1.0", "a licence"))
    with pytest.raises(SystemExit) as end:
        main(["prose", "--resume", "--output", str(tmp_path / "m.safetensors")])
    assert end.value.code == 1
    assert "m.safetensors.checkpoint: no such checkpoint\n" in capsys.readouterr().err


def test_many_names_are_counted_not_listed() -> None:
    assert listed({str(number): "ab" for number in range(41)}) == "41 documents: 82 characters"


def test_the_parts_of_a_text_can_be_written_for_eval(tmp_path: Path) -> None:
    parts = DividedText({"a": "first\n", "b/1": "é"}, {}, {"c": "last"})
    write_texts(parts, tmp_path)
    written = {path.relative_to(tmp_path).as_posix(): path.read_text("utf-8") for path in tmp_path.rglob("*.txt")}
    assert written == {"training/a.txt": "first\n", "training/b/1.txt": "é", "unseen/c.txt": "last"}
