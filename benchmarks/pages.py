"""The page of a model in `docs/models.md`: what it learned from, what it is worth, and five examples, good and bad.

    python benchmarks/pages.py NAME [--model FILE] [--report FILE] [--places 200]

--report takes what `quality.py --json` printed; without it there is only what the model file says of unseen text. Examples are
what `elman type` would show at places of unseen documents that are drawn by chance, always the same ones: the longest that is
right, one in the middle of the right ones, the longest that is wrong, the shortest that is wrong, and the first place where
nothing is shown.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

import elman
from elman_models.law.artifact import Model, load
from elman_models.shipped import shipped_models
from elman_models.shipyard.make import TEXTS

BEFORE = 4_000
"""Characters before a place that are read."""
WIDTH = 120
"""Of a page."""
SHOWN = 48
"""Of those and of what follows, the characters that are shown."""
FIGURES = {
    "nats_per_character_streaming": "nats a character",
    "keystrokes_saved": "keys saved",
    "expected_calibration_error": "calibration error",
}


class Example(NamedTuple):
    """What was typed, what was suggested after it, and what stood there."""

    before: str
    suggested: str
    after: str

    @property
    def is_right(self) -> bool:
        """Whether all that was suggested stood there."""
        return bool(self.suggested) and self.after.startswith(self.suggested)

    @property
    def is_wrong(self) -> bool:
        """Whether anything was suggested that did not stand there."""
        return bool(self.suggested) and not self.is_right


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=TEXTS, metavar="NAME", help=", ".join(TEXTS))
    parser.add_argument("--model", type=Path, metavar="FILE", help="the shipped model by default")
    parser.add_argument("--report", type=Path, metavar="FILE")
    parser.add_argument("--places", type=int, default=200, metavar="NUMBER")
    options = parser.parse_args()
    path = options.model or shipped_models()[options.name]
    print(f"### `{options.name}`\n")
    print(*(fill(line, WIDTH, subsequent_indent="  ") for line in of_model(load(path), path)), sep="\n")
    if options.report:
        print()
        print(*table(json.loads(options.report.read_text())["reports"][options.name]), sep="\n")
    print("\n| typed | suggested | what stood there |\n| --- | --- | --- |")
    for each in chosen(list(examples(path, TEXTS[options.name].read().unseen, options.places))):
        cells = (in_a_cell(each.before[-SHOWN:]), in_a_cell(each.suggested), in_a_cell(each.after[:SHOWN]))
        print(f"| {' | '.join(cells)} |")


def of_model(model: Model, path: Path) -> Iterator[str]:
    """What the model file says of itself."""
    about = model.about
    sizes = "x".join(str(layer.size) for layer in model.structure.layers)
    unseen = about["quality"]["unseen"]
    yield f"- Learned from {about['training_characters']:,} characters, in {about['steps']:,} steps: {about['licence']}."
    yield f"- Layers {sizes}, {len(model.vocabulary)} characters, {path.stat().st_size:,} bytes, digest {model.digest[:16]}."
    yield (
        f"- On {unseen['characters']:,} characters that nothing has seen: {unseen['nats_per_character_streaming']:.3f} nats a"
        " character."
    )


def table(measured: Mapping[str, Any]) -> Iterator[str]:
    """The artifact, with and without recall, beside the best n-gram, that with the same recall, and PPM that adapts."""
    cost = next(iter(FIGURES))
    *plain, recalling, adapting = measured["baselines"]
    best = min((each for each in plain if each["name"].startswith("Kneser-Ney")), key=lambda each: each[cost])
    yield f"| | {' | '.join(FIGURES.values())} |"
    yield f"| --- |{' --- |' * len(FIGURES)}"
    for row in (measured["artifact"], measured["artifact_without_recall"], best, recalling, adapting):
        yield f"| {row['name']} | {row[cost]:.3f} | {row['keystrokes_saved']:.1%} | {row['expected_calibration_error']:.3f} |"


def examples(path: Path, documents: Mapping[str, str], count: int) -> Iterator[Example]:
    """What is suggested at places by chance, behind the third letter of a word."""
    each = -(-count // len(documents))
    drawn = sorted(f"{number} {name}" for name in documents for number in range(each))
    with elman.open(str(path)) as client:
        for named in sorted(drawn, key=digest)[:count]:
            text = documents[named.partition(" ")[2]]
            start = int.from_bytes(digest(named)[:4], "big") % len(text)
            if at := next((at for at in range(start, len(text) - 1) if is_within_a_word(text, at)), 0):
                with client.document(text[max(0, at - BEFORE) : at]) as document:
                    last = [suggestion.text for suggestion in document.suggestions()][-1:]
                yield Example(text[:at], "".join(last), text[at:])


def digest(text: str) -> bytes:
    """Chance that is always the same."""
    return hashlib.sha256(text.encode()).digest()


def is_within_a_word(text: str, at: int) -> bool:
    """Whether three letters of a word stand before a place, and more of the line after it."""
    return text[at - 3 : at].isalpha() and not text[at - 4 : at - 3].isalpha() and "\n" not in text[at : at + 2]


def chosen(found: Sequence[Example]) -> Iterator[Example]:
    """Five of them by the rule above, or fewer."""
    right = sorted((each for each in found if each.is_right), key=lambda each: len(each.suggested))
    wrong = sorted((each for each in found if each.is_wrong), key=lambda each: len(each.suggested))
    nothing = [each for each in found if not each.suggested]
    yield from dict.fromkeys([*right[-1:], *right[len(right) // 2 :][:1], *wrong[-1:], *wrong[:1], *nothing[:1]])


def in_a_cell(text: str) -> str:
    """A text as a cell of a table of Markdown holds it."""
    shown = text.replace("\n", "⏎").replace("`", "'").replace("|", "¦")
    return f"`{shown}`" if shown else "nothing"


if __name__ == "__main__":
    main()
