"""Which model a file's name chooses."""

import pytest

from elman.languages import KINDS, kind_of, model_for


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("s.py", "python"),
        ("stubs.pyi", "python"),
        ("folder.txt/S.PY", "python"),
        ("new.txt", "english"),
        ("README.md", "english"),
        ("thesis.tex", "english"),
        ("README", "english"),
        (".git/COMMIT_EDITMSG", "english"),
        ("notes", "english"),
        ("Makefile", None),
        (".bashrc", None),
        ("main.rs", None),
        ("main.go", None),
        ("data.json", None),
        ("s.py.orig", None),
        ("", "english"),
    ],
)
def test_a_name_chooses_the_model_that_fits_or_none(name: str, model: str | None) -> None:
    assert model_for(name) == model


@pytest.mark.parametrize(
    ("text", "kind"), [("#!/usr/bin/env python3\n", "python"), ("#!/bin/sh\npython\n", None), ("a #!", "prose")]
)
def test_a_script_without_a_suffix_says_what_it_is(text: str, kind: str | None) -> None:
    assert kind_of("run", text) == kind


def test_what_was_chosen_comes_first_and_the_configured_model_where_nothing_fits() -> None:
    chosen = {"*.tex": "thesis", "prose": "notes", "*.rs": "rust", "*.key": ""}
    names = ("a.tex", "a.md", "a.py", "a.rs", "a.key", "a.go")
    assert [model_for(name, chosen, "own") for name in names] == ["thesis", "notes", "python", "rust", None, "own"]


def test_of_two_patterns_the_first_holds() -> None:
    assert model_for("a.test.py", {"*.test.py": "one", "*.py": "two"}) == "one"
    assert model_for("a.test.py", {"*.py": "two", "*.test.py": "one"}) == "two"


@pytest.mark.parametrize(
    ("name", "language", "kind"),
    [("a", "python", "python"), ("a.py", "rust", None), ("", "markdown", "prose"), ("a.rs", "plaintext", None)],
)
def test_what_an_editor_says_of_a_text_comes_before_its_name(name: str, language: str, kind: str | None) -> None:
    assert kind_of(name, language=language) == kind


def test_every_kind_has_a_shipped_model() -> None:
    from elman_models.shipped import shipped_models

    assert {kind.model for kind in KINDS.values()} <= shipped_models().keys()
