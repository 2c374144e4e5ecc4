"""Laws of looking inside: states are the served ones, gradients are autograd's, units follow what they are said to."""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from elman_models.errors import InvalidField
from elman_models.execution.protocol import Advance, Start
from elman_models.execution.reference import Reference
from elman_models.inspection.characters import cosines_of, neighbours, plane
from elman_models.inspection.gradients import gradient_norms, growth, memory
from elman_models.inspection.states import states_of
from elman_models.inspection.units import PROPERTIES, best_followers, index_of, layer_and_unit
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_models.law.structure import Structure
from elman_models.training.export import to_network

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
TEXT = "a bad cab, a faded egg\n" * 6


def test_the_states_are_those_of_the_law(model: Model) -> None:
    states = states_of(model, TEXT)
    reference = Reference(model, 1)
    reference.load(0, Start(State.initial(model)))
    expected = reference.run([Advance(0, skipped=model.vocabulary.encode(TEXT))]).state(0, 0)
    assert np.array_equal(states[0], model.initial_state)
    assert np.array_equal(states[-1], expected.outputs)


def autograd_norms(
    model: Model, characters: "np.ndarray", start: "np.ndarray", steps: int
) -> tuple["np.ndarray", "np.ndarray"]:
    """The float network's own states and |dL / dh_l| at each of its steps, the last step first, by torch's autograd."""
    network, structure = to_network(model).double(), model.structure
    outputs = [torch.tensor(start[structure.span(layer)] / 127) for layer in range(len(structure.layers))]
    states = [torch.cat(outputs)]
    passed: list[list[torch.Tensor]] = []
    for character in characters[:-1]:
        present: list[torch.Tensor] = []
        for index, layer in enumerate(structure.layers):
            bias = network.biases[index][int(character) if layer.reads_character else 0]
            below = torch.cat([present[i] for i in layer.inputs]) if layer.inputs else torch.zeros(0, dtype=torch.float64)
            drive = network.inputs[index] @ below + network.recurrences[index] @ outputs[index] + bias
            present.append(torch.tanh(drive))
            present[-1].retain_grad()
        outputs = present
        passed.append(present)
        states.append(torch.cat(present).detach())
    logits = network.output @ torch.cat([outputs[i] for i in structure.output_inputs]) + network.output_bias
    (-torch.log_softmax(logits, 0)[int(characters[-1])]).backward()
    norms = [[0.0 if h.grad is None else float(h.grad.norm()) for h in present] for present in reversed(passed)]
    return torch.stack(states).numpy(), np.array(norms[: steps + 1])


def test_the_gradients_are_those_of_autograd(model: Model) -> None:
    characters, steps = model.vocabulary.encode(TEXT[:40]), 30
    states, expected = autograd_norms(model, characters, model.initial_state, steps)
    norms = gradient_norms(model, states, characters, np.array([39]), steps)
    assert norms.shape == (steps + 1, 3, 1)
    np.testing.assert_allclose(norms[:, :, 0], expected, rtol=1e-5, atol=1e-12)


def test_a_position_does_not_see_its_neighbours(model: Model) -> None:
    states, characters = states_of(model, TEXT) / 127, model.vocabulary.encode(TEXT)
    together = gradient_norms(model, states, characters, np.array([40, 60, 90]), 20)
    alone = gradient_norms(model, states, characters, np.array([60]), 20)
    np.testing.assert_allclose(together[:, :, 1:2], alone, rtol=1e-9)


def test_growth_is_the_median_factor_of_a_step_back() -> None:
    assert growth(np.outer(0.9 ** np.arange(10), [1.0, 5.0])) == pytest.approx(0.9)


def test_growth_counts_nothing_that_has_sunk_to_zero() -> None:
    assert growth(np.array([[1.0], [0.5], [0.25], [0.125], *[[0.0]] * 9])) == 0.5
    assert growth(np.zeros((3, 2))) == 0


@pytest.mark.parametrize("steps", [0, -1, len(TEXT), 10**9])
def test_more_steps_than_the_text_has_are_refused_by_name(model: Model, steps: int) -> None:
    with pytest.raises(InvalidField, match=r"steps: .* is out of range; allowed: 1 to 137"):
        memory(model, states_of(model, TEXT), TEXT, steps)


@pytest.mark.parametrize("text", ["", "a"])
def test_too_short_a_text_is_refused(model: Model, text: str) -> None:
    with pytest.raises(InvalidField, match=r"text: \d characters? is out of range; allowed: 2 to 200,000 characters"):
        states_of(model, text)


def test_a_unit_that_is_made_to_follow_a_property_is_found() -> None:
    structure, text = Structure.stacked(2, 5), 'say "a word (or two)" and\n  go ON\n' * 5
    random = np.random.default_rng(0)
    for name, of in PROPERTIES.items():
        states = random.integers(-127, 128, (len(text), 10), np.int8)
        values = of(text)
        states[:, 7] = -np.rint(100 * values / values.max()).astype(np.int8)
        found = next(unit for unit in best_followers(structure, states, text) if unit.follows == name)
        assert (found.layer, found.unit) == (1, 2)
        assert found.correlation == pytest.approx(-1, abs=0.01)


def test_properties_are_what_they_are_called() -> None:
    assert PROPERTIES["place in the line"]("ab\nc").tolist() == [1, 2, 0, 1]
    assert PROPERTIES["inside double quotes"]('a"b"c').tolist() == [0, 1, 1, 0, 0]
    assert PROPERTIES["depth of brackets"]("f(a[0])").tolist() == [0, 1, 1, 2, 2, 1, 0]
    assert PROPERTIES["indentation of the line"]("  a\nb").tolist() == [2, 2, 2, 2, 0]
    assert PROPERTIES["length of the run of capitals"]("aBCd").tolist() == [0, 1, 2, 0]


def test_places_and_indices_are_inverse(model: Model) -> None:
    structure = model.structure
    found = [layer_and_unit(structure, index) for index in range(structure.state_size)]
    assert [index_of(structure, *each) for each in found] == list(range(structure.state_size))
    with pytest.raises(InvalidField, match="unit: 7 is out of range; allowed: 0 to 6 in layer 1"):
        index_of(structure, 1, 7)


def test_neighbours_are_the_nearest_and_never_the_character_itself(model: Model) -> None:
    found = neighbours(model, "read", 3)
    assert list(found) == list(model.vocabulary.characters)
    for character, others in found.items():
        cosines = [other.cosine for other in others]
        assert cosines == sorted(cosines, reverse=True)
        assert character not in [other.character for other in others]


def test_cosines_ignore_length() -> None:
    assert cosines_of(np.array([[1.0, 1.0], [3.0, 3.0], [1.0, -1.0], [0.0, 0.0]]))[0] == pytest.approx([1, 1, 0, 0])


def test_a_plane_keeps_distances_of_rows_that_lie_in_one() -> None:
    flat = np.random.default_rng(0).normal(size=(6, 2))
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0][:2]
    places, seen = plane(flat @ turned)
    assert seen == pytest.approx(1)
    np.testing.assert_allclose(places @ places.T, flat @ flat.T, atol=1e-12)
