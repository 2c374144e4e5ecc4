"""`elman score`: how likely a model finds a text."""

import argparse

from elman.cli.configuration import Configuration
from elman.cli.engine import Reading, add_engine_arguments, check_json, engine_of, note_unknown, open_engine, values_of
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
    configuration, reading = Configuration.read(), Reading(text)
    engine = engine_of(arguments, configuration)
    client, model = open_engine(engine, watch=reading.watch)
    with client:
        with reading:
            fields = values_of(arguments, SCORE_FIELDS, configuration)
            score = client.score(text, model=model, timeout=engine.timeout, **fields)
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
