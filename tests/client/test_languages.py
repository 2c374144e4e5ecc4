"""Which model a file's name, or what an editor calls its language, chooses."""

from pathlib import Path
from typing import Final

import pytest

from elman.languages import DEFAULT_MODEL, KINDS, OTHERS, PROSE, Fit, absence_of, fit_of, kind_of, programs_in, uses_of


def names(listed: str) -> frozenset[str]:
    """The names of a list."""
    return frozenset(listed.split())


SPECIFICATION: Final = names(
    "bat bibtex clojure coffeescript c cpp csharp css diff dart dockerfile elixir erlang fsharp git-commit git-rebase go "
    "groovy handlebars html ini java javascript javascriptreact json latex less lua makefile markdown objective-c "
    "objective-cpp pascal perl perl6 php powershell jade python r razor ruby rust scss sass scala shaderlab shellscript sql "
    "swift typescript typescriptreact tex vb xml xsl yaml"
)
"""The identifiers that the specification of the protocol lists (3.18, Text Document Item)."""
VS_CODE: Final = names("jsonc restructuredtext dockercompose scminput")
"""Those of VS Code itself beside them (1.105, the `contributes.languages` of its extensions)."""
EXTENSIONS: Final = names(
    "vue svelte mdx typst asciidoc github-actions-workflow tailwindcss postcss ansible azure-pipelines quarto"
)
"""Those of its widely used extensions: Vue, Svelte, MDX, Tinymist, AsciiDoc, GitHub Actions, Tailwind CSS, PostCSS, Ansible,
Azure Pipelines, Quarto."""
VIM: Final = names(
    "python markdown rst asciidoc org tex plaintex typst mail gitcommit javascript javascriptreact typescript "
    "typescriptreact vue svelte json jsonc css scss less go rust c cpp sh bash zsh ksh make automake yaml dockerfile mdx "
    "pandoc vimwiki hgcommit jjdescription gitsendemail neogitcommitmessage"
)
"""File types of Vim and Neovim (`ftplugin`, and `vim.filetype.match`), and of widely used plugins."""
EMACS: Final = names(
    "python python-ts markdown gfm rst adoc org latex plain-tex tex typst mail message log-edit js js2 js-jsx rjsx js-ts "
    "vue svelte typescript typescript-ts tsx-ts js-json json json-ts css css-ts scss less-css go go-ts rust rust-ts rustic "
    "c c++ c-ts c++-ts sh bash-ts makefile makefile-gmake makefile-bsdmake makefile-automake yaml yaml-ts dockerfile "
    "dockerfile-ts markdown-ts git-commit-ts vc-git-log-edit makefile-nmake"
)
"""Modes of Emacs 28 to 30 and of the packages that languages have there, without `-mode`."""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("s.py", "python"),
        ("stubs.pyi", "python"),
        ("folder.txt/S.PY", "python"),
        ("SConstruct", "python"),
        ("new.txt", "prose"),
        ("README.md", "prose"),
        ("thesis.tex", "prose"),
        ("README", "prose"),
        (".git/COMMIT_EDITMSG", "prose"),
        ("notes", "prose"),
        ("", "prose"),
        ("app.test.ts", "javascript"),
        ("App.tsx", "javascript"),
        ("package.json", "javascript"),
        ("site.scss", "javascript"),
        ("main.go", "go"),
        ("main.rs", "rust"),
        ("main.c", "c"),
        ("MAIN.H", "c"),
        ("main.cpp", "c"),
        ("run.sh", "scripts"),
        ("Makefile", "scripts"),
        ("rules.mk", "scripts"),
        (".github/workflows/ci.yml", "scripts"),
        ("Dockerfile", "scripts"),
        ("Dockerfile.dev", "scripts"),
        (".bashrc", "scripts"),
        (".gitignore", None),
        ("main.zig", None),
        ("s.py.orig", None),
        ("CMakeLists.txt", None),
        ("requirements-dev.txt", None),
        ("Jenkinsfile", None),
        ("WORKSPACE", None),
        ("id_ed25519", None),
        ("sshd_config", None),
        ("bashrc", "scripts"),
        (".bash_profile", "scripts"),
        (".bash_history", None),
        ("dev-requirements.txt", None),
        ("CODEOWNERS", None),
        ("tags", None),
    ],
)
def test_a_name_tells_the_kind_of_a_text_or_nothing(name: str, kind: str | None) -> None:
    assert fit_of(name) == Fit(KINDS[kind].model if kind else None, kind)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("#!/usr/bin/env python3\n", "python"),
        ("#!/usr/bin/env -S DEBUG=1 python3.12 -u\n", "python"),
        ("#!/bin/sh\npython\n", "scripts"),
        ("#!/usr/bin/make -f\n", "scripts"),
        ("#!/usr/bin/env -S uv run --script\n", "python"),
        ("#!/usr/bin/env -S poetry run python\n", "python"),
        ("#!/usr/bin/env -S npx tsx\n", "javascript"),
        ("#!/bin/busybox sh\n", "scripts"),
        ("#!/usr/bin/python3.14t\n", "python"),
        ("#!/usr/bin/env nodejs\n", "javascript"),
        ("#! /usr/bin/env node", "javascript"),
        ("#!/usr/bin/perl\n", None),
        ("#!\n", None),
        ("a #!", "prose"),
    ],
)
def test_a_script_without_a_suffix_says_what_it_is(text: str, kind: str | None) -> None:
    assert kind_of("run", text) == kind


def test_a_program_has_neither_a_folder_nor_a_version() -> None:
    lines = ("#!/opt/bin/python3.12 -E", "#!env ksh93", "#!")
    assert [list(programs_in(line)) for line in lines] == [["python"], ["env", "ksh"], []]


def test_what_was_chosen_comes_first_and_the_configured_model_where_nothing_fits() -> None:
    chosen = {"*.tex": "thesis", "prose": "notes", "*.rs": "mine", "*.key": ""}
    names = ("a.tex", "a.md", "a.py", "a.rs", "a.key", "a.zig")
    fits = [fit_of(name, chosen, "own") for name in names]
    assert [fit.model for fit in fits] == ["thesis", "notes", "python", "mine", None, "own"]


def test_a_shipped_model_that_is_not_there_gives_way_to_the_configured_one_or_to_none() -> None:
    there = {"python", "mine"}.__contains__
    assert fit_of("a.go", is_there=there) == Fit(None, "go", "go")
    assert absence_of("go") == "no model for Go; elman train FOLDER -o go.safetensors makes one"
    assert fit_of("a.go", {}, "mine", is_there=there) == Fit("mine", "go", "go")
    assert fit_of("a.go", {"go": "elsewhere"}, is_there=there) == Fit("elsewhere", "go")  # who chose it is told if it is not
    assert fit_of("a.py", is_there=there) == Fit("python", "python")
    assert fit_of("a.zig", is_there=there) == Fit(None)


def test_of_two_patterns_the_first_holds() -> None:
    assert fit_of("a.test.py", {"*.test.py": "one", "*.py": "two"}).model == "one"
    assert fit_of("a.test.py", {"*.py": "two", "*.test.py": "one"}).model == "two"


@pytest.mark.parametrize(
    ("name", "language", "kind"),
    [
        ("a", "python", "python"),
        ("a.py", "lua", None),
        ("", "markdown", "prose"),
        ("a.zig", "plaintext", None),
        ("CMakeLists.txt", "text", None),
        ("play.yml", "yaml.ansible", "scripts"),
        ("go.mod", "go.mod", None),
        ("a", "LaTeX", "prose"),
    ],
)
def test_what_an_editor_says_of_a_text_comes_before_its_name(name: str, language: str, kind: str | None) -> None:
    assert kind_of(name, language=language) == kind


def test_a_model_is_for_what_the_table_says_and_for_what_was_chosen() -> None:
    chosen = {"go": "python", "*.tex": PROSE, "*.log": ""}
    assert list(uses_of("python", chosen)) == ["Python", "Go"]
    assert list(uses_of(PROSE, chosen)) == ["prose, Markdown, commit messages", "*.tex"]
    assert list(uses_of("go", chosen)) == list(uses_of("shakespeare", {})) == []


def test_every_language_is_one_that_the_protocol_or_an_editor_really_has() -> None:
    known = SPECIFICATION | VS_CODE | EXTENSIONS | VIM | EMACS
    assert {language for kind in KINDS.values() for language in kind.languages} <= known


def test_no_language_pattern_or_interpreter_has_two_kinds() -> None:
    for field in ("languages", "patterns", "interpreters"):
        every = [each for kind in KINDS.values() for each in getattr(kind, field)]
        assert len(every) == len(set(every)), field
    assert not set(OTHERS) & {pattern for kind in KINDS.values() for pattern in kind.patterns}


def test_the_documents_have_the_same_map() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    for name, kind in KINDS.items():
        patterns = ", ".join(f"`{pattern}`" for pattern in kind.patterns)
        assert f"| {kind.what} | `{name}` | `{kind.model}` | {patterns} |\n" in page


def test_the_models_of_the_table_are_those_that_are_made() -> None:
    from elman_models.shipped import shipped_models
    from elman_models.shipyard.make import TEXTS

    assert {kind.model for kind in KINDS.values()} <= TEXTS.keys()
    assert next(iter(shipped_models())) == DEFAULT_MODEL == PROSE
