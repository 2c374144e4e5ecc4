"""`elman complete`: a continuation on standard output, as it arrives."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from elman.cli.configuration import Configuration, EngineSettings, name_of
from elman.cli.engine import Reading, add_engine_arguments, check_json, engine_of, note_unknown, open_engine, values_of
from elman.cli.replay import check_replayed, for_programs, read_record
from elman.errors import MendRequest, PickAnotherModel, SendTextAgain
from elman.protocol.fields import COMPLETE_FIELDS, WHOLE_WORDS
from elman.protocol.results import Piece
from elman.protocol.suggestions import STOP, whole_words
from elman.settings import add_flags
from elman.sync.client import Client, Completion
from elman.terminal import as_read, dim, given_text, is_terminal, note, shown, use_utf8, write, write_json, write_text
from elman.words import without_unfinished

LOG_PROBABILITIES: Final = "log_probabilities"
LARGEST_PREFIX_BYTES: Final = 1 << 20
WANDERING: Final = 0.5
"""The temperature from which drawn text does not circle: docs/log.md."""
LONGEST_PERIOD, SHORTEST_CIRCLE = 80, 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """PREFIX and the flags."""
    text = "the text to continue; without it, the last MiB of standard input, unless that is a terminal"
    parser.add_argument("prefix", nargs="?", metavar="PREFIX", help=text)
    add_engine_arguments(parser)
    parser.add_argument("--echo", action="store_true", help="print the prefix first, dim on a terminal")
    parser.add_argument(
        "--replay",
        type=Path,
        metavar="RECORD.json",
        help="repeat a completion from what --json printed of it, byte for byte; - is standard input",
    )
    add_flags(parser, [*COMPLETE_FIELDS, replace(WHOLE_WORDS, help=f"{WHOLE_WORDS.help}; a record of --json holds it")])


def run(arguments: argparse.Namespace) -> int:
    """Print the continuation, and nothing else."""
    use_utf8()
    check_json(arguments)
    configuration = Configuration.read()
    engine = engine_of(arguments, configuration)
    if arguments.replay:
        return replay(arguments, engine)
    given = given_text(arguments.prefix, LARGEST_PREFIX_BYTES)
    prefix = as_read("the prefix", given)
    fields = values_of(arguments, [*COMPLETE_FIELDS, WHOLE_WORDS], configuration, "complete")
    layout = Layout(arguments.json, given if arguments.echo else "", fields.pop(WHOLE_WORDS.name))
    with Reading(prefix) as reading:
        client, model = open_engine(engine, watch=reading.watch)
        with client:
            complete(client, prefix, model, fields | {"timeout": engine.timeout}, reading, layout)
    return 0


class Layout(NamedTuple):
    """How a completion is printed."""

    is_json: bool
    echo: str  # what comes before it: the prefix as it was given, or nothing
    has_whole_words: bool = False


def replay(arguments: argparse.Namespace, engine: EngineSettings) -> int:
    """Print what a record holds, made once more. Raises ElmanError, which says why not, if it is not the same."""
    given = [each.flag for each in (*COMPLETE_FIELDS, WHOLE_WORDS) if getattr(arguments, each.name) is not None]
    if given or arguments.prefix is not None:
        raise MendRequest(f"--replay takes everything from the record: leave out {', '.join(given) or 'PREFIX'}")
    recorded = read_record(arguments.replay)
    try:
        with Reading(recorded.prefix) as reading:
            model = replayed(arguments.model, engine.model, recorded.model)
            client, _ = open_engine(replace(engine, model=model), watch=reading.watch)
            with client:
                fields = recorded.fields | {"timeout": engine.timeout}
                layout = Layout(arguments.json, recorded.prefix if arguments.echo else "")
                completion = complete(client, recorded.prefix, None, fields, reading, layout)
    except (PickAnotherModel, SendTextAgain) as error:
        made_by = f"the record was made by the model {recorded.model}, digest {recorded.fields['digest']}"
        raise PickAnotherModel(f"{made_by}, which --model or --server must name: {error}") from error
    check_replayed(recorded, completion.alternatives)
    return 0


def replayed(flag: str | None, configured: str | None, recorded: str) -> str:
    """The model that repeats a record: that of the flag, otherwise the configured one if it has the recorded name."""
    return flag or (configured if configured and name_of(configured) == recorded else recorded)


def complete(
    client: Client, prefix: str, model: str | None, fields: dict[str, Any], reading: Reading, layout: Layout
) -> Completion:
    """Print a completion; until it comes, `reading` is shown."""
    is_asked = fields["include_log_probabilities"]
    if layout.is_json:  # with log-probabilities, it is counted how many characters were recalled
        fields = fields | {"include_log_probabilities": True}
    with client.complete(prefix, model=model, **fields) as completion:
        if not layout.is_json and fields["alternatives"] == 1:
            write_pieces(completion, reading, layout)
        else:
            for piece in completion:
                reading.note_written(len(piece.text))
            reading.end()
            if layout.is_json:
                write_json(for_programs(completion.record() if is_asked else without_log_probabilities(completion.record())))
            else:
                write_alternatives(completion, layout)
    if completion.usage:
        note_unknown(client, model, completion.digest, prefix, completion.usage.unknown_characters)
    if fields["temperature"] < WANDERING and any(goes_in_circles(each.text) for each in completion.alternatives):
        note(f"the text goes round in a circle; a long text wanders on with --temperature {WANDERING} or more (default: 0.8)")
    return completion


def goes_in_circles(text: str) -> bool:
    """Whether the end of the text is one short run, three times or more."""
    ends = ((period, text[-max(3 * period, SHORTEST_CIRCLE) :]) for period in range(1, LONGEST_PERIOD + 1))
    return any(len(end) >= max(3 * period, SHORTEST_CIRCLE) and end[period:] == end[:-period] for period, end in ends)


def without_log_probabilities(record: dict[str, Any]) -> dict[str, Any]:
    """The record of the same completion as if they had not been asked for."""
    alternatives = [{key: value for key, value in each.items() if key != LOG_PROBABILITIES} for each in record["alternatives"]]
    return record | {"request": record["request"] | {f"include_{LOG_PROBABILITIES}": False}, "alternatives": alternatives}


def write_pieces(completion: Completion, reading: Reading, layout: Layout) -> None:
    """Write the text piece by piece: nothing else into a pipe; on a terminal, a line end after it."""
    first = next(completion, None)
    reading.end()
    if layout.echo:
        write(dim(layout.echo))
    try:
        pieces = chain([first] if first else [], completion)
        for text in in_whole_words(completion, pieces) if layout.has_whole_words else (piece.text for piece in pieces):
            write_text(text)
    finally:
        if is_terminal():
            write("\n")


def in_whole_words(completion: Completion, pieces: Iterable[Piece]) -> Iterator[str]:
    """The text of a completion's pieces as they arrive, each word once it is whole."""
    held = ""
    for piece in pieces:
        held += piece.text
        whole = without_unfinished(held)
        held = held[len(whole) :]
        yield whole
    yield held if completion.finish_reason == STOP else ""


def write_alternatives(completion: Completion, layout: Layout) -> None:
    """Write each alternative as a whole under a heading, as `tail` does with several files."""
    for alternative in completion.alternatives:
        text = whole_words(alternative) if layout.has_whole_words else alternative.text
        write(f"==> alternative {alternative.number} <==\n{dim(layout.echo) if layout.echo else ''}{shown(text)}\n\n")
