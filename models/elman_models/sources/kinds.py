"""Which files of a package belong to which text, by their paths alone.

Left out are what others wrote (vendored), what a tool made (built, minified, lock files), what tests compare with, and
translations. Tests themselves are text that somebody wrote; they come last where a project has more than its share.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch, translate
from pathlib import PurePosixPath

from elman_models.selection.folders import INSTALLED, LOCK_FILES, MINIFIED

VENDORED = {
    *INSTALLED,
    *("_vendor", "vendor", "vendored", "_vendored_packages", "vendors", "thirdparty", "third_party", "third-party", "3rdparty"),
    *("extern", "external", "externals", "external_libs", "deps", "bundled", "subprojects", "submodules"),
    *("c-blosc", "c-blosc2", "internal-complibs", "lz4libs"),
    "embedded-book",  # of rust-src: its prose is under CC BY-SA
    "_validate_pyproject",  # of setuptools: partly under MPL
    *("vendor[-_.]*", "vendored[-_.]*", "_vendor[-_.]*", "*[-_.]vendor", "*[-_.]vendored"),
    *("third[-_]party[-_.]*", "thirdparty[-_.]*"),
}
BUILT = {
    "dist",
    "dist[-_]*",
    "*generated*",
    "build",
    "_build",
    "umd",
    "amd",
    "es",
    "es5",
    "es6",
    "esm",
    "esm5",
    "esm2015",
    "fesm2022",
    "cjs",
    "bundles",
    "gen",
    "min",
    "_static",
}
DATA = {
    *(
        "testdata",
        "test_data",
        "test-data",
        "fixtures",
        "__snapshots__",
        "snapshots",
        "__fixtures__",
        "golden",
        "corpus",
        "corpora",
    ),
    *("locale", "locales", "i18n", "lang", "langs", "l10n", "translations", "baselines", "benchmarks_data", "cassettes"),
}
NOTES = {"releasenotes", "release_notes", "newsfragments", "changelog.d", "news.d"}
"""Many small files, which a tool puts together; in YAML they are prose."""
TESTS = re.compile(
    r"(?:^|/)(?:tests?|testing|spec|specs|__tests__|benches|e2e)/|(?:^|/)(?:test_|conftest)|[._-](?:test|tests|spec)\.\w+$"
)


DOCUMENTS = (
    "readme*", "changes*", "changelog*", "history*", "news*", "install*", "contributing*", "upgrading*", "security*",
    "hacking*", "faq*", "roadmap*", "migration*",
)  # fmt: skip
"""How documents are called that may have no suffix."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The files that one text is made of."""

    suffixes: tuple[str, ...]
    names: tuple[str, ...] = ()  # patterns of whole file names, in lower case
    is_prose: bool = False
    standard_library: str = ""  # the project that is the language's own
    may_be_script: bool = False  # files without a suffix may be of the kind, if a shell runs them
    most_of_a_project: int = 350_000  # characters, so that no project's manner is learnt for the language's
    most_held_out: int = 200_000  # the same of a project that is held out
    longest: int = 120_000  # characters of a file beyond which it is data, or was put together by a tool

    def has(self, path: str) -> bool:
        """Whether a path may be of this kind, wherever it lies."""
        name = PurePosixPath(path).name.lower()
        if self.is_prose and is_fixed(name):
            return False
        is_script = self.may_be_script and "." not in name
        return is_script or self.is_named(path) or (self.is_prose and is_documentation(path))

    def is_named(self, path: str) -> bool:
        """Whether a file's name alone says that it is of this kind."""
        name = PurePosixPath(path).name.lower()
        return name.endswith(self.suffixes) or any(fnmatch(name, pattern) for pattern in self.names)


KINDS: Mapping[str, Kind] = {
    "prose": Kind((".md", ".markdown", ".mdx", ".rst"), is_prose=True, longest=300_000),
    "python": Kind((".py", ".pyi"), most_of_a_project=250_000),
    "javascript": Kind(
        (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".json", ".css", ".scss", ".vue", ".svelte")
    ),
    "go": Kind((".go",), standard_library="golang-1.19-src"),
    "rust": Kind((".rs",), standard_library="rust-src", most_of_a_project=250_000),
    "c": Kind((".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".ipp"), most_of_a_project=700_000),
    "shell": Kind(
        (".sh", ".bash", ".zsh", ".ksh", ".bats", ".mk", ".yml", ".yaml", ".dockerfile"),
        ("makefile", "makefile.am", "gnumakefile", "dockerfile", "dockerfile.*", "containerfile"),
        may_be_script=True,
        most_of_a_project=700_000,
        longest=60_000,
    ),
}
"""By the name of the text."""
MOST_OF_A_STANDARD_LIBRARY = 3_000_000
"""Characters of it: everybody who writes the language reads and calls it."""


TWINS = (".ts", ".tsx", ".mts", ".mjs", ".js", ".cjs")
"""Of files that differ in this alone, the first is what somebody wrote, and the others were made of it."""


def without_twins(paths: Iterable[str]) -> list[str]:
    """The paths without those that were made of a file beside them."""
    kept: dict[str, str] = {}
    for path in paths:
        stem, suffix = path.rpartition(".")[0], "." + path.rpartition(".")[2]
        key = stem if suffix in TWINS else path
        if key not in kept or TWINS.index(suffix) < TWINS.index("." + kept[key].rpartition(".")[2]):
            kept[key] = path
    return list(kept.values())


def is_fixed(name: str) -> bool:
    """Whether a document is one that many projects have word for word, or a list of names."""
    return name.startswith(
        ("licen", "copying", "unlicense", "notice", "code_of_conduct", "authors", "contributors", "requirements", "copyright")
    )


def is_documentation(path: str) -> bool:
    """Whether a plain text file is to be read by people, by its place or name."""
    *folders, name = PurePosixPath(path.lower()).parts
    if "." in name and not name.endswith(".txt"):
        return False
    return (
        not {"doc", "docs", "_sources"}.isdisjoint(folders[:-1])
        or name.endswith(".rst.txt")
        or any(fnmatch(name, pattern) for pattern in DOCUMENTS)
    )


REASONS = {
    reason: re.compile("|".join(map(translate, sorted(patterns))))
    for reason, patterns in {
        "vendored": VENDORED,
        "built": BUILT,
        "what tests compare with, or a translation": DATA,
        "notes of a release": NOTES,
    }.items()
}
"""Why what lies in a folder of such a name is left out: the names are patterns, as in a shell."""


def reason_against_path(path: str) -> str | None:
    """Why a file is left out by where it lies and how it is called, if it is."""
    *folders, name = PurePosixPath(path.lower()).parts
    for reason, names in REASONS.items():
        if any(map(names.match, folders)):
            return reason
    if any(folder.startswith(".") and folder != ".github" for folder in folders):
        return "hidden"
    if any(fnmatch(name, pattern.lower()) for pattern in LOCK_FILES):
        return "a lock file"
    return "minified" if any(fnmatch(name, pattern) for pattern in MINIFIED) else None


def is_test(path: str) -> bool:
    """Whether a file tests others."""
    return TESTS.search(path.lower()) is not None
