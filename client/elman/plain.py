"""The plain forms of characters: what a model that lacks one may read in its place. One character stands for one.

    ’ '      “ " '      — -      … .      é e      ấ â a      ﬁ f      Ａ A      tab and no-break space: space

A list and Unicode's decompositions, which never change for these blocks. What a person sees is never changed by it.
"""

import unicodedata
from collections.abc import Container, Iterator
from typing import Final

LISTED: Final[dict[str, str]] = {
    **dict.fromkeys("‘’‚‛′ʹʼʻ´`", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‹›", "'"),
    **dict.fromkeys("‐‑‒–—―−﹘﹣", "-"),
    **dict.fromkeys("…‥", "."),
    **dict.fromkeys("•‣▪●", "*-"),
    **dict.fromkeys("\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    **dict.fromkeys("\v\f\x85\u2028\u2029", "\n"),
    **dict(zip("øØłŁđĐðÐħĦŧŦıſßẞæÆœŒ", "oOlLdDdDhHtTissSeEeE", strict=True)),
    "'": "’",  # for a model of printed text, which may lack what a keyboard has
    '"': "'”",
}
"""The nearest first."""

BLOCKS: Final = (
    range(0xA0, 0x250),  # Latin
    range(0x370, 0x530),  # Greek, Cyrillic
    range(0x1E00, 0x2000),  # more of Latin and Greek
    range(0x2070, 0x20A0),  # superscripts and subscripts
    range(0xFB00, 0xFB07),  # ligatures
    range(0xFF01, 0xFF5F),  # fullwidth forms
)
"""The blocks whose characters are read as what they are made of."""


def characters_with_plain_forms() -> str:
    """All of them, in code-point order."""
    points = {point for block in BLOCKS for point in block} | set(map(ord, LISTED))
    return "".join(character for character in map(chr, sorted(points)) if nearest(character))


def plain_form(character: str, known: Container[str]) -> str:
    """The nearest plain form that is known; none, if none is."""
    return next((form for form in plain_forms(character) if form in known), "")


def plain_forms(character: str) -> Iterator[str]:
    """The plain forms of a character, the nearest first."""
    seen, ahead = {character}, [*nearest(character)]
    while ahead:
        form = ahead.pop(0)
        if form not in seen:
            seen.add(form)
            ahead += nearest(form)
            yield form


def nearest(character: str) -> str:
    """The plain forms of a character that are one step away."""
    if character in LISTED or not any(ord(character) in block for block in BLOCKS):
        return LISTED.get(character, "")
    base = first_part(character)
    return base if base.isalnum() or ord(character) in BLOCKS[-1] else ""


def first_part(character: str) -> str:
    """The first character of what Unicode says that a character is made of; none for those that are not."""
    parts = [part for part in unicodedata.decomposition(character).split() if not part.startswith("<")]
    return chr(int(parts[0], 16)) if parts else ""
