"""What a word is, by Unicode's rules in the small (UAX #29): one rule for keys, suggestions and the simulated typist.

    naïve  café  don't  x_1      letters, digits and connectors with the marks on them, and apostrophes between letters
    日|本  これ|は|テスト        an ideograph is a word, and so is a run of hiragana or of katakana
    ก็|ดี                        of a script that puts no space between words, each letter with its marks

Signs between words run together ("...", "👩‍🚀"). Knows no suggestion and no editor.
"""

import re
import unicodedata
from typing import Final

APOSTROPHES: Final = "'’"
"""What may stand inside a word, if a letter follows."""
NEAR: Final = 64
"""How much of the end of a text is looked at first: few words, and no marks on a letter, are longer."""

SCRIPTS: Final = {
    "c": "\u3005\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",  # ideographs
    "h": "\u3041-\u3096\u309d-\u309f",  # hiragana
    "k": "\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff\uff66-\uff6f\uff71-\uff9d",  # katakana
    "m": "\u30fc\uff70\uff9e\uff9f\u0e33\u0eb3",  # signs that lengthen or change the letter before them, as marks do
    "s": "\u0e01-\u0e4f\u0e81-\u0ecf\u1000-\u103f\u1050-\u108f\u1780-\u17df\u1950-\u19df\u1a20-\u1a7f",  # Thai to Khmer
}
PATTERNS: Final = {kind: re.compile(f"[{characters}]") for kind, characters in SCRIPTS.items()}

FIRST: Final = re.compile(r" *m*(?:a[am]*(?:'a[am]*)*|h[hm]*|k[km]*|[cs]m*|[.'][.'m]*)?")
"""In kinds: the space before a word, and the word, or the signs in its place."""

LAST: Final = re.compile(r" *(?:(?:m*a)+(?:'(?:m*a)+)*|(?:m*h)+|(?:m*k)+|m*[cs]|(?:m*[.'])+|m+)?")
"""In kinds from the end: the space after a word, and the word, or the signs in its place."""

UNFINISHED: Final = re.compile(r"m*(?:[a'][am']*|h[hm]*|k[km]*|s)? *")
"""In kinds from the end: a last word that may be incomplete, and the space before it. An ideograph is complete."""

RUNS: Final = "ahk"
"""The kinds of which several are one word."""


class Kinds(dict[int, str]):
    """The kind of each code point, found when it is first asked for.

    a letter, digit or connector    c, h, k, s as in SCRIPTS    m mark    ' apostrophe    " " space    . anything else
    """

    def __missing__(self, point: int) -> str:
        self[point] = kind = kind_of(chr(point))
        return kind


KINDS: Final = Kinds()


def kinds(text: str) -> str:
    """The kind of each character of the text."""
    return text.translate(KINDS)


def kind_of(character: str) -> str:
    """The kind of one character."""
    if character in APOSTROPHES:
        return "'"
    if character.isspace() or character == "\u200b":
        return " "
    category = unicodedata.category(character)
    if category[0] == "M" or category == "Cf":
        return "m"
    if script := next((kind for kind, pattern in PATTERNS.items() if pattern.match(character)), ""):
        return script
    return "a" if character.isalnum() or category == "Pc" else "."


def first_word(text: str) -> int:
    """How many characters its first word has, with the space before it: at least one, unless the text is empty."""
    found = FIRST.match(kinds(text))
    return found.end() if found else 0


def last_word(text: str) -> int:
    """How many characters its last word has, with the space after it: at least one, unless the text is empty."""
    found = LAST.match(kinds(text)[::-1])
    return found.end() if found else 0


def without_unfinished(text: str) -> str:
    """The text without a last word that may be incomplete, and without the space before that."""
    near = NEAR
    while (length := unfinished(text[-near:])) == near:  # look at no more of a long text than is needed
        near *= 4
    return text[: len(text) - length]


def unfinished(text: str) -> int:
    """How many characters at the end of the text are a last word that may be incomplete and the space before it."""
    found = UNFINISHED.match(kinds(text)[::-1])
    return found.end() if found else 0


def ends_in_word(text: str) -> bool:
    """Whether its last character is one of a word with an end of its own: of letters, not of ideographs or kana."""
    return kinds(text[-NEAR:]).rstrip("m")[-1:] == "a"


def is_rest_of_word(text: str) -> bool:
    """Whether all of the text may be the rest of such a word."""
    return not kinds(text).strip("am'")


def runs_on(before: str, after: str) -> bool:
    """Whether a word goes on from the end of one text to the beginning of another."""
    last, first = kinds(before).rstrip("m")[-1:], kinds(after[:1])
    return first == "m" or (last == first != "" and first in RUNS)
