"""The text of the model `prose`: documents of projects, and what presidents said to Congress. Knows nothing of training.

The speeches of some years are left out, so that they measure it.
"""

from dataclasses import replace

from elman_models.shipyard import speeches
from elman_models.shipyard.texts import DividedText
from elman_models.shipyard.written_text import read_text
from elman_models.sources.documents import LeftOut


def prose_text(left_out: LeftOut | None = None) -> DividedText:
    """The documents, divided by projects, and speeches to train on. Raises RegistryError, or LookupError for the speeches."""
    spoken = speeches.read_speeches(speeches.PACKAGE.folder("data"))
    held_out = (*speeches.UNSEEN, *speeches.VALIDATION)
    learned = {f"{speeches.PACKAGE.name}/{name}": text for name, text in spoken.items() if not name.startswith(held_out)}
    parts = read_text("prose", left_out=left_out)
    return replace(parts, training={**parts.training, **learned})
