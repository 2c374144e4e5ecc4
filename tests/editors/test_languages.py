"""What the real editors call the languages of files, and that the map knows each name as it knows the file's."""

import shutil
import subprocess
from pathlib import Path

import pytest

from elman.languages import KINDS, kind_of

NAMES = (
    *("a.py", "a.pyi", "a.txt", "a.md", "a.markdown", "a.rst", "a.org", "a.tex", "README", "COMMIT_EDITMSG", "notes"),
    *("a.js", "a.mjs", "a.jsx", "a.ts", "a.tsx", "a.json", "a.css", "a.scss", "a.less", "a.vue", "a.go", "a.rs"),
    *("a.c", "a.h", "a.cc", "a.cpp", "a.cxx", "a.hh", "a.hpp", "a.sh", "a.bash", "a.zsh", "a.mk", "Makefile", "Makefile.am"),
    *("a.yml", "a.yaml", "Dockerfile", "Dockerfile.dev", "docker-compose.yml", ".bashrc", ".profile", ".zshrc", "PKGBUILD"),
    *("CMakeLists.txt", "robots.txt", "requirements.txt", "a.lua", "a.toml", "a.html", "a.rb", "a.pl", "a.sql", "Vagrantfile"),
)
VIM = "filetype on | for name in readfile('names') | execute 'edit!' name | call writefile([&filetype], 'found', 'a') | endfor"
EMACS = (
    '(dolist (name (split-string (with-temp-buffer (insert-file-contents "names") (buffer-string)) "\\n" t))'
    " (with-current-buffer (find-file-noselect name)"
    '  (princ (format "%s\\n" (string-remove-suffix "-mode" (symbol-name major-mode))))))'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty file of each name, and the list of them."""
    for name in NAMES:
        (tmp_path / name).touch()
    (tmp_path / "names").write_text("".join(f"{name}\n" for name in NAMES))
    return tmp_path


def run(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=True).stdout


def check(called: list[str]) -> None:
    """Each language that an editor tells means what the file's name means, and so do most names by their language."""
    assert len(called) == len(NAMES)
    wrong = [
        (name, language)
        for name, language in zip(NAMES, called, strict=True)
        if kind_of(name, language=language) != kind_of(name)
    ]
    assert not wrong
    assert len({language for language in called if any(language in kind.languages for kind in KINDS.values())}) > 10


@pytest.mark.skipif(not shutil.which("vim"), reason="needs Vim: apt install vim-nox")
def test_vim_and_the_names_of_files_agree(folder: Path) -> None:
    run(folder, "vim", "-u", "NONE", "-i", "NONE", "-n", "-es", "-c", VIM, "-c", "qa!")
    check((folder / "found").read_text().splitlines())


@pytest.mark.skipif(not shutil.which("emacs"), reason="needs Emacs: apt install emacs-nox")
def test_emacs_and_the_names_of_files_agree(folder: Path) -> None:
    check(run(folder, "emacs", "-Q", "--batch", "--eval", EMACS).splitlines())
