"""A text in three parts: what a model trains on, what its recipe is chosen by, and what nothing sees before the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from elman_models.selection.overlap import separate


@dataclass(frozen=True, slots=True)
class DividedText:
    """Documents by their names. Nothing to train on shares LENGTH characters in a row with either of the other two."""

    training: dict[str, str]
    validation: dict[str, str]
    unseen: dict[str, str]


def divide_by_name(
    documents: Mapping[str, str], is_validation: Callable[[str], bool], is_unseen: Callable[[str], bool]
) -> DividedText:
    """The parts of a text whose documents' names say where they belong; what training shares with the others is cut."""
    unseen = {name: text for name, text in documents.items() if is_unseen(name)}
    validation = {name: text for name, text in documents.items() if is_validation(name) and name not in unseen}
    rest = {name: text for name, text in documents.items() if name not in unseen and name not in validation}
    return DividedText(separate(rest, [*unseen.values(), *validation.values()]), validation, unseen)
