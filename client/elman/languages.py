"""Which model suits a text: by the name of its file, by how a script begins, by the language that an editor calls it.

notes.md    prose         prose
setup.py    python        python
Makefile    scripts       shell
main.zig                  none fits: better no suggestion than a silly one

`type`, the language server, `models` and whatever else opens files by name share this table. A model that it names need not be
there. Knows neither files, models nor configuration.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Final, NamedTuple

PROSE: Final = "prose"
"""The model of prose."""

DEFAULT_MODEL: Final = PROSE
"""The model where there is no file."""

UNDECIDED: Final = ("", "plaintext", "text", "fundamental")
"""What editors call a text of which they know nothing: the name decides."""

DOTTED: Final = ("go.mod", "go.sum", "go.work")
"""Languages of their own in VS Code; another one with a dot in Vim (yaml.ansible, javascript.jsx) is what stands before it."""


class Kind(NamedTuple):
    """A kind of text."""

    model: str  # the shipped one, once it is there
    what: str  # it is, for people
    patterns: tuple[str, ...]  # of file names, as in a shell, whatever the case of their letters
    languages: tuple[str, ...]  # as VS Code, Vim, Neovim and Emacs (its modes, without -mode) call them
    interpreters: tuple[str, ...] = ()  # of scripts, as their first lines name them


KINDS: Final[Mapping[str, Kind]] = {
    "prose": Kind(
        PROSE,
        "prose, Markdown, commit messages",
        ("*.txt", "*.text", "*.md", "*.markdown", "*.mdx", "*.rst", "*.adoc", "*.org", "*.tex", "*.typ", "*.eml"),
        (
            *("markdown", "mdx", "gfm", "restructuredtext", "rst", "asciidoc", "adoc", "org", "latex", "tex", "plaintex"),
            *("plain-tex", "typst", "markdown-ts", "pandoc", "vimwiki", "quarto", "mail", "message", "gitsendemail"),
            *("git-commit", "git-commit-ts", "gitcommit", "neogitcommitmessage", "log-edit", "vc-git-log-edit", "scminput"),
            *("hgcommit", "jjdescription"),
        ),
    ),
    "python": Kind(
        "python",
        "Python",
        ("*.py", "*.pyi", "*.pyw", "sconstruct", "sconscript", "wscript"),
        ("python", "python-ts"),
        ("python", "ipython", "pypy", "uv"),
    ),
    "javascript": Kind(
        "javascript",
        "JavaScript, TypeScript, JSON and CSS",
        (
            *("*.js", "*.mjs", "*.cjs", "*.jsx", "*.ts", "*.mts", "*.cts", "*.tsx", "*.vue", "*.svelte"),
            *("*.json", "*.jsonc", "*.css", "*.scss", "*.less"),
        ),
        (
            *("javascript", "javascriptreact", "js", "js2", "js-jsx", "rjsx", "js-ts", "vue", "svelte"),
            *("typescript", "typescriptreact", "typescript-ts", "tsx-ts"),
            *("json", "jsonc", "js-json", "json-ts", "css", "css-ts", "scss", "less", "less-css"),
            *("postcss", "tailwindcss"),
        ),
        ("node", "nodejs", "deno", "bun", "tsx", "ts-node", "zx"),
    ),
    "go": Kind("go", "Go", ("*.go",), ("go", "go-ts")),
    "rust": Kind("rust", "Rust", ("*.rs",), ("rust", "rust-ts", "rustic")),
    "c": Kind(
        "c",
        "C and C++",
        (
            *("*.c", "*.h", "*.cc", "*.cpp", "*.cxx", "*.c++", "*.hh", "*.hpp", "*.hxx", "*.h++"),
            *("*.ipp", "*.tcc", "*.inl"),
        ),
        ("c", "cpp", "c++", "c-ts", "c++-ts"),
    ),
    "scripts": Kind(  # not `shell`: so the configuration calls the model of what is entered in one
        "shell",
        "shell scripts, Makefiles, YAML and Dockerfiles",
        (
            *("*.sh", "*.bash", "*.zsh", "*.ksh", "*.bats", ".bashrc", ".bash_profile", ".bash_login", ".bash_logout"),
            *(".bash_aliases", ".profile", ".zshrc", ".zprofile", ".zshenv"),
            *("bashrc", "zshrc", "profile", ".xinitrc", ".xsession", ".envrc"),
            *("pkgbuild", "apkbuild", "*.mk", "*.mak", "makefile", "gnumakefile", "makefile.am", "*.yml", "*.yaml"),
            *("dockerfile", "containerfile", "dockerfile.*", "containerfile.*", "*.dockerfile", "*.containerfile"),
        ),
        (
            *("shellscript", "sh", "bash", "zsh", "ksh", "bash-ts", "make", "makefile", "makefile-gmake", "makefile-bsdmake"),
            *("makefile-nmake", "automake", "makefile-automake", "yaml", "yaml-ts", "ansible", "azure-pipelines"),
            *("dockercompose", "github-actions-workflow"),
            *("dockerfile", "dockerfile-ts"),
        ),
        ("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "bats", "make"),
    ),
}

BARE: Final = "prose"
"""A name without a suffix is that of notes, a README or a commit message, but for these and those of other kinds."""

OTHERS: Final = (
    *("vagrantfile", "jenkinsfile", "procfile", "gemfile", "rakefile", "brewfile", "pipfile", "justfile", "caddyfile"),
    *("build", "workspace", "buck", "podfile", "fastfile", "guardfile", "berksfile", "snakefile", "tiltfile", "earthfile"),
    *("doxyfile", "kconfig", "kbuild", "config", "hosts", "fstab", "passwd", "shadow", "sudoers", "ssh_config", "sshd_config"),
    *("tags", "known_hosts", "authorized_keys", "id_*", "meson_options.txt", "conanfile.txt", "runtime.txt"),
    *("codeowners", "git-rebase-todo", "crontab", "cmakelists.txt", "*requirements*.txt", "constraints*.txt", "robots.txt"),
)
"""Names that look like prose and are not."""


class Fit(NamedTuple):
    """The model for a text, or None; the kind of the text, a key of KINDS; and the shipped model that is not there."""

    model: str | None
    kind: str | None = None
    lacking: str = ""


def absence_of(model: str) -> str:
    """What to say of a model of the table that is not there."""
    what = next(kind.what for kind in KINDS.values() if kind.model == model)
    return f"no model for {what}; elman train FOLDER -o {model}.safetensors makes one"


def always(model: str) -> bool:
    """Of models that are elsewhere, one finds out by asking."""
    return True


def fit_of(
    name: str,
    chosen: Mapping[str, str] | None = None,
    otherwise: str | None = None,
    *,
    text: str = "",
    language: str = "",
    is_there: Callable[[str], bool] = always,
) -> Fit:
    """The model for a file's name.

    First comes what was `chosen` for a pattern of names, then what was chosen for the kind of the text, then the shipped model
    for that kind, if it `is_there`, and `otherwise` where there is none or nothing is known of the text. Chosen, "" means none.
    `text` is the file's, or its beginning.
    """
    chosen = chosen or {}
    file = PurePath(name).name
    kind = kind_of(file, text, language)
    for pattern, model in chosen.items():
        if matches(file, pattern):
            return Fit(model or None, kind)
    if kind is None:
        return Fit(otherwise or None)
    if kind in chosen:
        return Fit(chosen[kind] or None, kind)
    shipped = KINDS[kind].model
    return Fit(shipped, kind) if is_there(shipped) else Fit(otherwise or None, kind, lacking=shipped)


def uses_of(model: str, chosen: Mapping[str, str]) -> Iterator[str]:
    """What a model is for: kinds of text, and patterns that were `chosen` for it."""
    yield from (kind.what for name, kind in KINDS.items() if chosen.get(name, kind.model) == model)
    yield from (pattern for pattern, each in chosen.items() if each == model and pattern not in KINDS)


def kind_of(file: str, text: str = "", language: str = "") -> str | None:
    """The kind of a text, a key of KINDS; None if it is not known."""
    language = language.lower()
    language = language if language in DOTTED else language.partition(".")[0]
    if language not in UNDECIDED:
        return next((name for name, kind in KINDS.items() if language in kind.languages), None)
    if any(matches(file, each) for each in OTHERS):
        return None
    found = next((name for name, kind in KINDS.items() if any(matches(file, each) for each in kind.patterns)), None)
    return found or (kind_of_bare(text) if "." not in file or text.startswith("#!") else None)


def kind_of_bare(text: str) -> str | None:
    """The kind of a file whose name tells nothing: a script says what reads it in its first line."""
    if text.startswith("#!"):
        known = {interpreter: name for name, kind in KINDS.items() for interpreter in kind.interpreters}
        return next((known[each] for each in programs_in(text.partition("\n")[0]) if each in known), None)
    return BARE


def programs_in(line: str) -> Iterator[str]:
    """The programs that a script's first line names, without their versions: what runs it, or what runs that.

    #!/usr/bin/env -S uv run python3.12 -u    env, uv, run, python
    """
    words = (PurePath(word).name for word in line.removeprefix("#!").split() if not word.startswith("-") and "=" not in word)
    return (re.sub(r"[\d.]+t?$", "", word) for word in words)


def matches(file: str, pattern: str) -> bool:
    """Whether a pattern means a file's name."""
    return fnmatchcase(file.lower(), pattern.lower())
