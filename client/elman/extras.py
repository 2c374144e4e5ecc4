"""Parts of elman that a thin client does without: each is imported where it is asked for. Imports nothing heavy."""

import shlex
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from elman.errors import InstallExtra


@contextmanager
def extra(name: str) -> Generator[None]:
    """Around the imports that an extra provides. Raises InstallExtra, which says what to type, if it is not installed.

    with extra("train"):
        from elman_models.training.train import train
    """
    try:
        yield
    except ModuleNotFoundError as error:
        needed = str(error.name).partition(".")[0]
        command = install(missing_of(name) or [needed])
        raise InstallExtra(f"this needs {needed}, which is not installed; type: {command}") from error


def missing_of(name: str) -> list[str]:
    """What an extra asks for and this Python lacks, as pip takes it: true wherever elman itself was installed from."""
    missing: list[str] = []
    for line in requirements():
        requirement, _, marker = (part.strip() for part in line.partition(";"))
        if marker != f'extra == "{name}"':
            continue
        if requirement.startswith("elman["):
            missing += missing_of(requirement.removeprefix("elman[").rstrip("]"))
        elif not is_installed(requirement.partition(">")[0]):
            missing.append(requirement)
    return missing


def requirements() -> list[str]:
    """What elman's own metadata asks for; nothing where it was never installed, only put on the path."""
    try:
        return requires("elman") or []
    except PackageNotFoundError:
        return []


def is_installed(distribution: str) -> bool:
    """Whether this Python has it."""
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def install(packages: list[str]) -> str:
    """The command that installs packages for this Python; uv's environments have no pip."""
    pip = [sys.executable, "-m", "pip", "install"]
    uv = ["uv", "pip", "install", "--python", sys.executable]
    return shlex.join([*(pip if find_spec("pip") else uv), *packages])
