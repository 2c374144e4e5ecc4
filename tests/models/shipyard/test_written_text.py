"""Laws of a text that projects wrote: whole projects are held out, and nothing of them is trained on."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from runs import longest_shared_run
from sample_packages import keep, project_of

from elman_models.selection.overlap import LENGTH
from elman_models.shipyard import written_text
from elman_models.shipyard.inventory import in_words, table_of
from elman_models.shipyard.make import TEXTS, WRITTEN
from elman_models.shipyard.written_text import divided, read_text
from elman_models.sources.documents import LeftOut
from elman_models.sources.kinds import KINDS
from elman_models.sources.projects import Project, all_projects


def code(word: str, lines: int = 12) -> str:
    """Something that somebody may have written, and nobody else."""
    return "".join(f"export const {word}{number} = {word} => {word}.add({number});\n" for number in range(lines))


def table(folder: Path, monkeypatch: pytest.MonkeyPatch, files: Mapping[str, Mapping[str, str]]) -> list[Project]:
    """A project of a part for each name, `unseen-a` and the like, in a table of their own."""
    projects = [keep(folder, project_of(name, part=name.partition("-")[0]), given) for name, given in files.items()]

    def projects_of(text: str) -> list[Project]:
        return projects if text == "javascript" else []

    monkeypatch.setattr(written_text, "projects_of", projects_of)
    return projects


def test_a_project_is_held_out_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        f"{part}-{name}": {"a.js": code(part + name), "b.js": code(name + part)}
        for part in ("unseen", "validation", "training")
        for name in ("no", "on")
    }
    table(tmp_path, monkeypatch, files)
    parts = read_text("javascript", tmp_path)
    for part, documents in {"unseen": parts.unseen, "validation": parts.validation, "training": parts.training}.items():
        assert set(documents) == {f"{part}-{name}/{file}.js" for name in ("no", "on") for file in "ab"}


def test_nothing_that_is_held_out_is_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = code("shared", 8)
    files = {
        "unseen-a": {"a.js": code("a") + shared},
        "validation-b": {"b.js": code("b") + shared + code("again")},
        "training-c": {"c.js": code("c", 20) + shared, "d.js": code("d", 20) + code("again")},
    }
    table(tmp_path, monkeypatch, files)
    parts = read_text("javascript", tmp_path)
    assert "shared7" in parts.unseen["unseen-a/a.js"]
    assert len(parts.training) == 2
    for held_out in (parts.unseen, parts.validation):
        assert len(longest_shared_run(parts.training.values(), held_out.values())) < LENGTH


def test_what_is_read_twice_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table(
        tmp_path,
        monkeypatch,
        {f"training-{name}": {f"{letter}.js": code(name + letter) for letter in "abc"} for name in ("no", "on", "noo")},
    )
    assert read_text("javascript", tmp_path) == read_text("javascript", tmp_path)


def test_a_sign_that_few_projects_use_takes_its_lines_with_it_in_training_alone() -> None:
    projects = [*(project_of(name) for name in "tuv"), project_of("w", part="unseen"), project_of("x", part="validation")]
    documents = {f"{name}/a": code("t") + "\t→ all\n" for name in "tuv"} | {"w/a": "♞ two\n", "x/a": "♞ three\n"}
    documents["t/a"] += "♞ one\ntéàd\n"
    parts = divided(documents, projects)
    assert parts.training["t/a"] == code("t") + "\t→ all\ntéàd\n"
    assert parts.training["u/a"] == documents["u/a"]
    assert (parts.unseen, parts.validation) == ({"w/a": "♞ two\n"}, {"x/a": "♞ three\n"})


def test_the_account_tells_parts_projects_and_what_was_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "unseen-a": {"a.js": code("a")},
        "validation-b": {"b.js": code("b")},
        "training-c": {"c.js": code("c"), "dist/c.js": "x" * 200},
    }
    refused = keep(tmp_path, project_of("training-d"), {"d.js": code("d")}, licence=None)
    projects = table(tmp_path, monkeypatch, files)
    projects.append(refused)
    left_out = LeftOut()
    told = "\n".join(in_words(read_text("javascript", tmp_path, left_out), left_out, pages=1))
    assert "in 1 documents of 1 projects; " in told
    assert "refused: training-d 1.0 (no licence file)" in told
    assert "left out: built 1" in told
    assert f"----- training-c/c.js\n{code('c')[:100]}" in told


@pytest.mark.parametrize("name", WRITTEN)
def test_a_model_names_each_project_it_learns_from_with_its_licence(name: str) -> None:
    learned = [project for project in all_projects() if name in project.texts and project.part == "training"]
    assert TEXTS[name].text.startswith(", ".join(project.with_licence for project in learned))
    assert len(TEXTS[name].text) < 20_000
    assert name in KINDS


@pytest.mark.parametrize("name", WRITTEN)
def test_the_page_of_the_models_has_the_projects_that_are_learnt_from_and_no_others(name: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
    assert f"### `{name}`\n\n{table_of(name)}" in f"{page}\n"
