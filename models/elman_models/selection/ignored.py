"""What `.gitignore` files say of a path: those on the way down to it, and those of the repository that a folder lies in.

The deepest file that says anything decides, and in it the last pattern that matches (gitignore(5)). A pattern that git could
not use is passed over. This file reads nothing but ignore files.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

GITIGNORE = ".gitignore"
EXCLUDE = Path(".git", "info", "exclude")

EVERYTHING: re.Pattern[str] = cast("Any", GitIgnoreSpecPattern("*")).regex
EVERYTHING_BELOW = re.compile(r"/\*\*\s*$")
"""To git such a pattern does not match the folder itself, so that `!` may take back what is in it; to pathspec it does."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The ignore files that hold in a folder, the shallowest first, each with the folder that its patterns start from."""

    files: tuple[tuple[Path, tuple[GitIgnoreSpecPattern, ...]], ...] = ()

    def within(self, folder: Path, name: Path | str = GITIGNORE) -> "Rules":
        """These, and the ignore file of a folder below, if it has one."""
        patterns = tuple(patterns_in(folder / name))
        return Rules((*self.files, (folder, patterns))) if patterns else self

    def ignore(self, path: Path, is_folder: bool) -> bool:
        """Whether a path, absolute, is ignored itself; that no folder above it is must be known."""
        for base, patterns in reversed(self.files):
            relative = path.relative_to(base).as_posix() + ("/" if is_folder else "")
            for pattern in reversed(patterns):
                if matches(pattern, relative):
                    return bool(pattern.include)
        return False


def matches(pattern: GitIgnoreSpecPattern, path: str) -> bool:
    """Whether a pattern means the path itself; to a GitIgnoreSpec it would also mean what lies in a folder that it matches."""
    regex: re.Pattern[str] = cast("Any", pattern).regex  # of str or of bytes, to pathspec
    return regex == EVERYTHING or regex.fullmatch(path) is not None


def rules_above(folder: Path) -> Rules:
    """What the repository around a folder, absolute, says of what is in it; nothing where it ignores the folder itself."""
    root = next((each for each in folder.parents if (each / ".git").exists()), None)
    if root is None or (folder / ".git").exists():
        return Rules().within(folder, EXCLUDE)
    rules = Rules().within(root, EXCLUDE)
    steps = folder.relative_to(root).parts
    for depth in range(len(steps)):
        rules = rules.within(root.joinpath(*steps[:depth]))
        if rules.ignore(root.joinpath(*steps[: depth + 1]), is_folder=True):
            return Rules()
    return rules


def patterns_in(path: Path) -> Iterator[GitIgnoreSpecPattern]:
    """The patterns of an ignore file that mean something; none where there is no such file, or it cannot be read."""
    try:
        lines = path.read_bytes().decode("utf-8-sig", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        with suppress(ValueError):
            pattern = GitIgnoreSpecPattern(EVERYTHING_BELOW.sub("/**/?*", line))
            if pattern.include is not None:
                yield pattern
