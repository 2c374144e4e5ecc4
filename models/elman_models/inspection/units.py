"""Which hidden units follow something that a person can name (Karpathy et al. 2015, "Visualizing and understanding recurrent
networks", section 4.2). Knows no colours.

A unit is as interesting as the square of its correlation with what it follows, over all characters of the text. The value
that is compared is the one after the character.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman_models.errors import InvalidField
from elman_models.law.structure import Structure

Property = Callable[[str], NDArray[np.float64]]


class Unit(NamedTuple):
    """A hidden unit, what it follows best, and the correlation, -1 to 1."""

    layer: int
    unit: int
    follows: str
    correlation: float

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` takes."""
        return self._asdict()


def followers(structure: Structure, states: NDArray[np.int8], text: str) -> list[Unit]:
    """For each property that varies in the text the unit that follows it best, the best first. `states`: (characters, size)."""
    found: list[Unit] = []
    for name, of in PROPERTIES.items():
        related = correlations(states, of(text))
        best = int(np.argmax(np.abs(related)))
        if related[best]:
            found.append(Unit(*place(structure, best), name, float(related[best])))
    return sorted(found, key=lambda unit: -abs(unit.correlation))


def follower(structure: Structure, states: NDArray[np.int8], text: str, layer: int, unit: int) -> Unit:
    """The unit that is named, with what it follows best. Raises InvalidField."""
    index = index_of(structure, layer, unit)
    related = {name: float(correlations(states[:, index : index + 1], of(text))[0]) for name, of in PROPERTIES.items()}
    best = max(related, key=lambda name: abs(related[name]))
    return Unit(layer, unit, best, related[best])


def correlations(states: NDArray[np.int8], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's, of every unit with the values; 0 where either does not vary."""
    centred: NDArray[np.float64] = states - states.mean(axis=0)
    wanted = values - values.mean()
    sizes: NDArray[np.float64] = np.sqrt(np.square(centred).sum(axis=0) * np.square(wanted).sum())
    return np.divide(wanted @ centred, sizes, out=np.zeros(sizes.shape), where=sizes > 0)


def place(structure: Structure, index: int) -> tuple[int, int]:
    """Layer and unit, both from 0, of a place in a state."""
    layer = max(layer for layer in range(len(structure.layers)) if structure.offset(layer) <= index)
    return layer, index - structure.offset(layer)


def index_of(structure: Structure, layer: int, unit: int) -> int:
    """The place in a state of a unit. Raises InvalidField."""
    if not 0 <= layer < len(structure.layers):
        raise InvalidField("layer", layer, f"0 to {len(structure.layers) - 1}")
    if not 0 <= unit < structure.layers[layer].size:
        raise InvalidField("unit", unit, f"0 to {structure.layers[layer].size - 1} in layer {layer}")
    return structure.offset(layer) + unit


def runs(text: str, is_counted: Callable[[str], bool]) -> NDArray[np.float64]:
    """At each character, how many in a row were counted, itself included."""
    lengths, length = np.zeros(len(text)), 0
    for at, character in enumerate(text):
        length = length + 1 if is_counted(character) else 0
        lengths[at] = length
    return lengths


def depth(text: str) -> NDArray[np.float64]:
    """At each character, how many brackets are open."""
    steps = [(character in "([{") - (character in ")]}") for character in text]
    depths, now = np.zeros(len(text)), 0
    for at, step in enumerate(steps):
        now = max(0, now + step)
        depths[at] = now
    return depths


def indentation(text: str) -> NDArray[np.float64]:
    """At each character, how many blanks its line begins with."""
    lines = text.splitlines(keepends=True)
    return np.concatenate([np.full(len(line), len(line) - len(line.lstrip(" \t")), np.float64) for line in lines])


def quoted(text: str) -> NDArray[np.float64]:
    """At each character, 1 within double quotes; a line that is empty ends what was left open."""
    is_quoted, values = False, np.zeros(len(text))
    for at, character in enumerate(text):
        is_quoted = (not is_quoted if character == '"' else is_quoted) and text[at - 1 : at + 1] != "\n\n"
        values[at] = is_quoted
    return values


PROPERTIES: Mapping[str, Property] = {
    "place in the line": lambda text: runs(text, lambda character: character != "\n"),
    "place in the word": lambda text: runs(text, str.isalpha),
    "length of the run of capitals": lambda text: runs(text, str.isupper),
    "inside double quotes": quoted,
    "depth of brackets": depth,
    "indentation of the line": indentation,
    "a word is about to begin": lambda text: np.array([character.isspace() for character in text], np.float64),
}
