"""Archives of packages out of the registries, kept in a folder. What is there is not asked for again: all works offline.

Each registry is asked by its own client: npm, apt-get, and for PyPI pypi-simple, since pip runs what is in a source archive.
An archive is known by its SHA-256 alone. This file does not look into archives.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from elman_models.sources.projects import REGISTRIES, Project

BATCH = 40
"""Packages that a client is asked for at once; starting npm takes longer than most downloads."""


class RegistryError(RuntimeError):
    """An archive that could not be had: which, from where, and what was said."""


def default_folder() -> Path:
    """Where archives are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elman" / "sources"


def path_of(project: Project, folder: Path) -> Path:
    """Where a project's archive lies."""
    return folder / project.registry / f"{project.folder}-{project.version}"


def bring(projects: Iterable[Project], folder: Path) -> None:
    """See that the archives of all projects lie in the folder, as the table knows them. Raises RegistryError."""
    missing = [project for project in projects if not is_there(project, folder)]
    for registry in REGISTRIES:
        for batch in batches(project for project in missing if project.registry == registry):
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=folder) as place:
                CLIENTS[registry](batch, Path(place))
                take(batch, Path(place), folder)


def is_there(project: Project, folder: Path) -> bool:
    """Whether a project's archive lies in the folder. Raises RegistryError for another in its place."""
    path = path_of(project, folder)
    if not path.exists():
        return False
    if (found := digest(path)) != project.sha256:
        raise RegistryError(f"{path}: SHA-256 {found}, in the table {project.sha256}; delete the file to have it brought again")
    return True


def batches(projects: Iterable[Project]) -> Iterator[Sequence[Project]]:
    """The projects, a few at a time."""
    rest = iter(projects)
    while batch := list(islice(rest, BATCH)):
        yield batch


def take(projects: Sequence[Project], place: Path, folder: Path) -> None:
    """Move what a client brought to where each project's archive lies. Raises RegistryError for what did not come."""
    brought = {digest(path): path for path in place.iterdir() if path.is_file()}
    for project in projects:
        if found := brought.get(project.sha256):
            path_of(project, folder).parent.mkdir(exist_ok=True)
            found.replace(path_of(project, folder))
    missing = [str(project) for project in projects if project.sha256 not in brought]
    if missing:
        came = ", ".join(f"{path.name} of SHA-256 {sha256}" for sha256, path in brought.items()) or "nothing"
        raise RegistryError(f"{projects[0].registry}: no archive of the table's SHA-256 for {', '.join(missing)}; came: {came}")


def digest(path: Path) -> str:
    """A file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def from_npm(projects: Sequence[Project], place: Path) -> None:
    """By `npm pack`, which runs no script of a package that comes from the registry."""
    names = [f"{project.name}@{project.version}" for project in projects]
    run(["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(place), *names], place)


def from_debian(projects: Sequence[Project], place: Path) -> None:
    """By `apt-get download`, from the archive of the release that the machine has."""
    run(["apt-get", "download", "--quiet", *(f"{project.name}={project.version}" for project in projects)], place)


def run(command: Sequence[str], folder: Path) -> None:
    """Run a client. Raises RegistryError with its last words."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 (names of the table)
    except OSError as error:
        raise RegistryError(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise RegistryError(f"{' '.join(command[:2])}: {done.stderr.strip()[-500:]}")


def from_pypi(projects: Sequence[Project], place: Path) -> None:
    """By the index's own list of a project's files."""
    from pypi_simple import PyPISimple

    with PyPISimple() as index:
        for project in projects:
            page = index.get_project_page(project.name)
            found = (package for package in page.packages if package.digests.get("sha256") == project.sha256)
            if package := next(found, None):
                index.download_package(package, place / package.filename)


CLIENTS = {"debian": from_debian, "npm": from_npm, "pypi": from_pypi}
