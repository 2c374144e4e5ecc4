"""Which model suits a text: by the name of its file, by how a script begins, by the language that an editor calls it.

notes.md    prose    english
setup.py    python   python
main.rs              none fits: better no suggestion than a silly one

`type`, and whatever else opens files by name, shares this table. Knows neither files nor configuration.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Final, NamedTuple

UNDECIDED: Final = ("", "plaintext", "text", "fundamental")
"""What editors call a text of which they know nothing: the name decides."""


class Kind(NamedTuple):
    """A kind of text."""

    model: str  # the shipped one
    patterns: tuple[str, ...]  # of file names, as in a shell, whatever the case of their letters
    languages: tuple[str, ...]  # as VS Code, Vim and Emacs call them


KINDS: Final[Mapping[str, Kind]] = {
    "python": Kind("python", ("*.py", "*.pyi", "*.pyw"), ("python", "python-ts")),
    "prose": Kind(
        "english",
        ("*.txt", "*.text", "*.md", "*.markdown", "*.mdx", "*.rst", "*.adoc", "*.org", "*.tex", "*.typ", "*.eml"),
        ("markdown", "restructuredtext", "rst", "asciidoc", "org", "latex", "tex", "typst", "mail", "git-commit", "gitcommit"),
    ),
}

BARE: Final = "prose"
"""A name without a suffix is that of notes, a README or a commit message, but for these."""

NOT_BARE: Final = (
    *("makefile", "gnumakefile", "dockerfile", "containerfile", "vagrantfile", "jenkinsfile", "procfile", "gemfile"),
    *("rakefile", "brewfile", "pipfile", "justfile", "caddyfile", "codeowners", "git-rebase-todo", "crontab"),
)


def model_for(
    name: str, chosen: Mapping[str, str] | None = None, otherwise: str | None = None, *, text: str = "", language: str = ""
) -> str | None:
    """The model for a file's name, or None if none fits.

    First comes what was `chosen` for a pattern of names, then what was chosen for the kind of the text, then the shipped model
    for that kind, and `otherwise` where nothing is known of the text. Chosen, "" means none. `text` is the file's, or its
    beginning.
    """
    chosen = chosen or {}
    file = PurePath(name).name
    kind = kind_of(file, text, language)
    found = next((model for pattern, model in chosen.items() if matches(file, pattern)), None)
    if found is None:
        found = chosen.get(kind, KINDS[kind].model) if kind else otherwise
    return found or None


def kind_of(file: str, text: str = "", language: str = "") -> str | None:
    """The kind of a text, a key of KINDS; None if it is not known."""
    if language.lower() not in UNDECIDED:
        return next((name for name, kind in KINDS.items() if language.lower() in kind.languages), None)
    found = next((name for name, kind in KINDS.items() if any(matches(file, each) for each in kind.patterns)), None)
    return found or (kind_of_bare(file, text) if "." not in file else None)


def kind_of_bare(file: str, text: str) -> str | None:
    """The kind of a file whose name has no suffix: a script says what reads it in its first line."""
    if text.startswith("#!"):
        return "python" if "python" in text.partition("\n")[0] else None
    return BARE if file.lower() not in NOT_BARE else None


def matches(file: str, pattern: str) -> bool:
    """Whether a pattern means a file's name."""
    return fnmatchcase(file.lower(), pattern.lower())
