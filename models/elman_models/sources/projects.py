"""The table of the projects that shipped models learn from (`projects.csv`), each pinned by version and SHA-256.

A project belongs to one part in all texts, so that whoever measures a model of code also measures its documents by other hands.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "projects.csv"
REGISTRIES = ("debian", "npm", "pypi")
PARTS = ("unseen", "validation", "training")
"""In this order, so that of what two parts share the held-out one keeps it."""


@dataclass(frozen=True, slots=True)
class Project:
    """A package that one or more texts are made of."""

    registry: str
    name: str
    version: str
    licence: str  # SPDX identifiers, with AND between those that all hold
    part: str
    texts: tuple[str, ...]
    sha256: str

    def __post_init__(self) -> None:
        wrong = [
            *(["registry"] if self.registry not in REGISTRIES else []),
            *(["part"] if self.part not in PARTS else []),
            *([] if self.texts else ["texts"]),
            *([] if re.fullmatch("[0-9a-f]{64}", self.sha256) else ["sha256"]),
        ]
        if wrong:
            raise ValueError(f"{self}: {', '.join(wrong)}: not understood")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def folder(self) -> str:
        """The name as that of a folder: npm's may have a slash."""
        return self.name.replace("/", "+")

    @property
    def with_licence(self) -> str:
        """What a model file says of it."""
        return f"{self} ({self.licence})"


@cache
def all_projects() -> tuple[Project, ...]:
    """The table's rows, in its order."""
    return read_table(TABLE)


def read_table(path: Path) -> tuple[Project, ...]:
    """The projects of a table. Raises ValueError for one that is not understood."""
    with path.open(encoding="utf-8", newline="") as rows:
        _, *values = csv.reader(rows)
    return tuple(project_of(*row) for row in values)


def project_of(registry: str, name: str, version: str, licence: str, part: str, texts: str, sha256: str) -> Project:
    """A row of the table."""
    return Project(registry, name, version, licence, part, tuple(texts.split()), sha256)


def projects_of(text: str) -> tuple[Project, ...]:
    """Those that a text is made of, held-out ones first."""
    chosen = (project for project in all_projects() if text in project.texts)
    return tuple(sorted(chosen, key=lambda project: PARTS.index(project.part)))
