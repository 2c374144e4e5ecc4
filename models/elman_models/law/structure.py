"""The shape of a network: which layer reads what. Knows no weights.

x = [h_i for i in inputs] ++ h_own        a layer reads a wider concatenation, so a skip connection is an input more
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from elman_models.errors import ArtifactError

LARGEST_LAYER = 8192
MOST_LAYERS = 16


@dataclass(frozen=True, slots=True)
class Layer:
    """One recurrent layer: its size, the earlier layers whose present outputs it reads, and whether it reads the character.

    A layer that reads the character has a bias table (vocabulary + 1 rows, the last for UNK); another has one bias vector.
    """

    size: int
    inputs: tuple[int, ...]
    reads_character: bool


@dataclass(frozen=True, slots=True)
class Structure:
    """The layers, first to last, and the layers that the output layer reads."""

    layers: tuple[Layer, ...]
    output_inputs: tuple[int, ...]

    def __post_init__(self) -> None:
        require(1 <= len(self.layers) <= MOST_LAYERS, "layers", len(self.layers), f"1 to {MOST_LAYERS}")
        for index, layer in enumerate(self.layers):
            require(1 <= layer.size <= LARGEST_LAYER, f"layers[{index}].size", layer.size, f"1 to {LARGEST_LAYER}")
            check_inputs(f"layers[{index}].inputs", layer.inputs, index)
        check_inputs("output_inputs", self.output_inputs, len(self.layers))
        require(bool(self.output_inputs), "output_inputs", self.output_inputs, "at least one layer")
        require(any(layer.reads_character for layer in self.layers), "reads_character", False, "true for some layer")

    @property
    def state_size(self) -> int:
        """The number of outputs of all layers."""
        return sum(layer.size for layer in self.layers)

    def offset(self, index: int) -> int:
        """Where layer `index` begins in a state; `offset(len(layers))` is the state's size."""
        return sum(layer.size for layer in self.layers[:index])

    def span(self, index: int) -> slice:
        """The part of a state that holds the outputs of layer `index`."""
        return slice(self.offset(index), self.offset(index + 1))

    def layer_width(self, index: int) -> int:
        """The length of the concatenation that layer `index` reads."""
        layer = self.layers[index]
        return sum(self.layers[i].size for i in layer.inputs) + layer.size

    @property
    def output_width(self) -> int:
        """The length of the concatenation that the output layer reads."""
        return sum(self.layers[i].size for i in self.output_inputs)

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` takes."""
        layers = [
            {"size": layer.size, "inputs": list(layer.inputs), "reads_character": layer.reads_character}
            for layer in self.layers
        ]
        return {"layers": layers, "output_inputs": list(self.output_inputs)}

    @classmethod
    def from_json(cls, value: object) -> "Structure":
        """The structure that `to_json` described. Raises ArtifactError for anything else."""
        try:
            fields = cast("Mapping[str, Any]", value)
            layers = tuple(layer_from_json(layer) for layer in fields["layers"])
            return cls(layers, integers(fields["output_inputs"]))
        except (KeyError, TypeError) as error:
            raise ArtifactError(f"structure: not understood ({error})") from None

    @classmethod
    def stacked(cls, layers: int, size: int) -> "Structure":
        """`layers` of `size`: each reads the character, the layer below and itself; the output reads them all."""
        stack = tuple(Layer(size, (index - 1,) if index else (), reads_character=True) for index in range(layers))
        return cls(stack, tuple(range(layers)))

    @classmethod
    def dense(cls, layers: int, size: int) -> "Structure":
        """`layers` of `size`: each reads the character, all the layers below and itself; the output reads them all."""
        stack = tuple(Layer(size, tuple(range(index)), reads_character=True) for index in range(layers))
        return cls(stack, tuple(range(layers)))

    def reading_once(self) -> "Structure":
        """The same, but only the first layer reads the character: the others need no table."""
        first, *others = self.layers
        return replace(self, layers=(first, *(replace(layer, reads_character=False) for layer in others)))


SHAPES: Mapping[str, Callable[[int, int], Structure]] = {"dense": Structure.dense, "none": Structure.stacked}
"""From a number of layers and their size, by the recipe's name for the skips."""


def layer_from_json(value: Mapping[str, Any]) -> Layer:
    """One layer of `Structure.from_json`."""
    if not isinstance(value["reads_character"], bool):
        raise TypeError("reads_character is not a boolean")
    (size,) = integers([value["size"]])
    return Layer(size, integers(value["inputs"]), value["reads_character"])


def integers(values: list[object]) -> tuple[int, ...]:
    """The values, each of which must be an integer and no boolean."""
    if not all(type(value) is int for value in values):
        raise TypeError("an integer was expected")
    return tuple(cast("list[int]", values))


def check_inputs(field: str, inputs: tuple[int, ...], before: int) -> None:
    """Inputs name earlier layers, each once."""
    legal = all(0 <= i < before for i in inputs) and len(set(inputs)) == len(inputs)
    require(legal, field, inputs, f"different layers below {before}")


def require(legal: bool, field: str, value: object, allowed: str) -> None:
    """Raise ArtifactError unless legal."""
    if not legal:
        raise ArtifactError(f"structure: {field}: {value!r} is out of range; allowed: {allowed}")
