"""What lies on both sides of a cursor, and what of a suggestion is worth showing between. Pure functions of text.

a gent|leman        nothing: the cursor is in the middle of a word
print("|")          hello": the suggestion meets what follows at the quotation mark, and ends before it
a |man came         good: "good man" would repeat the next word, and "goodly" would run into it
"""

import re
import unicodedata
from typing import Final

NEAR: Final = 256
"""How many characters on each side of a cursor are looked at: more than a word has."""

INSIDE: Final = re.compile(r"\w(?:\0|['’]\0|\0['’])\w")
"""A cursor, written as NUL, in the middle of a word."""

NEXT: Final = re.compile(r"\s*(?:\w+|[^\w\s])")
"""A word or a sign, with the space before it."""

LAST_WORD: Final = re.compile(r"[\w'’]+\Z")

OPENERS: Final = {")": "(", "]": "[", "}": "{"}


def is_in_word(before: str, after: str) -> bool:
    """Whether the cursor between the two is in the middle of a word, or of a character that has accents."""
    return is_attached(after[:1]) or INSIDE.search(f"{without_accents(before)[-2:]}\0{after[:2]}") is not None


def until_met(text: str, after: str) -> str:
    """A suggestion up to where it meets what follows the cursor, or may meet it once it has grown."""
    if not (found := NEXT.match(after)):
        return text
    end = next((place for place in range(len(text)) if meets(text, place, found.group())), len(text))
    shown = LAST_WORD.sub("", text[:end]) if is_word(after[0]) else text[:end]
    return shown if after[0].isspace() or shown.strip() else ""


def worth_showing(text: str) -> str:
    """The suggestion, unless it is one space, which nobody would see, and which is as soon typed."""
    return "" if len(text) == 1 and text.isspace() and text != "\n" else text


def meets(text: str, place: int, word: str) -> bool:
    """Whether the text at a place is the word, as far as it goes. A bracket that the text has opened is its own to close."""
    rest = text[place : place + len(word)]
    if not word.startswith(rest) or (place and is_word(word[0]) and is_word(text[place - 1])):
        return False
    if is_word(word[-1]) and is_word(text[place + len(word) : place + len(word) + 1]):
        return False
    opener, passed = OPENERS.get(word[-1]), text[:place]
    return opener is None or passed.count(opener) <= passed.count(word[-1])


def is_word(character: str) -> bool:
    """Whether it is a character of a word; of no character, False."""
    return character.isalnum() or character == "_"


def is_attached(character: str) -> bool:
    """Whether it belongs to the character before it, as an accent does."""
    return character != "" and (unicodedata.category(character)[0] == "M" or character == "\u200d")


def without_accents(text: str) -> str:
    """The text without characters that belong to the one before them."""
    return "".join(character for character in text if not is_attached(character))
