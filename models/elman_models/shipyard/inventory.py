"""What a text is made of, in words: its parts, projects and licences, what was left out, its characters, and pages of it.

`python -m elman_models.shipyard javascript --inventory 20` prints it, with twenty pages to judge by eye.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby

from elman_models.law.vocabulary import Vocabulary
from elman_models.shipyard.texts import DividedText
from elman_models.shipyard.written_text import project_of
from elman_models.sources.documents import LeftOut
from elman_models.sources.projects import PARTS, projects_of

PAGE = 1200
"""Characters of a page that is shown."""
MOST_SHOWN = 30


def table_of(model: str) -> str:
    """The projects of a model's text by part and licence, as a table of Markdown: `docs/models.md` has it word for word."""
    projects = sorted(projects_of(model), key=lambda each: (-PARTS.index(each.part), each.licence))
    rows = [
        f"| {part} | {licence} | {', '.join(map(str, sorted(those, key=str)))} |"
        for (part, licence), those in groupby(projects, key=lambda each: (each.part, each.licence))
    ]
    return "\n".join(["| part | licence | projects |", "| --- | --- | --- |", *rows, ""])


def in_words(divided: DividedText, left_out: LeftOut, pages: int) -> Iterator[str]:
    """The inventory, a line or a page at a time."""
    parts = {"training": divided.training, "validation": divided.validation, "unseen": divided.unseen}
    vocabulary = Vocabulary.of(*divided.training.values())
    for name, documents in parts.items():
        yield f"{name}: {described(documents, vocabulary)}"
    yield f"refused: {', '.join(f'{project} ({why})' for project, why in left_out.projects.items()) or 'none'}"
    yield f"left out: {', '.join(f'{reason} {count:,}' for reason, count in left_out.files.most_common())}"
    yield f"characters: {len(vocabulary)} different: {vocabulary.characters!r}"
    for name, documents in parts.items():
        yield f"projects of {name}: {largest(documents)}"
    for name, page in spread_pages(divided.training, pages):
        yield f"\n----- {name}\n{page}"


def described(documents: Mapping[str, str], vocabulary: Vocabulary) -> str:
    """How much there is, and what the vocabulary does not know."""
    characters, unknown = Counter[str](), 0
    for document in documents.values():
        characters.update(document)
        unknown += vocabulary.unknowns(vocabulary.encode(document))
    size, projects = sum(len(document.encode()) for document in documents.values()), set(map(project_of, documents))
    common = "".join(character for character, _ in characters.most_common(MOST_SHOWN))
    return (
        f"{size:,} bytes, {characters.total():,} characters in {len(documents):,} documents of {len(projects)} projects; "
        f"{unknown:,} characters unknown; most common: {common!r}"
    )


def largest(documents: Mapping[str, str]) -> str:
    """The projects of a part, the largest first, with their thousands of characters."""
    sizes = Counter[str]()
    for name, document in documents.items():
        sizes[project_of(name)] += len(document)
    return ", ".join(f"{project} {size / 1000:,.0f}" for project, size in sizes.most_common())


def spread_pages(documents: Mapping[str, str], count: int) -> Iterator[tuple[str, str]]:
    """Pages by chance, but always the same."""
    chosen = sorted(documents, key=lambda name: hashlib.sha256(name.encode()).digest())[:count]
    for name in chosen:
        start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % max(1, len(documents[name]) - PAGE)
        yield name, documents[name][start : start + PAGE]
