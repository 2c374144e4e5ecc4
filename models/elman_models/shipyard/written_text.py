"""The text of a shipped model that learns from projects (`sources/`), divided by whole projects. Knows nothing of training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from elman_models.selection.overlap import without_lines
from elman_models.shipyard.texts import DividedText, divide_by_name
from elman_models.sources.contents import SHORTEST
from elman_models.sources.documents import LeftOut, read_documents
from elman_models.sources.kinds import KINDS
from elman_models.sources.projects import Project, projects_of
from elman_models.sources.registries import bring, default_folder

FEW_PROJECTS = 3
"""A character that fewer projects use is one project's affair."""
MOST_CHARACTERS = 200
"""Different characters that are learnt: more would make the model file larger, and few lines better."""

LATIN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿĀāĂăĄąĆćČčĎďĐđĒēĘęĚěĞğĪīİıŁłŃńŇňŌōŐőŒœŘřŚśŞşŠšŢţŤťŪūŮůŰűŹźŻżŽž"
)
"""Accented letters, which stand in names and in other languages, stay however rare they are."""


def read_text(name: str, folder: Path | None = None, left_out: LeftOut | None = None) -> DividedText:
    """The text of that name, its archives brought first where they are missing. Raises RegistryError."""
    folder, projects = folder or default_folder(), projects_of(name)
    bring(projects, folder)
    documents = read_documents(projects, KINDS[name], folder, left_out or LeftOut())
    return divided(documents, projects)


def divided(documents: Mapping[str, str], projects: Sequence[Project]) -> DividedText:
    """The documents by the parts of their projects; training without rare characters."""
    part = {project.folder: project.part for project in projects}
    parts = divide_by_name(
        documents,
        is_validation=lambda name: part[project_of(name)] == "validation",
        is_unseen=lambda name: part[project_of(name)] == "unseen",
    )
    common = common_characters(parts.training)
    training = {name: with_characters(text, common) for name, text in parts.training.items()}
    kept = {name: text for name, text in training.items() if len(text) >= SHORTEST}
    return DividedText(kept, parts.validation, parts.unseen)


def project_of(name: str) -> str:
    """The project that a document belongs to."""
    return name.partition("/")[0]


def common_characters(documents: Mapping[str, str]) -> frozenset[str]:
    """The characters that most projects use."""
    used: dict[str, set[str]] = {}
    for name, text in documents.items():
        used.setdefault(project_of(name), set()).update(text)
    counts = Counter(character for characters in used.values() for character in characters)
    few = min(FEW_PROJECTS, len(used))
    spread = sorted((each for each in counts if counts[each] >= few), key=lambda each: (-counts[each], each))
    return frozenset(spread[:MOST_CHARACTERS]) | LATIN


def with_characters(text: str, characters: frozenset[str]) -> str:
    """A text without the lines that hold other characters."""
    if not set(text) - characters:
        return text
    places = [at for at, character in enumerate(text) if character not in characters]
    return "".join(without_lines(text, [(at, at + 1) for at in places]))
