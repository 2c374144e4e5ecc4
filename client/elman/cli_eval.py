"""`elman eval`: how well a model predicts text that it was not trained on."""

import argparse
from pathlib import Path
from typing import Any

from elman.cli_text import use_utf8, write, write_json
from elman.needed import needed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, FILES and the flags."""
    parser.add_argument("model", metavar="MODEL", help="a model file, or the name of a shipped model")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILES", help="UTF-8 text files, or folders of them")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the mean surprise of a character, with the state carried through each file, and in windows of 256."""
    use_utf8()
    _, path = needed("elman_models.shipped", "train").find(arguments.model)
    model = needed("elman_models.artifact", "train").load(path)
    corpus = needed("elman_models.corpus", "train").read_corpus(arguments.files)
    corpus.require(1)
    quality = needed("elman_models.evaluate", "train").evaluate(model, corpus.documents).to_json()
    if arguments.json:
        write_json({"artifact": quality, "digest": model.digest})
    else:
        write(in_words(quality))
    return 0


def in_words(quality: dict[str, Any]) -> str:
    """One line for each way of reading."""
    lines = [
        f"{way:<10} {quality[f'nats_per_character_{way}']:.4f} nats a character,"
        f" {quality[f'bits_per_character_{way}']:.4f} bits a character\n"
        for way in ("streaming", "windows")
    ]
    return "".join(lines) + f"{quality['characters']:,} characters, {quality['unknown_characters']:,} unknown\n"
