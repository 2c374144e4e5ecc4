"""`elman score`: how likely a model finds a text."""

import argparse

from elman.cli.engine import Reading, add_engine_arguments, check_json, note_unknown, open_engine, values_of
from elman.protocol.fields import SCORE_FIELDS
from elman.protocol.results import Score
from elman.settings import add_flags, counted
from elman.terminal import read_text, use_utf8, write, write_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """TEXT and the flags."""
    text = "the text to score; without it, standard input, unless that is a terminal"
    parser.add_argument("text", nargs="?", metavar="TEXT", help=text)
    add_engine_arguments(parser)
    add_flags(parser, SCORE_FIELDS)


def run(arguments: argparse.Namespace) -> int:
    """Print the mean surprise per character."""
    use_utf8()
    check_json(arguments)
    text = read_text(arguments.text)
    reading = Reading(text)
    client, model = open_engine(arguments, watch=reading.watch)
    with client:
        with reading:
            score = client.score(text, model=model, timeout=arguments.timeout, **values_of(arguments, SCORE_FIELDS))
        note_unknown(client, model, arguments.digest or "", text, score.unknown_characters)
    if arguments.json:
        write_json(score.to_json())
    else:
        write(f"{in_words(score)}\n")
    return 0


def in_words(score: Score) -> str:
    """The score in one line."""
    means = f"{score.nats_per_character:.4f} nats a character, {score.bits_per_character:.4f} bits a character"
    return f"{means} ({counted(score.characters, 'character')}, {score.unknown_characters:,} unknown)"
