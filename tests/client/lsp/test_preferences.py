"""What an editor may set, how a wrong value is told, and which model that means for a document."""

from typing import Any

import pytest

from elman.languages import PROSE
from elman.lsp.models import choose
from elman.lsp.preferences import NAMES, Preferences

GIVEN = Preferences()


def test_each_setting_is_taken_by_the_name_in_the_contract() -> None:
    values: dict[str, Any] = {
        "enabled": False,
        "model": PROSE,
        "models": {"*.tex": PROSE, "*.log": ""},
        "server": ["127.0.0.1:1"],
        "exclude": ["*.md"],
        "languages": {"markdown": False},
        "alternatives": 5.0,
        "insideWords": True,
        "maxCharacters": 20,
        "contextCharacters": 4096,
        "completion": False,
    }
    assert set(values) == set(NAMES)
    preferences, problems = GIVEN.with_values(values, GIVEN)
    assert not problems
    assert preferences == Preferences(
        *(False, PROSE, {"*.tex": PROSE, "*.log": ""}, ("127.0.0.1:1",), ("*.md",), {"markdown": False}),
        *(5, True, 20, 4096, False),
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"alternatives": 17}, "alternatives: 17 is out of range; allowed: 1 to 16, whole"),
        ({"alternatives": True}, "alternatives: True is out of range; allowed: 1 to 16, whole"),
        ({"alternatives": "3"}, "alternatives: '3' is out of range; allowed: 1 to 16, whole"),
        ({"enabled": "no"}, "enabled: 'no' is out of range; allowed: true or false"),
        ({"models": {"*.py": 3}}, "models.*.py: 3 is out of range; allowed: text"),
        ({"models": "python"}, "models: 'python' is out of range; allowed: an object: text for each name"),
        ({"server": [1]}, "server: [1] is out of range; allowed: a list of texts"),
        ({"exclude": {"a": 1}}, "exclude: {'a': 1} is out of range; allowed: a list of texts"),
        ("on", "settings: 'on' is out of range; allowed: an object"),
    ],
)
def test_a_wrong_value_is_told_and_the_old_one_stays(values: object, told: str) -> None:
    old = Preferences(alternatives=2, enabled=False, models={"a": "b"})
    preferences, problems = GIVEN.with_values(values, old)
    assert [str(problem) for problem in problems] == [told]
    kept = {NAMES[name]: getattr(old, NAMES[name]) for name in values} if isinstance(values, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    assert preferences == Preferences(**kept)


def test_an_unknown_setting_is_told_with_those_that_there_are() -> None:
    (problem,) = GIVEN.with_values({"alternative": 2}, GIVEN)[1]
    assert str(problem).startswith("alternative: no such setting; allowed: enabled, model, models, server, exclude")


def test_null_and_empty_tables_leave_the_default() -> None:
    nothing: list[Any] = [None, {}, [], {"model": None, "languages": [], "models": []}]
    for values in nothing:
        assert GIVEN.with_values(values, GIVEN) == (GIVEN, [])
    assert GIVEN.with_values({"exclude": {}}, Preferences(exclude=("a",)))[0].exclude == ()  # an empty list of Lua


def test_a_document_is_asked_for_as_they_say() -> None:
    fields = Preferences(max_characters=20, context_characters=4096).fields
    assert fields == {"max_characters": 20, "context_characters": 4096, "heed_surroundings": False}


@pytest.mark.parametrize(
    ("uri", "language", "model"),
    [
        ("file:///texts/a.py", "python", "python"),
        ("file:///texts/a.py", "", "python"),
        ("file:///texts/notes.md", "markdown", PROSE),
        ("file:///texts/COMMIT_EDITMSG", "gitcommit", PROSE),
        ("file:///texts/main.rs", "rust", "rust"),
        ("file:///texts/main.zig", "zig", ""),
        ("untitled:Untitled-1", "plaintext", PROSE),
        ("", "", PROSE),
        ("file:///texts/.env", "dotenv", ""),
        ("file:///texts/.env.production", "", ""),
        ("file:///home/me/.ssh/config.txt", "", ""),
        ("file:///home/me/.ssh%2Fnotes.md", "markdown", ""),
        ("file:///texts/secrets/notes.md", "markdown", ""),
        ("file:///texts/secrets-of-x/notes.md", "markdown", PROSE),
        ("file:///texts/app.env/credentials.d/notes.md", "markdown", PROSE),
        ("file:///texts/Credentials.md", "markdown", ""),
        ("file:///texts/key.pem", "plaintext", ""),
        ("http://[", "markdown", PROSE),
    ],
)
def test_the_model_for_a_document(uri: str, language: str, model: str) -> None:
    assert choose(GIVEN, uri, language, "").model == model


@pytest.mark.parametrize(
    ("pattern", "path", "is_excluded"),
    [
        ("notes*", "/texts/notes.md", True),
        ("notes*", "/notes/a.md", False),
        ("notes/", "/texts/Notes/of/a.md", True),
        ("notes/", "/texts/my-notes/a.md", False),
        ("notes/", "/texts/notes", False),
        ("/texts/notes/", "/texts/notes/a.md", True),
        ("/texts/notes/", "/home/texts/notes/a.md", False),
        ("of/*.md", "/texts/notes/of/a.md", True),
        ("of/*.md", "/texts/notes/of/a.txt", False),
        ("**/notes/**", "/texts/notes/of/a.md", True),
        ("notes\\", "c:\\work\\notes\\a.md", True),
    ],
)
def test_a_pattern_means_names_of_files_and_with_a_slash_places(pattern: str, path: str, is_excluded: bool) -> None:
    assert Preferences(exclude=(pattern,)).excluding(path) == (pattern if is_excluded else "")


@pytest.mark.parametrize(
    ("exclude", "path", "by"),
    [
        ((), "/home/ann/.bash_history", "*_history"),
        (("*.log",), "/texts/.env", ".env"),  # one's own patterns leave the secrets excluded
        (("*.log",), "/texts/a.log", "*.log"),
        (("!secrets.py",), "/texts/secrets.py", ""),
        (("!secrets.py",), "/texts/secrets.toml", "secrets*"),
        (("!secrets.py",), "/texts/secrets/secrets.py", ""),
        (("!*.md", "notes/"), "/notes/credentials.md", "notes/"),  # the last that means it decides
        (("notes/", "!*.md"), "/notes/credentials.md", ""),
    ],
)
def test_the_last_pattern_that_means_a_file_decides_and_secrets_come_first(
    exclude: tuple[str, ...], path: str, by: str
) -> None:
    assert Preferences(exclude=exclude).excluding(path) == by


def test_why_there_is_none() -> None:
    assert choose(GIVEN, "file:///a/.env", "", "").reason == ".env is excluded: .env"
    assert choose(Preferences(enabled=False), "file:///a.py", "python", "").state == "off"
    assert choose(Preferences(languages={"python": False}), "file:///a.py", "python", "").state == "off"
    assert choose(GIVEN, "file:///a.zig", "zig", "").state == "no model"
    assert choose(Preferences(model=PROSE), "file:///a.zig", "zig", "").model == PROSE
    assert choose(Preferences(models={"*.rs": "mine.safetensors"}), "file:///a.rs", "rust", "").model == "mine.safetensors"
    assert choose(Preferences(models={"python": ""}), "file:///a.py", "python", "").state == "no model"
