"""The shape of a network: what it may be, and what a file may claim."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman_models.errors import ArtifactError
from elman_models.law.structure import Layer, Structure

LAYER: dict[str, object] = {"size": 4, "inputs": list[int](), "reads_character": True}
GOOD: dict[str, object] = {"layers": [LAYER], "output_inputs": [0]}
BAD: list[object] = [None, 1, "ab", [], {}, {"layers": 1}, {**GOOD, "layers": "ab"}, {**GOOD, "layers": [1]}]


@st.composite
def structures(draw: st.DrawFn) -> Structure:
    """Any structure."""
    count = draw(st.integers(1, 16))
    earlier = [st.lists(st.integers(0, index - 1), unique=True) if index else st.just([]) for index in range(count)]
    layers = [Layer(draw(st.integers(1, 8192)), tuple(draw(inputs)), draw(st.booleans())) for inputs in earlier]
    layers[0] = Layer(layers[0].size, (), reads_character=True)
    return Structure(tuple(layers), tuple(draw(st.lists(st.integers(0, count - 1), min_size=1, unique=True))))


@given(structures())
@settings(deadline=None, max_examples=60)
def test_a_structure_comes_back_from_its_json(structure: Structure) -> None:
    assert Structure.from_json(json.loads(json.dumps(structure.to_json()))) == structure


@given(structures())
@settings(deadline=None, max_examples=60)
def test_widths_and_offsets_add_up(structure: Structure) -> None:
    sizes = [layer.size for layer in structure.layers]
    assert structure.state_size == sum(sizes) == structure.offset(len(sizes))
    assert [structure.span(i).stop - structure.span(i).start for i in range(len(sizes))] == sizes
    assert structure.output_width == sum(sizes[i] for i in structure.output_inputs)
    for index, layer in enumerate(structure.layers):
        assert structure.layer_width(index) == sum(sizes[i] for i in layer.inputs) + sizes[index]


@given(structures())
@settings(deadline=None, max_examples=60)
def test_no_sum_of_products_leaves_32_bits(structure: Structure) -> None:
    widest = max([structure.output_width, *(structure.layer_width(i) for i in range(len(structure.layers)))])
    assert widest * 127 * 127 < 2**31


def test_a_stack_reads_below_and_is_read_whole() -> None:
    assert Structure.stacked(2, 5) == Structure((Layer(5, (), True), Layer(5, (0,), True)), (0, 1))


@pytest.mark.parametrize(
    ("layers", "output_inputs", "words"),
    [
        ((), (0,), "layers"),
        ((Layer(1, (), True),) * 17, (0,), "layers: 17"),
        ((Layer(0, (), True),), (0,), r"layers\[0\].size: 0"),
        ((Layer(8193, (), True),), (0,), r"layers\[0\].size: 8193"),
        ((Layer(2**63, (), True),), (0,), r"layers\[0\].size"),
        ((Layer(1, (0,), True),), (0,), r"layers\[0\].inputs"),
        ((Layer(1, (), True), Layer(1, (0, 0), True)), (0,), r"layers\[1\].inputs"),
        ((Layer(1, (), True), Layer(1, (-1,), True)), (0,), r"layers\[1\].inputs"),
        ((Layer(1, (), True),), (), "output_inputs"),
        ((Layer(1, (), True),), (1,), "output_inputs"),
        ((Layer(1, (), False),), (0,), "reads_character"),
    ],
)
def test_what_a_structure_may_not_be_is_named(layers: tuple[Layer, ...], output_inputs: tuple[int, ...], words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        Structure(layers, output_inputs)


@pytest.mark.parametrize("value", BAD)
def test_json_that_is_not_a_structure_is_refused(value: object) -> None:
    with pytest.raises(ArtifactError, match="structure"):
        Structure.from_json(value)


@pytest.mark.parametrize(
    "change",
    [{"size": "4"}, {"size": 4.0}, {"size": True}, {"inputs": 3}, {"inputs": None}, {"inputs": ["0"]}, {"reads_character": 1}],
)
def test_json_of_the_wrong_type_is_refused(change: dict[str, object]) -> None:
    assert Structure.from_json(GOOD).layers[0].size == 4
    with pytest.raises(ArtifactError, match="structure"):
        Structure.from_json({**GOOD, "layers": [{**LAYER, **change}]})


def test_a_structure_that_reads_once_differs_in_nothing_else() -> None:
    whole, once = Structure.dense(3, 8), Structure.dense(3, 8).reading_once()
    assert [layer.reads_character for layer in once.layers] == [True, False, False]
    assert [layer.inputs for layer in once.layers] == [layer.inputs for layer in whole.layers]
    assert once.output_inputs == whole.output_inputs
    assert once.reading_once() == once


def test_a_dense_structure_reads_every_layer_below() -> None:
    expected = (Layer(5, (), True), Layer(5, (0,), True), Layer(5, (0, 1), True))
    assert Structure.dense(3, 5) == Structure(expected, (0, 1, 2))
