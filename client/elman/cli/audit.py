"""`elman audit`: which lines of a text a model would give back to whoever types their first characters."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from elman.errors import MendRequest
from elman.extras import extra
from elman.terminal import shown, use_utf8, write, write_json

if TYPE_CHECKING:
    from elman_models.corpus import Corpus

MEANING: Final = (
    "Each line is read as a text of its own. It is given back if the model, always taking the most probable character, goes on"
    " from its first characters with all the rest of it, as elman complete --temperature 0 would. What is not told may still"
    " come out by chance, or after other text: share a model only with whom you would let read what it was trained on."
)
MOST: Final = 1024


@dataclass(frozen=True, slots=True)
class Place:
    """A line that is given back, and where it stands."""

    file: str
    line: int
    known: str
    given_back: str

    def to_json(self) -> dict[str, Any]:
        """Under full names."""
        return {"file": self.file, "line": self.line, "known": self.known, "given_back": self.given_back}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, FILES and the flags."""
    parser.epilog = MEANING.replace("%", "%%")
    parser.add_argument("model", metavar="MODEL", help="a model file, or the name of a shipped model")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILES", help="UTF-8 text files, or folders of them")
    words = "how many of a line's first characters may be needed (default: 12)"
    parser.add_argument("--known-characters", type=int, default=12, metavar="CHARACTERS", help=words)
    words = "the least that is worth telling of (default: 12)"
    parser.add_argument("--given-characters", type=int, default=12, metavar="CHARACTERS", help=words)
    parser.add_argument("--verbose", action="store_true", help="name every file that is left out of a folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the lines, and how many there are."""
    use_utf8()
    for name, least in (("known_characters", 0), ("given_characters", 1)):
        if not least <= (value := getattr(arguments, name)) <= MOST:
            raise MendRequest.of_field(name, value, f"{least} to {MOST}")
    with extra("serve"):
        from elman_models.corpus import read_corpus

    corpus = read_corpus(arguments.files)
    corpus.require(1)
    for line in corpus.left_out(arguments.verbose):
        print(line, file=sys.stderr)
    places = list(places_of(arguments, corpus))
    lines = sum(len(document.rstrip("\n").split("\n")) for document in corpus.documents)
    if arguments.json:
        write_json({"lines": lines, "given_back": [place.to_json() for place in places]})
        return 0
    for place in places:
        write(f"{place.file}:{place.line}: {shown(place.known)} -> {shown(place.given_back)}\n")
    write(
        f"{len(places):,} of {lines:,} lines are given back from their first {arguments.known_characters} characters or fewer\n"
    )
    return 0


def places_of(arguments: argparse.Namespace, corpus: "Corpus") -> Iterator[Place]:
    """The lines that the model gives back, in the order of the text."""
    with extra("serve"):
        from elman_models.law.artifact import load
        from elman_models.measure.recital import recited
        from elman_models.shipped import find

    model = load(find(arguments.model)[1])
    for name, document in zip(corpus.names, corpus.documents, strict=True):
        lines = document.split("\n")
        for each in recited(model, lines, arguments.known_characters, arguments.given_characters):
            line = lines[each.index]
            yield Place(name, each.index + 1, line[: each.known], line[each.known :])
