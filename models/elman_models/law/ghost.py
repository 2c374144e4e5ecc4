"""Where a model's own ghost text ends (LAW.md, Ends): the rest of a word may be less likely than what follows it."""

from typing import NamedTuple

ALPHABETS = range(0xC0, 0x2000)
"""Code points beyond ASCII that stand inside words: scripts that put spaces between them, whatever Unicode adds to them."""


class GhostSurprise(NamedTuple):
    """In 1/256 nat: ghost text ends before a character with which its surprise would exceed this."""

    in_word: int  # while it only goes on with the word that the text ends with
    beyond: int  # anywhere else


def is_word_character(character: str) -> bool:
    """Whether a character stands inside words: an ASCII letter, digit or underscore, or one of the alphabets."""
    if character.isascii():
        return character.isalnum() or character == "_"
    return ord(character) in ALPHABETS
