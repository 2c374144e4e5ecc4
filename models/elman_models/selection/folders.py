"""Which files of a folder a person wrote, as far as names and links tell. Contents are not looked at here.

Left out, and said so: what `.gitignore` ignores, installed packages, environments and caches, lock files, minified files and
source maps, links out of the folder, and what is no ordinary file. What is hidden is passed over in silence.
"""

import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from elman_models.selection.ignored import Rules, rules_above

INSTALLED = ("node_modules", "bower_components", "site-packages")
LOCK_FILES = (
    "*.lock", "*.lockfile", "*.lock.json", "*-lock.json", "*-lock.yaml", "*-lock.yml", "npm-shrinkwrap.json", "go.sum",
    "Package.resolved",
)  # fmt: skip
MINIFIED = ("*.min.js", "*.min.mjs", "*.min.css", "*-min.js", "*-min.css", "*.js.map", "*.mjs.map", "*.css.map")
CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"
"""How a CACHEDIR.TAG begins (https://bford.info/cachedir/): cargo, pytest, mypy and others mark their folders with it."""

LeaveOut = Callable[[str], None]
"""Is told of what is left out, and why."""


def files_below(folder: Path, leave_out: LeaveOut) -> Iterator[Path]:
    """The files below a folder that may be text of its own, first those in it, then those of its folders, by name."""
    root = folder.resolve()
    waiting = [(root, rules_above(root))]
    while waiting:
        place, rules = waiting.pop()
        rules = rules.within(place)
        below: list[Path] = []
        try:
            paths = listed(place)
        except OSError as error:
            leave_out(f"{folder / place.relative_to(root)}: {error.strerror}")
            continue
        for path in paths:
            given = folder / path.relative_to(root)
            if reason := reason_against(path, root, rules):
                leave_out(f"{given}: {reason}")
            elif not path.is_dir():
                yield given
            elif not path.is_symlink():  # what a link within the folder leads to is found where it lies
                below.append(path)
        waiting.extend((each, rules) for each in reversed(below))


def listed(folder: Path) -> list[Path]:
    """What is in a folder and not hidden, files before folders, by name."""
    paths = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(paths, key=lambda path: (path.is_dir(), path.name))


def reason_against(path: Path, root: Path, rules: Rules) -> str | None:
    """Why a file or folder is left out, if it is."""
    try:
        return reason_by_kind(path, root, rules)
    except OSError as error:  # as of a folder that may not be entered
        return error.strerror or str(error)


def reason_by_kind(path: Path, root: Path, rules: Rules) -> str | None:
    """The same. Raises OSError."""
    is_folder = path.is_dir()
    if path.is_symlink() and (reason := reason_against_link(path, root, rules)):
        return reason
    if rules.ignore(path, is_folder):
        return "ignored by .gitignore"
    return reason_against_folder(path) if is_folder else reason_against_file(path)


def reason_against_link(path: Path, root: Path, rules: Rules) -> str | None:
    """A link may lead to anywhere; what it leads to is not what was named, and may be what is left out where it lies."""
    try:
        target = Path(os.path.realpath(path, strict=True))
    except OSError:
        return "a link to nothing"
    if not target.is_relative_to(root):
        return "a link that leads out of the folder"
    within = [target, *target.parents][: len(target.parts) - len(root.parts)]
    if any(each.name in INSTALLED for each in within):
        return "a link to installed packages"
    return "a link to what .gitignore ignores" if any(rules.ignore(each, each.is_dir()) for each in within) else None


def reason_against_folder(path: Path) -> str | None:
    """Folders that tools fill."""
    if path.name in INSTALLED:
        return "installed packages"
    if (path / "pyvenv.cfg").exists() or (path / "conda-meta").is_dir():
        return "a Python environment"
    return "a cache" if path.name == "__pycache__" or is_tagged_cache(path) else None


def is_tagged_cache(path: Path) -> bool:
    """Whether a folder says of itself that a tool can make it again."""
    try:
        with (path / "CACHEDIR.TAG").open("rb") as file:
            return file.read(len(CACHE_TAG)) == CACHE_TAG
    except OSError:
        return False


def reason_against_file(path: Path) -> str | None:
    """Files that tools write, by their names."""
    if not path.is_file():
        return "no ordinary file"
    if any(fnmatch(path.name, pattern) for pattern in LOCK_FILES):
        return "a lock file"
    return "minified" if any(fnmatch(path.name, pattern) for pattern in MINIFIED) else None
