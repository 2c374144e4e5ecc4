"""`elman models`: a table of the models that there are."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace

from elman.cli.configuration import Configuration
from elman.cli.engine import add_engine_arguments, engine_of, open_engine
from elman.errors import PickAnotherModel
from elman.languages import uses_of
from elman.protocol.results import ModelDescription
from elman.terminal import use_utf8, write_json, write_text

HEADINGS = ("NAME", "DIGEST", "LAYERS", "CHARACTERS", "STATE BYTES", "FOR")
BY_NAME = "by name only"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    add_engine_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the models, the default first; with --model, only that one."""
    use_utf8()
    configuration = Configuration.read()
    engine = replace(engine_of(arguments, configuration), model=arguments.model)  # a configured one hides no other
    chosen = {pattern: each.value for pattern, each in configuration.models.items()}
    client, wanted = open_engine(engine, default="")
    with client:
        models = [model for model in client.models(timeout=engine.timeout) if wanted in (None, model.name)]
    if wanted and not models:
        raise PickAnotherModel(f"model: the server has no {wanted!r}; elman models without --model lists what it has")
    if arguments.json:
        write_json({"models": [{**model.to_json(), "for": list(uses_of(model.name, chosen))} for model in models]})
    else:
        write_text(table([HEADINGS, *(row(model, chosen) for model in models)]))
    return 0


def row(model: ModelDescription, chosen: Mapping[str, str]) -> tuple[str, ...]:
    """The cells for one model; `chosen` are those that the configuration names, by what they are for."""
    layers = "x".join(map(str, model.layer_sizes))
    uses = ", ".join(uses_of(model.name, chosen)) or BY_NAME
    return model.name, model.digest[:16], layers, str(len(model.vocabulary)), str(model.state_bytes), uses


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns of equal width, with two spaces between."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)
