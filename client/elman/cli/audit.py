"""`elman audit`: which lines of a text a model would give back to whoever types their first characters."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from elman.errors import MendRequest
from elman.extras import extra
from elman.progress import Progress, Tell, untold
from elman.settings import add_flags, given
from elman.terminal import tell, use_utf8, write, write_json, write_text

if TYPE_CHECKING:
    from elman_models.corpus import Corpus
    from elman_models.law.artifact import Model
    from elman_models.measure.recital import Threshold

MEANING: Final = (
    "Each line is read as a text of its own. It is given back if the model, always taking the most probable character, goes on"
    " from its first characters with all the rest of it, as elman complete --temperature 0 would. What is not listed may"
    " still come out by chance, or after other text: share a model only with people who may read what it was trained on."
)


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
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILES", help="UTF-8 text files, or folders of them; - is standard input"
    )
    with extra("serve"):
        from elman_models.measure.recital import THRESHOLD

    add_flags(parser, THRESHOLD)
    parser.add_argument("--verbose", action="store_true", help="name every file that is left out of a folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the lines, and how many there are."""
    use_utf8()
    with extra("serve"):
        from elman_models.corpus import read_corpus
        from elman_models.law.artifact import load
        from elman_models.measure.recital import THRESHOLD, Threshold
        from elman_models.shipped import find

    threshold = Threshold(**given(arguments, THRESHOLD, MendRequest.of_field))
    model = load(find(arguments.model)[1])
    with Progress("reading the files"):
        corpus = read_corpus(arguments.files)
    corpus.require(1)
    for line in corpus.remarks(arguments.verbose):
        tell(line)
    with Progress("trying every line") as progress:
        places = list(places_of(model, corpus, threshold, progress.tell))
    lines = sum(len(document.rstrip("\n").split("\n")) for document in corpus.documents)
    if arguments.json:
        write_json({"lines": lines, "given_back": [place.to_json() for place in places]})
        return 0
    for place in places:
        write_text(f"{place.file}:{place.line}: {place.known} -> {place.given_back}\n")
    least = threshold.known_characters
    write(f"{len(places):,} of {lines:,} lines are given back from their first {least} characters or fewer\n")
    return 0


def places_of(model: "Model", corpus: "Corpus", threshold: "Threshold", tell: Tell = untold) -> Iterator[Place]:
    """The lines that the model gives back, in the order of the text: all files are read together."""
    from elman_models.measure.recital import recited

    places = [
        (name, number, line)
        for name, document in zip(corpus.names, corpus.documents, strict=True)
        for number, line in enumerate(document.split("\n"), 1)
    ]
    for each in recited(model, [line for _, _, line in places], threshold, tell):
        name, number, line = places[each.index]
        yield Place(name, number, line[: each.known], line[each.known :])
