"""What lies on both sides of a cursor, and what of a suggestion is worth showing between. Pure functions of text.

a gent|leman        nothing: the cursor is in the middle of a word
print("|")          hello": the suggestion meets what follows at the quotation mark, and ends before it
a |man came         good: "good man" would repeat the next word, and "goodly" would run into it
"""

import re
from typing import Final

from elman.words import kinds, runs_on

NEAR: Final = 256
"""How many characters on each side of a cursor are looked at: more than a word has."""

INSIDE: Final = re.compile(r"a(?:\0'|'\0)a")
"""In kinds, a cursor, written as NUL, beside the apostrophe of a word."""

NEXT: Final = re.compile(r" *(?:a[am]*|h[hm]*|k[km]*|[cs]m*|[.']m*)")
"""In kinds, a word or a sign, with the space before it."""

LAST: Final = {"a": re.compile(r"[am']+\Z"), "h": re.compile(r"[hm]+\Z"), "k": re.compile(r"[km]+\Z")}
"""In kinds, a last word that goes on with a kind."""

CIRCLE: Final = re.compile(r"(?:(.)\1{31}|(..)\2{15}|(...)\3{10}|(....)\4{7})")
"""What a model says that has lost its way, as in `#ffffff` without an end. A line of 32 signs is one that people draw."""

OPENERS: Final = {")": "(", "]": "[", "}": "{"}


def is_in_word(before: str, after: str) -> bool:
    """Whether the cursor between the two is in the middle of a word, or of a character that has accents."""
    if runs_on(before, after):
        return True
    return INSIDE.search(f"{kinds(before).replace('m', '')[-2:]}\0{kinds(after[:2])}") is not None


def until_met(text: str, after: str) -> str:
    """A suggestion up to where it meets what follows the cursor, or may meet it once it has grown."""
    if not (found := NEXT.match(kinds(after))):
        return text
    end = next((place for place in range(len(text)) if meets(text, place, after[: found.end()])), len(text))
    shown = without_last(text[:end], kinds(after[0]))
    return shown if after[0].isspace() or shown.strip() else ""


def worth_showing(text: str) -> str:
    """The suggestion up to where it goes in circles; not one space alone, which nobody would see and which is as soon typed."""
    circle = CIRCLE.search(text)
    text = text[: circle.start()] if circle and any(map(str.isalnum, circle[0])) else text
    return "" if len(text) == 1 and text.isspace() and text != "\n" else text


def without_last(text: str, kind: str) -> str:
    """The text without a last word that a character of this kind would go on with."""
    found = LAST[kind].search(kinds(text)) if kind in LAST else None
    return text[: found.start()] if found else text


def meets(text: str, place: int, word: str) -> bool:
    """Whether the text at a place is the word, as far as it goes. A bracket that the text has opened is its own to close."""
    rest = text[place : place + len(word)]
    if not word.startswith(rest) or runs_on(text[max(0, place - NEAR) : place], word):
        return False
    if runs_on(word, text[place + len(word) : place + len(word) + 1]):
        return False
    opener, passed = OPENERS.get(word[-1]), text[:place]
    return opener is None or passed.count(opener) <= passed.count(word[-1])
