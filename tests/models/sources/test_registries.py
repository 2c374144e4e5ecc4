"""Laws of archives: what is not what the table says is not taken, and what is there is not asked for again."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from sample_packages import debian_of, project_of, sha256_of, tar_of, wheel_of

from elman_models.sources import registries
from elman_models.sources.archives import read_files
from elman_models.sources.projects import Project, all_projects, projects_of, read_table
from elman_models.sources.registries import RegistryError, bring, path_of

HEAD = "registry,name,version,licence,part,texts,sha256\n"


def npm_with(archives: dict[str, bytes], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program `npm` that packs these archives and no others, first on the path."""
    at_hand = folder / "at hand"
    at_hand.mkdir(parents=True)
    for name, archive in archives.items():
        (at_hand / name).write_bytes(archive)
    program = folder / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\necho "$@" >> "$(dirname "$0")/asked"\nwhile [ "$1" != --pack-destination ]; do shift; done\n'
        f'cp "{at_hand}"/* "$2"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def known(folder: Path, name: str, archive: bytes) -> Project:
    """The row of an archive."""
    (folder / "archive").write_bytes(archive)
    return project_of(name, sha256=sha256_of(folder / "archive"))


def test_an_archive_is_brought_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archives = {"a-1.0.tgz": tar_of({"a.js": "a"}), "s-b-1.0.tgz": tar_of({"b.js": "b"})}
    npm_with(archives, tmp_path, monkeypatch)
    projects = [known(tmp_path, name, archive) for name, archive in zip(("a", "@s/b"), archives.values(), strict=True)]
    for _ in range(2):
        bring(projects, tmp_path / "kept")
    assert [path_of(project, tmp_path / "kept").read_bytes() for project in projects] == list(archives.values())
    asked = (tmp_path / "bin" / "asked").read_text().splitlines()
    assert len(asked) == 1
    assert asked[0].endswith("a@1.0 @s/b@1.0")
    assert "--ignore-scripts" in asked[0]


def test_an_archive_that_is_not_the_tables_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_with({"a-1.0.tgz": tar_of({"a.js": "other"})}, tmp_path, monkeypatch)
    with pytest.raises(
        RegistryError, match=r"npm: no archive of the table's SHA-256 for a 1\.0; came: a-1\.0\.tgz of SHA-256 [0-9a-f]{64}"
    ):
        bring([known(tmp_path, "a", tar_of({"a.js": "a"}))], tmp_path / "kept")
    assert not path_of(project_of("a"), tmp_path / "kept").exists()


def test_an_archive_that_changed_where_it_is_kept_is_refused(tmp_path: Path) -> None:
    project = known(tmp_path, "a", tar_of({"a.js": "a"}))
    path = path_of(project, tmp_path)
    path.parent.mkdir()
    path.write_bytes(tar_of({"a.js": "other"}))
    with pytest.raises(RegistryError, match=rf"{path}: SHA-256 {sha256_of(path)}, in the table {project.sha256}; delete"):
        bring([project], tmp_path)


def test_what_a_client_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_with({}, tmp_path, monkeypatch)
    (tmp_path / "bin" / "npm").write_text("#!/bin/sh\necho 404 no such package >&2\nexit 1\n")
    with pytest.raises(RegistryError, match="npm pack: 404 no such package"):
        bring([project_of("a")], tmp_path / "kept")


def test_a_client_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RegistryError, match="npm: No such file"):
        bring([project_of("a")], tmp_path / "kept")


def test_clients_are_asked_for_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def client(batch: Sequence[Project], place: Path) -> None:
        asked.append(len(batch))
        for project in batch:
            (place / project.name).write_bytes(contents[project.name])

    contents = {f"p{number}": b"%d" % number for number in range(95)}
    monkeypatch.setitem(registries.CLIENTS, "npm", client)
    bring([known(tmp_path, name, content) for name, content in contents.items()], tmp_path / "kept")
    assert asked == [40, 40, 15]


@pytest.mark.parametrize("kind", ["source archive", "uncompressed", "wheel", "debian"])
def test_files_are_read_out_of_every_kind_of_archive(tmp_path: Path, kind: str) -> None:
    files = {"usr/a.py": "a = 1\n", "usr/more/b.py": "b = 2\n", "c.txt": "c"}
    archive = {
        "source archive": lambda: tar_of(files, "p-1.0/"),
        "uncompressed": lambda: tar_of(files, "p-1.0/", "w:"),
        "wheel": lambda: wheel_of(files),
        "debian": lambda: debian_of(files),
    }[kind]()
    (tmp_path / "archive").write_bytes(archive)
    found = read_files(tmp_path / "archive", lambda path: path.endswith(".py"))
    assert found == {"usr/a.py": b"a = 1\n", "usr/more/b.py": b"b = 2\n"}


def test_a_file_that_is_too_large_to_be_written_by_hand_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(tar_of({"large.js": "x" * 2_000_001, "small.js": "x"}))
    assert list(read_files(tmp_path / "archive", lambda _: True)) == ["small.js"]


def test_the_table_is_in_order_and_nothing_is_in_it_twice() -> None:
    rows = [(project.registry, project.name.lower()) for project in all_projects()]
    assert rows == sorted(set(rows))


def test_every_text_has_projects_in_all_parts_and_none_of_one_name_twice() -> None:
    for text in {text for project in all_projects() for text in project.texts}:
        projects = projects_of(text)
        assert {project.part for project in projects} == {"training", "validation", "unseen"}
        assert len({project.folder for project in projects}) == len(projects)


def test_held_out_projects_come_first() -> None:
    parts = [project.part for project in projects_of("javascript")]
    assert parts == sorted(parts, key=["unseen", "validation", "training"].index)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("cpan,p,1.0,MIT,training,javascript,{0}", "registry"),
        ("npm,p,1.0,MIT,trainning,javascript,{0}", "part"),
        ("npm,p,1.0,MIT,training,,{0}", "texts"),
        ("npm,p,1.0,MIT,training,javascript,abc", "sha256"),
    ],
)
def test_a_row_that_is_not_understood_is_refused(tmp_path: Path, row: str, field: str) -> None:
    (tmp_path / "table.csv").write_text(HEAD + row.format("0" * 64) + "\n")
    with pytest.raises(ValueError, match=f"p 1.0: {field}: not understood"):
        read_table(tmp_path / "table.csv")
