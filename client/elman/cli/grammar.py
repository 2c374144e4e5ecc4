"""What completes a command: its flags and words, as its parser knows them. Knows no shell."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NAMES_A_MODEL: Final = ("model", "models", "origin")
FIRST_CLAUSE: Final = re.compile(r"[;:(]|\.( |$)")
LONGEST_HELP: Final = 72


@dataclass(frozen=True, slots=True)
class Argument:
    """A flag or a word of a command, and what completes it."""

    flags: Sequence[str]  # none: a word
    help: str
    name: str  # of the value; "": a flag without one
    words: Sequence[str] = ()
    is_model: bool = False
    is_file: bool = False
    is_repeated: bool = False

    @classmethod
    def of(cls, action: argparse.Action) -> "Argument":
        """What a parser knows of it."""
        words = [str(each) for each in action.choices or getattr(action, "words", ())]
        is_model = action.dest in NAMES_A_MODEL
        return cls(
            flags=action.option_strings,
            help=clause(action.help or ""),
            name="" if action.nargs == 0 else str(action.metavar or action.dest),
            words=words,
            is_model=is_model,
            is_file=action.type is Path and not is_model,
            is_repeated=action.nargs == "+" or isinstance(action, argparse._AppendAction),  # pyright: ignore[reportPrivateUsage]
        )


@dataclass(frozen=True, slots=True)
class Command:
    """A command, its flags and its words, in their order."""

    name: str
    help: str
    flags: Sequence[Argument]
    words: Sequence[Argument]


def clause(words: str) -> str:
    """The first of a help text, which says enough beside a flag."""
    first = FIRST_CLAUSE.split(words.replace("%%", "%"), maxsplit=1)[0].strip()
    return first if len(first) <= LONGEST_HELP else f"{first[: LONGEST_HELP - 1]}…"
