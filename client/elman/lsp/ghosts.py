"""What an editor shows of what is suggested: one line at the cursor. Pure functions of text.

print(|)          x            the bracket that the editor has closed by itself stays
print(|)          x) + 1       it is replaced by the suggestion's own, for more follows
a |man came       good         the rest would repeat what stands there
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from elman.protocol.surroundings import is_in_word, until_met
from elman.words import kinds

QUOTES: Final = "\"'`"
CLOSERS: Final = f")]}}{QUOTES}"
OPENERS: Final = "([{"
WIDTH: Final = 4
"""How many spaces a model takes for a step of indentation."""
REGIONAL: Final = range(0x1F1E6, 0x1F200)
"""Letters of which two make a flag."""


class Ghost(NamedTuple):
    """A text to put at the cursor, in place of the first characters after it."""

    text: str
    replaced: int = 0


NOTHING: Final = Ghost("")


class Place(NamedTuple):
    """The line that the cursor is in, and what the lines around it are indented with ("" where that is not known)."""

    before: str
    after: str
    indentation: str = ""
    level: int = 0  # of the line above, in steps

    @property
    def is_in_word(self) -> bool:
        """Whether the cursor is in the middle of a word."""
        return is_in_word(self.before, self.after)


def ghost_at(place: Place, suggestion: str, is_cut: bool = False) -> Ghost:
    """What is shown of a suggestion, which may go on if it is cut."""
    line = suggestion.partition("\n")[0]
    line = without_part(line) if is_cut else line
    if not line or kinds(line[0]) == "m":  # a mark on the character before the cursor
        return NOTHING
    ghost = among_closers(indented(place, line), place.after)
    return ghost if ghost.text.strip() else NOTHING


def distinct(ghosts: Iterable[Ghost], most: int) -> Sequence[Ghost]:
    """The first of them that differ."""
    found: dict[str, Ghost] = {}
    for ghost in ghosts:
        found.setdefault(ghost.text, ghost)
    return [ghost for text, ghost in found.items() if text][:most]


def without_part(text: str) -> str:
    """The text without what may be half a character: a last one with marks or a joiner on it, or half a flag."""
    of = kinds(text)
    end = len(of.rstrip("m"))
    if end < len(of):
        return text[: max(0, end - 1)]
    letters = len(text) - len(text.rstrip("".join(map(chr, REGIONAL))))
    return text[: len(text) - letters % 2]


def indented(place: Place, text: str) -> str:
    """The text with the document's own indentation; nothing if it cannot be told how deep that is to be."""
    rest = text.lstrip(" \t")
    lead = text[: len(text) - len(rest)]
    if place.before.strip() or not lead or not place.indentation:
        return text
    if place.indentation == "\t":
        return turned(lead, place, rest)
    return lead.replace("\t", place.indentation) + rest


def turned(lead: str, place: Place, rest: str) -> str:
    """With tabs for spaces. A model that lacks the tab reads each as one space, and is used to several for a step."""
    if not lead.strip("\t"):
        return lead + rest
    deepest = place.level + 1 - place.before.count("\t")
    steps = (len(lead) // WIDTH if len(lead) % WIDTH == 0 else deepest + 1, len(lead))
    found = next((each for each in steps if each <= deepest), 0)
    return "\t" * found + rest if found else ""


def among_closers(text: str, after: str) -> Ghost:
    """The text before the brackets and quotes that follow the cursor, or in the place of those that it closes itself."""
    if after[:1] not in CLOSERS or not after:
        return Ghost(until_met(text, after))
    ends = ends_of(text, after)
    if not ends:
        return Ghost(text)
    end, replaced = ends[-1], len(ends)
    text = text[:end] + until_met(text[end:], after[replaced:]).rstrip()
    while replaced and text.endswith(after[replaced - 1]):  # it comes to the same, and less is replaced
        text, replaced = text[:-1], replaced - 1
    return Ghost(text, replaced)


def ends_of(text: str, after: str) -> Sequence[int]:
    """Where the text has closed each of the brackets and quotes that follow the cursor, as far as it does."""
    ends: list[int] = []
    opened: list[str] = []
    for place, character in enumerate(text):
        expected = after[len(ends) : len(ends) + 1]
        if expected not in CLOSERS or not expected:
            break
        if not opened and character == expected:
            ends.append(place + 1)
        elif expected not in QUOTES:  # within quotes, a bracket is only a sign
            note_bracket(opened, character)
    return ends


def note_bracket(opened: list[str], character: str) -> None:
    """Note what a character opens or closes: `opened` holds what will close what is open."""
    if opened and character == opened[-1]:
        opened.pop()
    elif not opened or opened[-1] not in QUOTES:
        if character in QUOTES:
            opened.append(character)
        elif character in OPENERS:
            opened.append(CLOSERS[OPENERS.index(character)])
