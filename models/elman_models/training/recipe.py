"""The recipe of a training run: every dial, what it means and what it may be. Knows neither torch nor any text.

Dials left at None follow the amount of text (`for_text`, or `for_more_text` where a model learns on), so that a person with a
folder of notes sets none.
"""

import json
import math
from dataclasses import Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from elman_models.errors import InvalidField

MILLION = 1_000_000


def dial(default: float | str | None, allowed: tuple[float, float] | tuple[str, ...], help_text: str) -> Any:
    """A field of the recipe with its range, or its choices, and what it means."""
    return field(default=default, metadata={"help": help_text, "allowed": allowed})


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. Raises InvalidField, which names field, value and range."""

    layers: int | None = dial(None, (1, 16), "recurrent layers, all of which the output reads; by the amount of text: 6 or 8")
    skips: str | None = dial(
        None, ("dense", "none"), "which layers below a layer reads: none (default): the nearest; dense: all of them"
    )
    hidden_size: int | None = dial(None, (1, 4096), "outputs of each layer; by the amount of text: 96 to 256")
    epochs: int | None = dial(
        None, (1, 1000), "passes over the text; by the amount of text: 30 for little to 8 for much, from a model 6"
    )
    dropout: float = dial(0.0, (0, 0.9), "share of a layer's outputs withheld from its readers while training")
    learning_rate: float | None = dial(None, (1e-6, 1), "of AdamW, at its highest; 0.003, or 0.002 from a model")
    matrix_rate: float | None = dial(
        None,
        (0, 1),
        "of Muon on the layers' matrices, at its highest; 0.03 for little text or 0.02, from a model 0.01; 0: AdamW",
    )
    restarts: float = dial(0.02, (0, 1), "share of windows whose row starts anew, so that the initial state is practised")
    warmup: int = dial(500, (0, 100_000), "steps over which the learning rate rises; it falls by a cosine afterwards")
    weight_decay: float = dial(0.1, (0, 10), "of AdamW and Muon, on matrices")
    clip: float = dial(0.25, (1e-3, 1e6), "largest norm of the gradient")
    batch_size: int | None = dial(None, (1, 4096), "texts read side by side; by the amount of text: 8 to 32")
    window: int | None = dial(None, (2, 4096), "steps through which errors travel back, the state carries on beyond; 64 or 128")
    held_out: float = dial(0.05, (0, 0.5), "share of the text kept for measuring quality")
    measurements: int = dial(50, (1, 10_000), "times that held-out text is measured while training; the best weights are kept")
    patience: int = dial(10, (0, 10_000), "measurements without a better one after which training stops; 0: never")
    minimum_characters: int = dial(20_000, (1, 10**12), "characters of text below which training is refused")
    seed: int = dial(0, (0, 2**63 - 1), "of initial weights, dropout and order")
    threads: int | None = dial(
        None, (1, 1024), "processor threads, half of those there are by default; part of what makes a digest again"
    )
    precision: str = dial("auto", ("auto", "float32", "bfloat16"), "of products; auto: bfloat16 where the processor can")

    def __post_init__(self) -> None:
        for each in fields(self):
            check(each, getattr(self, each.name))

    def for_text(self, characters: int) -> "Recipe":
        """The recipe with every dial that was left open set for so many characters, from random weights."""
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
        """The same where the weights are a model's, which has its structure, and go on learning."""
        millions = characters / MILLION
        follows: dict[str, Any] = {
            "learning_rate": 2e-3,
            "matrix_rate": 0.01,
            "epochs": 6,
            **windows(millions),
        }
        return self._with_open_dials(follows)

    def _with_open_dials(self, follows: dict[str, Any]) -> "Recipe":
        return replace(self, **{name: value for name, value in follows.items() if getattr(self, name) is None})

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` takes."""
        return asdict(self)


def windows(millions: float) -> dict[str, Any]:
    """How the text is read; little text needs many small steps."""
    return {
        "batch_size": 32 if millions >= 1 else 16 if millions >= 0.1 else 8,
        "window": 128 if millions >= 3 else 64,
    }


def read_recipe(path: Path) -> Recipe:
    """A recipe out of a JSON file. Unknown dials raise InvalidField."""
    return from_json(json.loads(path.read_text(encoding="utf-8")))


def from_json(values: dict[str, Any]) -> Recipe:
    """The recipe that `to_json` described; dials may be lacking, none may be unknown."""
    known = [each.name for each in fields(Recipe)]
    for name, value in values.items():
        if name not in known:
            raise InvalidField(name, value, f"no such dial; there are: {', '.join(known)}")
    return Recipe(**values)


def check(dial_field: "Field[Any]", value: object) -> None:
    """Raise InvalidField unless the value is one of the field's choices or within its range."""
    allowed = dial_field.metadata["allowed"]
    if value is None and dial_field.default is None:
        return
    if isinstance(allowed[0], str):
        if value not in allowed:
            raise InvalidField(dial_field.name, value, ", ".join(allowed))
        return
    kinds = (int,) if "int" in str(dial_field.type) else (int, float)
    low, high = allowed
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        raise InvalidField(dial_field.name, value, f"{low:g} to {high:g}" + (", whole" if kinds == (int,) else ""))
