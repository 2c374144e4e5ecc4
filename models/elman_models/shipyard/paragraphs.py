"""Prose in paragraphs as one types it today: a paragraph is a line, a blank line follows, quotation marks and dashes are plain.

    Little more than 100              Little more than 100 weeks ago I assumed the office of President.
    weeks ago I assumed        ->
    the office of President.          In seeking the help of the Congress I pledged no easy answers.

    In seeking ...

Verse, whose lines are indented, keeps its lines. This file does not know whose prose it is.
"""

import re
from collections.abc import Iterable

PLAIN = str.maketrans({"—": "--", "–": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", **dict.fromkeys("_*^\r")})

_CHAPTER = re.compile(r"chapter [ivxlc\d]+\.?", re.IGNORECASE)
_RULE = re.compile(r"[\s-]+")


def split_paragraphs(text: str) -> list[str]:
    """The paragraphs of a text whose lines may be wrapped; rules, such as `- - -`, are none."""
    parts = re.split(r"\n\s*?\n", text.translate(PLAIN))
    return [unwrapped(part) for part in parts if part.strip() and not _RULE.fullmatch(part)]


def unwrapped(paragraph: str) -> str:
    """A paragraph on one line, with one space between words; an indented line stays a line."""
    lines: list[str] = []
    for line in paragraph.strip("\n").split("\n"):
        words = " ".join(line.split())
        if lines and not line.startswith(" "):
            lines[-1] += f" {words}"
        else:
            lines.append(words)
    return "\n".join(line for line in lines if not _RULE.fullmatch(line))


def is_heading(paragraph: str) -> bool:
    """Whether a paragraph is a title, a chapter's number or a signature: one line of capitals that is not spoken."""
    is_title = "\n" not in paragraph and paragraph.upper() == paragraph and not paragraph.startswith(('"', "'", "("))
    return is_title or _CHAPTER.fullmatch(paragraph) is not None


def joined(paragraphs: Iterable[str]) -> str:
    """A document of these paragraphs; empty if there are none."""
    return "".join(f"{paragraph}\n\n" for paragraph in paragraphs).removesuffix("\n")
