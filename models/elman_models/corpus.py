"""The training text: files and folders of notes, read, mended and divided. Knows no network and no vocabulary.

A file is a document, folded as every text is (elman/text.py). A folder stands for the text files below it that a person wrote
(selection/), in the order of their paths; what is empty or no UTF-8 text is left out there too, and said so. A file that is
named itself must be text; `-` is standard input.
"""

import re
import sys
from bisect import bisect_right
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO

from elman.settings import counted
from elman.text import NO_CHANGES, Changes, Folded, fold
from elman_models.selection.copies import copies, without
from elman_models.selection.folders import files_below
from elman_models.selection.generated import reason_against_text
from elman_models.selection.overlap import without_lines
from elman_models.selection.secret_lines import secrets_in

BLOCK = 1 << 20
"""Bytes of a file that are read at once."""
SHOWN = 10
"""Files left out that are named, unless all are asked for."""
LONGEST_PAGE = 2000
STANDARD_INPUT = Path("-")
PAGES = 100
"""A text is cut into about this many pages at least, so that the held-out ones are spread over all of it."""


class CorpusError(ValueError):
    """A training text that cannot be used: which file, why, and what is needed."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Folded documents, and a word on each file that was left out of a folder, or secret that was found."""

    documents: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # of the documents, where they are files
    secrets: tuple[str, ...] = ()  # where they stood, and what each looks like
    changes: Changes = NO_CHANGES  # what was folded

    @property
    def characters(self) -> int:
        """The number of characters of all documents."""
        return sum(map(len, self.documents))

    @property
    def text(self) -> str:
        """All documents, one after another."""
        return "".join(self.documents)

    def remarks(self, is_verbose: bool) -> Iterator[str]:
        """What is to be said of how the files were read: what was folded, and what was left out."""
        if words := str(self.changes):
            yield f"folded: {words}"
        yield from self.left_out(is_verbose)

    def left_out(self, is_verbose: bool) -> Iterator[str]:
        """A line for each file that was left out, or for the first few and one for the rest."""
        shown = len(self.skipped) if is_verbose else SHOWN
        yield from (f"left out: {word}" for word in self.skipped[:shown])
        if rest := len(self.skipped[shown:]):
            yield f"left out: {rest:,} more; --verbose names all of them, and a file that is named itself is read"

    def secrets_found(self, is_verbose: bool, are_kept: bool) -> Iterator[str]:
        """What is to be said of lines that look like they hold secrets; nothing where there are none."""
        if not self.secrets:
            return
        is_one = len(self.secrets) == 1
        what = "looks like it holds a secret" if is_one else "look like they hold a secret"
        lines = f"{counted(len(self.secrets), 'line')} that {what}"
        them = "it" if is_one else "them"
        yield f"warning: trains on {lines}:" if are_kept else f"left out {lines}; --keep-secrets trains on {them}:"
        shown = len(self.secrets) if is_verbose else SHOWN
        yield from (f"  {word}" for word in self.secrets[:shown])
        if rest := len(self.secrets[shown:]):
            yield f"  and {rest:,} more; --verbose names all of them"

    def require(self, characters: int) -> None:
        """Raise CorpusError unless there are at least this many."""
        if self.characters < characters:
            held = f"{counted(self.characters, 'character')} in {counted(len(self.documents), 'file')}"
            raise CorpusError(f"too little text: {held}; needed: {characters:,}")


def read_corpus(paths: Sequence[Path]) -> Corpus:
    """The documents in the files and folders, each file once. Raises CorpusError, or OSError for what cannot be read."""
    documents: dict[Path, Folded] = {}
    names: dict[Path, str] = {}
    skipped: list[str] = []
    for path in paths:
        is_folder = path != STANDARD_INPUT and path.is_dir()
        for file in files_below(path, skipped.append) if is_folder else [path]:
            place = file if file == STANDARD_INPUT else file.resolve()
            if place in documents:
                continue
            try:
                documents[place], names[place] = own_text(file) if is_folder else read_document(file), name_of(file)
            except (CorpusError, OSError) as error:
                if not is_folder:
                    raise
                skipped.append(str(error))
    texts = tuple(document.text for document in documents.values())
    changes = sum((document.changes for document in documents.values()), NO_CHANGES)
    return Corpus(texts, tuple(skipped), tuple(names.values()), changes=changes)


def read_training_text(paths: Sequence[Path], keep_secrets: bool = False) -> Corpus:
    """What of the files and folders is to be trained on; raises what `read_corpus` does.

    What stands in several files is kept once, and lines that look like they hold a secret are left out unless they are to stay.
    """
    return without_copies(without_secrets(read_corpus(paths), keep_secrets))


def without_secrets(corpus: Corpus, keep_secrets: bool) -> Corpus:
    """The corpus without the lines that look like they hold secrets; these are told even where they are kept."""
    documents: list[str] = []
    told: list[str] = []
    for name, document in zip(corpus.names, corpus.documents, strict=True):
        secrets = secrets_in(document)
        starts = [place.start() for place in re.finditer("^", document, re.MULTILINE)] if secrets else []
        lines = {bisect_right(starts, secret.start): secret.kind for secret in reversed(secrets)}
        told += [f"{name}:{line}: {lines[line]}" for line in sorted(lines)]
        runs = [(secret.start, secret.end) for secret in secrets]
        documents.append("".join(without_lines(document, runs)) if runs and not keep_secrets else document)
    return replace(corpus, documents=tuple(documents), secrets=tuple(told))


def without_copies(corpus: Corpus) -> Corpus:
    """The corpus with what stands in several documents in one of them alone, and a word on each that lost something."""
    found = copies(corpus.documents)
    documents, skipped = list(corpus.documents), list(corpus.skipped)
    for index, shared in sorted(found.items()):
        documents[index] = without(corpus.documents[index], shared)
        part = f"{shared.share:.0%} of it" if documents[index] else "all of it"
        skipped.append(f"{corpus.names[index]}: {part}, which stands in {corpus.names[shared.source]}")
    kept = [index for index, document in enumerate(documents) if document]
    names, texts = (tuple(each[index] for index in kept) for each in (corpus.names, documents))
    return replace(corpus, documents=texts, skipped=tuple(skipped), names=names)


def own_text(path: Path) -> Folded:
    """The text of a file of a folder. Raises CorpusError where it is none, or a tool wrote it."""
    document = read_document(path)
    if reason := reason_against_text(path, document.text):
        raise CorpusError(f"{path}: {reason}")
    return document


def read_document(path: Path) -> Folded:
    """The text of one file. Raises CorpusError if it is empty, binary or not UTF-8."""
    name = name_of(path)
    with opened(path) as file:
        document = fold("".join(decoded(name, file)))
    if not document.text:
        raise CorpusError(f"{name}: empty")
    return document


def name_of(path: Path) -> str:
    """What to call it."""
    return "standard input" if path == STANDARD_INPUT else str(path)


def opened(path: Path) -> AbstractContextManager[IO[bytes]]:
    """The file, or standard input. Raises CorpusError or OSError."""
    if path != STANDARD_INPUT:
        return path.open("rb")
    if sys.stdin is None:
        raise CorpusError("standard input is closed")
    return nullcontext(sys.stdin.buffer)


def decoded(name: str, file: IO[bytes]) -> Iterator[str]:
    """The text of a file block by block, so that a large file that is not text is known by its first. Raises CorpusError."""
    decoder, place, is_over = getincrementaldecoder("utf-8")(), 0, False
    while not is_over:
        data = file.read(BLOCK)
        refuse_other_kinds(name, data, place)
        place, is_over = place + len(data), not data
        try:
            text = decoder.decode(data, final=is_over)
        except UnicodeDecodeError as error:
            at = place - len(error.object) + error.start  # its object is what was held back, and the block
            raise CorpusError(f"{name}: not UTF-8 (byte {at}: {error.reason})") from None
        yield text


def refuse_other_kinds(name: str, data: bytes, place: int) -> None:
    """Raise CorpusError for what is known not to be UTF-8 text before it is decoded."""
    if not place and data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise CorpusError(f"{name}: not UTF-8 but UTF-16, by its byte order mark; `iconv -f UTF-16 -t UTF-8` converts it")
    if b"\0" in data:
        raise CorpusError(f"{name}: binary, not text (a NUL byte at {place + data.index(0)})")


def divide(corpus: Corpus, share: float) -> tuple[Corpus, Corpus]:
    """The part to train on and the part held out: every n-th page, n = 1 / share, counted through all documents.

    A page is a run of whole lines. What stands before and after a held-out page become documents of their own, so that no
    training text runs across it. A share of 0 holds nothing out.
    """
    if not share:
        return corpus, Corpus(())
    every, length = round(1 / share), max(1, min(LONGEST_PAGE, corpus.characters // PAGES))
    kept: list[str] = []
    held_out: list[str] = []
    count = 0
    for document in corpus.documents:
        run: list[str] = []
        for page in pages(document, length):
            count += 1
            if count % every != every // 2:
                run.append(page)
            else:
                held_out.append(page)
                kept.append("".join(run))
                run = []
        kept.append("".join(run))
    return replace(corpus, documents=tuple(filter(None, kept))), Corpus(tuple(held_out))


def spread(corpus: Corpus, characters: int) -> str:
    """All of the text or, where it has more characters than this, about as many: pages of all documents, evenly."""
    share = min(1.0, characters / max(1, corpus.characters))
    all_pages = chain.from_iterable(pages(document, LONGEST_PAGE) for document in corpus.documents)
    return "".join(page for place, page in enumerate(all_pages) if int((place + 1) * share) > int(place * share))


def pages(document: str, length: int) -> Iterator[str]:
    """The document in pieces of at least `length` characters, each ending with a line; a line beyond twice that is cut."""
    start = 0
    while start < len(document):
        line_end = document.find("\n", start + length - 1, start + 2 * length)
        end = line_end + 1 if line_end >= 0 else start + 2 * length
        yield document[start:end]
        start = end
