"""Laws of what is read of a folder: what a person wrote, and a word on everything else."""

import errno
import os
import random
import subprocess
from pathlib import Path

import pytest

from elman_models.corpus import SHOWN, read_corpus
from elman_models.selection import folders
from elman_models.selection.folders import CACHE_TAG, files_below
from elman_models.selection.generated import reason_against_text


def write(path: Path, text: str = "some text\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(folder: Path) -> tuple[list[str], list[str]]:
    """The files of a folder, and what is left out of it, by their paths in it."""
    left_out: list[str] = []
    files = [str(path.relative_to(folder)) for path in files_below(folder, left_out.append)]
    return files, [line.removeprefix(f"{folder}/") for line in left_out]


def git(folder: Path, *arguments: str) -> str:
    """What git says, whatever the person who runs the tests has told it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


PATTERNS = [
    "a",
    "b/",
    "/a",
    "!a",
    "*.x",
    "!b.x",
    "a/b",
    "**/b",
    "b/**",
    "c*",
    "!/c",
    "# a",
    "a/*",
    "!a/b",
    "a\\ ",
    "[ab].x",
    "?",
    "!",
    "\\",
]


@pytest.mark.parametrize("seed", range(16))
def test_git_ignores_the_same(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    git(tmp_path, "init", "--quiet")
    folders = ["", "a", "b", "c", "a/b", "b/a", "c/a", "a/b/a"]
    for folder in folders:
        for name in draw.sample(["a.x", "b.x", "f", "d", "e.x"], 4):
            write(tmp_path / folder / name)
        if draw.random() < 0.6:
            write(tmp_path / folder / ".gitignore", "".join(f"{line}\n" for line in draw.choices(PATTERNS, k=4)))
    write(tmp_path / ".git" / "info" / "exclude", draw.choice(PATTERNS))
    known = git(tmp_path, "ls-files", "--others", "--exclude-standard", "--directory").split()
    for folder in ("", *(folder for folder in ("b", "c") if f"{folder}/" in known)):  # unless ignored itself
        listed = git(tmp_path / folder, "ls-files", "--others", "--exclude-standard").split("\n")
        assert sorted(read(tmp_path / folder)[0]) == sorted(path for path in listed if path and not path.endswith(".gitignore"))


def test_what_git_ignores_is_named_once_and_not_looked_into(tmp_path: Path) -> None:
    write(tmp_path / ".gitignore", "build/\n*.log\n")
    for name in ("a.txt", "b.log", "build/a.txt", "build/b.txt"):
        write(tmp_path / name)
    assert read(tmp_path) == (["a.txt"], ["b.log: ignored by .gitignore", "build: ignored by .gitignore"])


def test_a_folder_that_is_named_is_read_though_git_ignores_it(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path / ".gitignore", "build/\n")
    write(tmp_path / "build" / "a.txt")
    assert read(tmp_path / "build") == (["a.txt"], [])


def test_what_tools_wrote_is_left_out_by_its_name_and_said(tmp_path: Path) -> None:
    for name in (
        "a.py",
        "node_modules/x/a.js",
        "uv.lock",
        "package-lock.json",
        "go.sum",
        "a.min.js",
        "a.js.map",
        "b/__pycache__/a",
    ):
        write(tmp_path / name)
    write(tmp_path / "env" / "pyvenv.cfg")
    write(tmp_path / "target" / "CACHEDIR.TAG", CACHE_TAG.decode())
    write(tmp_path / "mine" / "CACHEDIR.TAG", "not a tag")
    assert read(tmp_path) == (
        ["a.py", "mine/CACHEDIR.TAG"],
        [
            "a.js.map: minified",
            "a.min.js: minified",
            "go.sum: a lock file",
            "package-lock.json: a lock file",
            "uv.lock: a lock file",
            "env: a Python environment",
            "node_modules: installed packages",
            "target: a cache",
            "b/__pycache__: a cache",
        ],
    )


def test_links_that_leave_the_folder_are_left_out_and_others_are_read_where_they_lead(tmp_path: Path) -> None:
    folder, outside = tmp_path / "notes", write(tmp_path / "outside" / "a.txt")
    write(folder / "sub" / "b.txt")
    write(folder / ".archive" / "c.txt")
    write(folder / "node_modules" / "d.txt")
    write(folder / "private" / "e.txt")
    write(folder / ".gitignore", "private/\n")
    for name, target in {
        "file": outside, "folder": outside.parent, "inside": folder / "sub", "twice": folder / "sub" / "b.txt",
        "kept": folder / ".archive" / "c.txt", "gone": tmp_path / "nothing", "loop": folder / "loop",
        "package": folder / "node_modules" / "d.txt", "secret": folder / "private" / "e.txt",
    }.items():  # fmt: skip
        (folder / name).symlink_to(target)
    files, left_out = read(folder)
    assert files == ["kept", "twice", "sub/b.txt"]
    assert left_out == [
        "file: a link that leads out of the folder",
        "gone: a link to nothing",
        "loop: a link to nothing",
        "package: a link to installed packages",
        "secret: a link to what .gitignore ignores",
        "folder: a link that leads out of the folder",
        "node_modules: installed packages",
        "private: ignored by .gitignore",
    ]
    assert len(read_corpus([folder]).documents) == 2


def test_a_folder_named_by_a_link_is_read(tmp_path: Path) -> None:
    write(tmp_path / "real" / "sub" / "a.txt")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert read(tmp_path / "link") == (["sub/a.txt"], [])


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_is_closed_is_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    assert read(tmp_path) == ([], ["closed: Permission denied"])


def test_a_folder_that_may_not_be_entered_keeps_no_other_file_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        if path.name == "closed":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    write(tmp_path / "closed" / "a.txt")
    write(tmp_path / "open" / "b.txt")
    monkeypatch.setattr(folders, "reason_against_folder", refuse)  # root may enter everything
    assert read(tmp_path) == (["open/b.txt"], ["closed: Permission denied"])


def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read(tmp_path) == ([], ["pipe: no ordinary file"])


@pytest.mark.parametrize(
    "text",
    [
        "// Code generated by protoc-gen-go. DO NOT EDIT.\npackage a\n",
        "# -*- coding: utf-8 -*-\n# Generated by the protocol buffer compiler.  DO NOT EDIT!\n",
        "/**\n * @generated SignedSource<<1>>\n */\n",
        "// <auto-generated>\n//     This code was generated by a tool.\n",
        "# This file is automatically generated by pegen.\n",
        "-- autogenerated by a migration\n",
    ],
)
def test_what_says_that_it_is_generated_is_left_out(text: str) -> None:
    assert reason_against_text(Path("a"), text) == "generated, as it says of itself"


def test_what_go_calls_generated_is_wherever_it_says_so() -> None:
    mark = "// Code generated by protoc-gen-go. DO NOT EDIT.\n"
    assert reason_against_text(Path("a.go"), "// Words.\n" * 400 + mark) == "generated, as it says of itself"
    assert reason_against_text(Path("a.go"), "// Words.\n" * 400 + "    " + mark) is None


@pytest.mark.parametrize(
    "text",
    [
        "The report was generated by a committee; do not edit it.\n",
        "# We generated by hand what others edit\n",
        "import a\n" * 400 + "# Generated by a tool. DO NOT EDIT.\n",
        "# Do not edit this by hand: ask first\n",
    ],
)
def test_what_speaks_of_generating_is_not_generated(text: str) -> None:
    assert reason_against_text(Path("a.md"), text) is None


def test_lines_too_long_for_a_person_are_minified_and_paragraphs_are_not() -> None:
    assert reason_against_text(Path("a.js"), "f();" * 500) == "minified (2,000 characters a line)"
    assert reason_against_text(Path("a.js"), "f();\n" * 500) is None
    assert reason_against_text(Path("a.js"), "f();" * 100) is None
    assert reason_against_text(Path("a.txt"), "words " * 500) is None


def test_the_first_of_what_is_left_out_are_named_and_all_where_asked(tmp_path: Path) -> None:
    for number in range(SHOWN + 3):
        write(tmp_path / f"{number:02}.lock")
    corpus = read_corpus([tmp_path])
    few, every = list(corpus.left_out(False)), list(corpus.left_out(True))
    assert few == [*every[:SHOWN], "left out: 3 more; --verbose names all of them, and a file that is named itself is read"]
    assert every[-1] == f"left out: {tmp_path}/12.lock: a lock file"


def test_a_file_that_is_named_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    path = write(tmp_path / "uv.lock", "# @generated\n")
    assert read_corpus([path]).documents == ("# @generated\n",)
