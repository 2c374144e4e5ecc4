"""The documents of a text: for each project its licence checked, its files chosen, tidied, and cut where they repeat others.

    archive -> files of the kind -> decoded and folded -> left out or tidied -> without repeats -> up to a project's share

A document is named by its project and path. What is left out is counted, by the reason why.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from elman_models.sources.archives import read_files
from elman_models.sources.contents import SHORTEST, reason_against, text_of, tidied
from elman_models.sources.kinds import MOST_OF_A_STANDARD_LIBRARY, Kind, is_test, reason_against_path, without_twins
from elman_models.sources.licences import Licence, LicenceError, is_licence_file, licence_of
from elman_models.sources.projects import Project
from elman_models.sources.registries import path_of
from elman_models.sources.repeats import Repeats

LEAST_NEW = 0.5
"""The share of a file that must be new: what is left of others is no text."""


@dataclass(slots=True)
class LeftOut:
    """What is not learnt from: how many files for each reason, and which projects."""

    files: Counter[str] = field(default_factory=Counter[str])
    projects: dict[str, str] = field(default_factory=dict[str, str])  # each with the reason


def read_documents(projects: Iterable[Project], kind: Kind, folder: Path, left_out: LeftOut) -> dict[str, str]:
    """The documents of all projects whose licence allows it, in their order. Their archives must lie in the folder."""
    repeats, documents = Repeats(), dict[str, str]()
    for project in projects:
        try:
            files = files_of(project, kind, folder, left_out)
        except LicenceError as error:
            left_out.projects[str(project)] = str(error)
            continue
        documents.update(within_share(project, pieces_of(files, kind, repeats, left_out), share_of(project, kind)))
    return documents


def files_of(project: Project, kind: Kind, folder: Path, left_out: LeftOut) -> dict[str, bytes]:
    """A project's files of the kind. Raises LicenceError, also where the licence is not the table's."""

    def is_wanted(path: str) -> bool:
        if is_licence_file(path):
            return True
        if not kind.has(path):
            return False
        reason = reason_against_path(path)
        left_out.files.update([reason] if reason else [])
        return reason is None

    files = read_files(path_of(project, folder), is_wanted)
    licence = licence_of(files)
    if licence.name != project.licence:
        raise LicenceError(f"the licence is {licence.name}, in the table {project.licence}")
    paths = [path for path in files if kind.has(path) and allowed(licence, path, left_out)]
    written = without_twins(paths)
    left_out.files.update(["made of a file beside it"] * (len(paths) - len(written)))
    return {path: files[path] for path in written}


def allowed(licence: Licence, path: str, left_out: LeftOut) -> bool:
    """Whether a file has the project's licence or, as Debian tells, another permissive one."""
    is_allowed = licence.allows(path)
    left_out.files.update([] if is_allowed else ["under another licence"])
    return is_allowed


def pieces_of(files: dict[str, bytes], kind: Kind, repeats: Repeats, left_out: LeftOut) -> Iterator[tuple[str, str]]:
    """What is worth learning in a project's files, a name and a piece at a time."""
    for path in sorted(files, key=place):
        text = text_of(files[path])
        if text is None:
            left_out.files["not UTF-8 text"] += 1
            continue
        if reason := reason_against(path, text, kind):
            left_out.files[reason] += 1
            continue
        text = tidied(text, kind)
        pieces = [piece for piece in repeats.new_in(text) if len(piece) >= SHORTEST]
        if sum(map(len, pieces)) < LEAST_NEW * len(text):
            left_out.files["most of it stood elsewhere"] += 1
            continue
        yield from ((path if len(pieces) == 1 else f"{path}#{number}", piece) for number, piece in enumerate(pieces, 1))


def place(path: str) -> tuple[bool, bytes]:
    """Where a file stands in the order of a project's: by chance, but always the same, and tests last."""
    return is_test(path), hashlib.sha256(path.encode()).digest()


def share_of(project: Project, kind: Kind) -> int:
    """How many characters of a project there may be."""
    if project.part != "training":
        return kind.most_held_out
    return MOST_OF_A_STANDARD_LIBRARY if project.name == kind.standard_library else kind.most_of_a_project


def within_share(project: Project, pieces: Iterable[tuple[str, str]], most: int) -> Iterator[tuple[str, str]]:
    """A project's documents until there are as many characters as it may have."""
    total = 0
    for name, piece in pieces:
        total += len(piece)
        if total > most:
            return
        yield f"{project.folder}/{name}", piece
