"""Which hidden units follow something that a person can name (Karpathy et al. 2015, "Visualizing and understanding recurrent
networks", section 4.2). Knows no colours.

A unit is as interesting as the square of its correlation with what it follows, over all characters of the text. The value
that is compared is the one after the character.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman_models.errors import InvalidField
from elman_models.law.artifact import Model
from elman_models.law.dequantize import REACH
from elman_models.law.structure import Structure

Floats = NDArray[np.float64]
Property = Callable[[str], Floats]


@dataclass(frozen=True, slots=True)
class Unit:
    """A hidden unit, what it follows best, and the correlation, -1 to 1."""

    layer: int
    unit: int
    follows: str
    correlation: float

    def to_json(self) -> dict[str, Any]:
        """One of the followers that `elman inspect units --json` prints."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The units that follow something in a text, and the values of those that are shown."""

    digest: str
    followers: list[Unit]
    shown: list[tuple[Unit, Floats]]  # each with its value after each character, -1 to 1: (characters,)

    def to_json(self) -> dict[str, Any]:
        """What `elman inspect units --json` prints."""
        return {
            "digest": self.digest,
            "followers": [unit.to_json() for unit in self.followers],
            "units": [{**unit.to_json(), "values": values.tolist()} for unit, values in self.shown],
        }


def best_units(model: Model, states: NDArray[np.int8], text: str, shown: int) -> Units:
    """The unit that best follows each property, the first few of them shown. `states`: (characters, size)."""
    followers = best_followers(model.structure, states, text)
    return Units(model.digest, followers, [(unit, values_of(model.structure, states, unit)) for unit in followers[:shown]])


def one_unit(model: Model, states: NDArray[np.int8], text: str, layer: int, unit: int) -> Units:
    """A unit by its layer and number, both from 0, with the property that it follows best. Raises InvalidField."""
    follower = what_unit_follows(model.structure, states, text, layer, unit)
    return Units(model.digest, [follower], [(follower, values_of(model.structure, states, follower))])


def values_of(structure: Structure, states: NDArray[np.int8], unit: Unit) -> Floats:
    """A unit's value after each character, -1 to 1."""
    return states[:, index_of(structure, unit.layer, unit.unit)] / REACH


def best_followers(structure: Structure, states: NDArray[np.int8], text: str) -> list[Unit]:
    """For each property that varies in the text, the unit that follows it best, best first. `states`: (characters, size)."""
    found: list[Unit] = []
    for name, of in PROPERTIES.items():
        related = correlations(states, of(text))
        best = int(np.argmax(np.abs(related)))
        if related[best]:
            found.append(Unit(*layer_and_unit(structure, best), name, float(related[best])))
    return sorted(found, key=lambda unit: -abs(unit.correlation))


def what_unit_follows(structure: Structure, states: NDArray[np.int8], text: str, layer: int, unit: int) -> Unit:
    """The unit, with the property that it follows best. Raises InvalidField."""
    index = index_of(structure, layer, unit)
    related = {name: float(correlations(states[:, index : index + 1], of(text))[0]) for name, of in PROPERTIES.items()}
    best = max(related, key=lambda name: abs(related[name]))
    return Unit(layer, unit, best, related[best])


def correlations(states: NDArray[np.int8], values: Floats) -> Floats:
    """Pearson's, of every unit with the values; 0 where either does not vary."""
    centred: Floats = states - states.mean(axis=0)
    wanted = values - values.mean()
    sizes: Floats = np.sqrt(np.square(centred).sum(axis=0) * np.square(wanted).sum())
    return np.divide(wanted @ centred, sizes, out=np.zeros(sizes.shape), where=sizes > 0)


def layer_and_unit(structure: Structure, index: int) -> tuple[int, int]:
    """The layer and the unit, both from 0, of an index in a state."""
    layer = max(layer for layer in range(len(structure.layers)) if structure.offset(layer) <= index)
    return layer, index - structure.offset(layer)


def index_of(structure: Structure, layer: int, unit: int) -> int:
    """The index in a state of a layer's unit, both from 0. Raises InvalidField."""
    if not 0 <= layer < len(structure.layers):
        raise InvalidField("layer", layer, f"0 to {len(structure.layers) - 1}")
    if not 0 <= unit < structure.layers[layer].size:
        raise InvalidField("unit", unit, f"0 to {structure.layers[layer].size - 1} in layer {layer}")
    return structure.offset(layer) + unit


def run_lengths(text: str, is_in_run: Callable[[str], bool]) -> Floats:
    """At each character, how long the run of such characters is that ends with it; 0 for a character that is none."""
    lengths, length = np.zeros(len(text)), 0
    for at, character in enumerate(text):
        length = length + 1 if is_in_run(character) else 0
        lengths[at] = length
    return lengths


def depth(text: str) -> Floats:
    """At each character, how many brackets are open."""
    steps = [(character in "([{") - (character in ")]}") for character in text]
    depths, now = np.zeros(len(text)), 0
    for at, step in enumerate(steps):
        now = max(0, now + step)
        depths[at] = now
    return depths


def indentation(text: str) -> Floats:
    """At each character, how many blanks its line begins with."""
    lines = text.splitlines(keepends=True)
    return np.concatenate([np.full(len(line), len(line) - len(line.lstrip(" \t")), np.float64) for line in lines])


def quoted(text: str) -> Floats:
    """At each character, 1 within double quotes; an empty line ends what was left open."""
    is_quoted, values = False, np.zeros(len(text))
    for at, character in enumerate(text):
        is_quoted = (not is_quoted if character == '"' else is_quoted) and text[at - 1 : at + 1] != "\n\n"
        values[at] = is_quoted
    return values


PROPERTIES: Mapping[str, Property] = {
    "place in the line": lambda text: run_lengths(text, lambda character: character != "\n"),
    "place in the word": lambda text: run_lengths(text, str.isalpha),
    "length of the run of capitals": lambda text: run_lengths(text, str.isupper),
    "inside double quotes": quoted,
    "depth of brackets": depth,
    "indentation of the line": indentation,
    "a word is about to begin": lambda text: np.array([character.isspace() for character in text], np.float64),
}
