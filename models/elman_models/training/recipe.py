"""The recipe of a training run: every dial, what it means and what it may be. Knows neither torch nor any text.

Dials left at None follow the amount of text (`for_text`, or `for_more_text` where a model learns on), so that a person with a
folder of notes sets none.
"""

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from elman.settings import NUMBER, WHOLE, WORD, Choices, Range, check, setting, settings_of
from elman_models.errors import InvalidField

MILLION = 1_000_000
Dial = TypeVar("Dial", int, float, str)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. Raises InvalidField, which names field, value and range."""

    layers: int | None = setting(
        None, WHOLE, "recurrent layers, all of which the output reads; by default 6 or 8, by the amount of text", Range(1, 16)
    )
    skips: str | None = setting(
        None,
        WORD,
        "what a layer reads beside the layer below it; by default none; dense: all layers below it",
        Choices(("dense", "none")),
    )
    hidden_size: int | None = setting(
        None, WHOLE, "outputs of each layer; by default 96 to 256, by the amount of text", Range(1, 4096)
    )
    epochs: int | None = setting(
        None,
        WHOLE,
        "passes over the text; by default from 30 for little text to 8 for much, and 6 from a model, up to 24 for very little",
        Range(1, 1000),
    )
    dropout: float = setting(
        0.0, NUMBER, "the share of a layer's outputs withheld from its readers while training", Range(0, 0.9)
    )
    learning_rate: float | None = setting(
        None,
        NUMBER,
        "AdamW's learning rate at its highest; by default 0.003, or 0.0005 to 0.002 from a model, by the amount of text",
        Range(1e-6, 1),
    )
    matrix_rate: float | None = setting(
        None,
        NUMBER,
        "Muon's learning rate on the layers' matrices, at its highest; by default 0.03 for little text, 0.02 for more, and"
        " 0.0025 to 0.01 from a model; 0: AdamW learns them too",
        Range(0, 1),
    )
    restarts: float = setting(
        0.02, NUMBER, "the share of windows that begin from the initial state, so that it is practised", Range(0, 1)
    )
    warmup: int = setting(
        500,
        WHOLE,
        "how long the learning rate rises, before it falls along a cosine",
        Range(0, 100_000),
        unit="steps",
    )
    weight_decay: float = setting(0.1, NUMBER, "the weight decay of AdamW and Muon, on matrices", Range(0, 10))
    clip: float = setting(0.25, NUMBER, "the largest norm of the gradient", Range(1e-3, 1e6))
    batch_size: int | None = setting(
        None, WHOLE, "texts that are read side by side; by default 8 to 32, by the amount of text", Range(1, 4096), unit="texts"
    )
    window: int | None = setting(
        None,
        WHOLE,
        "how far errors travel back, while the state carries on; by default 64 or 128, by the amount of text",
        Range(2, 4096),
        unit="steps",
    )
    held_out: float = setting(0.05, NUMBER, "the share of the text kept for measuring quality", Range(0, 0.5))
    measurements: int = setting(
        50, WHOLE, "how often the held-out text is measured while training; the best weights are kept", Range(1, 10_000)
    )
    patience: int = setting(
        10,
        WHOLE,
        "measurements without a better one after which training stops, in its second half; 0: it does not",
        Range(0, 10_000),
    )
    minimum_characters: int = setting(
        20_000, WHOLE, "the least text that training accepts", Range(1, 10**12), unit="characters"
    )
    seed: int = setting(0, WHOLE, "the seed of initial weights, dropout and order", Range(0, 2**63 - 1))
    threads: int | None = setting(
        None,
        WHOLE,
        "processor threads; by default half of those there are; only the same number makes the same digest again",
        Range(1, 1024),
    )
    precision: str = setting(
        "auto",
        WORD,
        "the precision of products; auto: bfloat16 where the processor has it",
        Choices(("auto", "float32", "bfloat16")),
    )

    def __post_init__(self) -> None:
        check(self, InvalidField)

    def for_text(self, characters: int) -> "Recipe":
        """The recipe with every dial that was left open set for a text of that many characters, from random weights."""
        millions = characters / MILLION
        follows: dict[str, Any] = {
            "layers": 8 if millions >= 1 else 6,
            "skips": "none",
            "learning_rate": 3e-3,
            "matrix_rate": 0.02 if millions >= 1 else 0.03,
            "hidden_size": 256 if millions >= 4 else 224 if millions >= 1 else 168 if millions >= 0.1 else 96,
            "epochs": min(30, max(8, math.ceil(2.4 / millions))),
            **windows(millions),
        }
        return self._with_open_dials(follows)

    def for_more_text(self, characters: int) -> "Recipe":
        """The same where the weights are a model's, which has its structure, and go on learning: the less text, the slower."""
        millions = characters / MILLION
        pace = 1.0 if millions >= 1 else 0.5 if millions >= 0.1 else 0.25
        follows: dict[str, Any] = {
            "learning_rate": pace * 2e-3,
            "matrix_rate": pace * 0.01,
            "epochs": min(24, max(6, math.ceil(0.1 / millions))),
            **windows(millions),
        }
        return self._with_open_dials(follows)

    def _with_open_dials(self, follows: dict[str, Any]) -> "Recipe":
        return replace(self, **{name: value for name, value in follows.items() if getattr(self, name) is None})

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` takes."""
        return asdict(self)


DIALS: Final = settings_of(Recipe)
"""What flags and help are made of."""


def windows(millions: float) -> dict[str, Any]:
    """How the text is read; little text needs many small steps."""
    return {
        "batch_size": 32 if millions >= 1 else 16 if millions >= 0.1 else 8,
        "window": 128 if millions >= 3 else 64,
    }


def required(value: Dial | None) -> Dial:
    """A dial that `for_text` has set."""
    if value is None:
        raise TypeError("a dial was left open")
    return value


def read_recipe(path: Path) -> Recipe:
    """A recipe out of a JSON file. Raises InvalidField for what is none and for unknown dials, or OSError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise InvalidField("recipe", str(path), "a file with a JSON object of dials")
    return from_json(cast("dict[str, Any]", values))


def from_json(values: dict[str, Any]) -> Recipe:
    """The recipe that `to_json` described. A dial that is missing has its default; one that is unknown raises InvalidField."""
    known = [each.name for each in DIALS]
    for name, value in values.items():
        if name not in known:
            raise InvalidField(name, value, f"no such dial; there are: {', '.join(known)}")
    return Recipe(**values)
