"""The text of the shipped model `english`: novels, tales and speeches, divided by whole works. Knows nothing of training."""

from pathlib import Path

from elman_models.shipyard import novels, speeches
from elman_models.shipyard.texts import DividedText, divide_by_name

UNSEEN = ("moreau/", *speeches.UNSEEN)
"""How the names begin that are held out: a novel, and the speeches of each tenth year."""
VALIDATION = ("brother-jacob/", *speeches.VALIDATION)


def english_text() -> DividedText:
    """The installed texts, divided; LookupError says what to install."""
    return read_parts(novels.PACKAGE.folder("data", "texts"), speeches.PACKAGE.folder("data"))


def read_parts(of_novels: Path, of_speeches: Path) -> DividedText:
    """The novels and the speeches of these folders, divided."""
    return divide_by_name(
        {**novels.read_novels(of_novels), **speeches.read_speeches(of_speeches)},
        is_validation=lambda name: name.startswith(VALIDATION),
        is_unseen=lambda name: name.startswith(UNSEEN),
    )
