"""Laws of the network in training."""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from elman_models.law.structure import Layer, Structure
from elman_models.training.network import FEW_PRODUCTS, Network, Resets, Window, recur, recur_in_one_call

STEPS, ROWS, SIZE = 7, 3, 5


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def plain_recurrence(drive: Tensor, weight: Tensor, state: Tensor, resets: dict[int, Tensor]) -> Tensor:
    """The formula, for autograd to differentiate."""
    outputs: list[Tensor] = []
    for step, given in enumerate(drive):
        state = torch.tanh(given + (state * resets.get(step, 1)) @ weight.t())
        outputs.append(state)
    return torch.stack(outputs)


@pytest.mark.parametrize("resets", [{}, {0: [1, 0, 1]}, {3: [0, 1, 0], 6: [1, 1, 0]}])
def test_the_loop_has_the_outputs_and_gradients_of_the_formula(resets: dict[int, list[int]]) -> None:
    torch.manual_seed(1)
    keep = {step: torch.tensor(rows, dtype=torch.float64)[:, None] for step, rows in resets.items()}
    drive, weight, state = random(STEPS, ROWS, SIZE), random(SIZE, SIZE), torch.randn(ROWS, SIZE, dtype=torch.float64)
    probe = torch.randn(STEPS, ROWS, SIZE, dtype=torch.float64)
    ours, theirs = recur(drive, weight, state, keep), plain_recurrence(drive, weight, state, keep)
    torch.testing.assert_close(ours, theirs)
    for mine, other in zip(
        torch.autograd.grad((ours * probe).sum(), (drive, weight)),
        torch.autograd.grad((theirs * probe).sum(), (drive, weight)),
        strict=True,
    ):
        torch.testing.assert_close(mine, other)


def test_a_stack_without_skips_is_layer_own_elman_network() -> None:
    structure = Structure((Layer(6, (), True), Layer(4, (0,), False)), (1,))
    network = Network(structure, 3, torch.Generator().manual_seed(2))
    first, second = nn.RNN(4, 6), nn.RNN(6, 4)
    table = network.biases[0].t()  # a table of biases is a product with a one-hot character
    own(first, table, network.recurrences[0], torch.zeros(6))
    own(second, network.inputs[1], network.recurrences[1], network.biases[1][0])
    characters = torch.tensor([[0, 3], [1, 2], [2, 0]])
    logits, _ = network(Window(characters, characters, {}), network.zero_states(2), [None, None], torch.float32)
    below, _ = first(nn.functional.one_hot(characters, 4).float())
    expected = second(below)[0] @ network.output.t() + network.output_bias
    torch.testing.assert_close(logits, expected)


def own(layer: nn.RNN, inputs: Tensor, recurrence: Tensor, bias: Tensor) -> None:
    weights = {"weight_ih_l0": inputs, "weight_hh_l0": recurrence, "bias_ih_l0": bias, "bias_hh_l0": torch.zeros_like(bias)}
    layer.load_state_dict(weights)


def test_the_carried_state_makes_two_windows_one() -> None:
    network = Network(Structure.stacked(2, 8), 5, torch.Generator().manual_seed(3))
    characters = torch.randint(0, 6, (10, 4), generator=torch.Generator().manual_seed(4))
    none = [None, None]
    whole, end = network(Window(characters, characters, {}), network.zero_states(4), none, torch.float32)
    head, middle = network(Window(characters[:6], characters[:6], {}), network.zero_states(4), none, torch.float32)
    tail, last = network(Window(characters[6:], characters[6:], {}), middle, none, torch.float32)
    torch.testing.assert_close(torch.cat([head, tail]), whole)
    torch.testing.assert_close(last, end)


def test_a_document_forgets_the_one_before_it() -> None:
    network = Network(Structure.stacked(2, 8), 5, torch.Generator().manual_seed(3))
    characters = torch.tensor([[0], [4], [2], [3]])
    forget = {2: torch.zeros(1, 1)}
    whole, _ = network(Window(characters, characters, forget), network.zero_states(1), [None, None], torch.float32)
    alone, _ = network(Window(characters[2:], characters[2:], {}), network.zero_states(1), [None, None], torch.float32)
    torch.testing.assert_close(whole[2:], alone)


def test_dropout_reaches_the_readers_of_a_layer_and_not_its_own_recurrence() -> None:
    network = Network(Structure.stacked(1, 8), 5, torch.Generator().manual_seed(3))
    characters = torch.tensor([[0], [4], [2]])
    window, nothing = Window(characters, characters, {}), torch.zeros(1, 8)
    logits, states = network(window, network.zero_states(1), [nothing], torch.float32)
    _, undisturbed = network(window, network.zero_states(1), [None], torch.float32)
    torch.testing.assert_close(logits, network.output_bias.expand_as(logits))
    torch.testing.assert_close(states, undisturbed)


def test_the_recurrence_starts_as_a_rotation() -> None:
    (weight,) = Network(Structure.stacked(1, 16), 5, torch.Generator().manual_seed(0)).recurrences
    torch.testing.assert_close(weight @ weight.t(), torch.eye(16), atol=1e-5, rtol=0)


def test_bfloat16_products_stay_near_float32() -> None:
    network = Network(Structure.stacked(2, 32), 5, torch.Generator().manual_seed(5))
    characters = torch.randint(0, 6, (20, 4), generator=torch.Generator().manual_seed(4))
    window = Window(characters, characters, {})
    exact, _ = network(window, network.zero_states(4), [None, None], torch.float32)
    rough, _ = network(window, network.zero_states(4), [None, None], torch.bfloat16)
    torch.testing.assert_close(rough, exact, atol=0.05, rtol=0)


@pytest.mark.parametrize("starts", [[], [0], [4], [0, 1, 6]])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def test_torchs_own_recurrence_is_ours(starts: list[int], device: str) -> None:
    generator = torch.Generator().manual_seed(8)
    drive, weight, state = (torch.randn(shape, generator=generator) for shape in ((7, 3, 8), (8, 8), (3, 8)))
    resets = {start: torch.tensor([[1.0], [0.0], [start % 2]]) for start in starts}
    wanted = torch.randn(7, 3, 8, generator=generator)
    ours, theirs = [
        gradients(recurrence, [part.to(on) for part in (drive, weight, state, wanted)], resets)
        for recurrence, on in ((recur, "cpu"), (recur_in_one_call, device))
    ]
    for mine, its in zip(ours, theirs, strict=True):
        torch.testing.assert_close(its.cpu(), mine)


def gradients(recurrence: Callable[..., Tensor], tensors: list[Tensor], resets: Resets) -> tuple[Tensor, Tensor, Tensor]:
    drive, weight, state, wanted = tensors
    drive.requires_grad_()
    weight.requires_grad_()
    hidden = recurrence(drive, weight, state, {step: keep.to(drive.device) for step, keep in resets.items()})
    (hidden * wanted).sum().backward()
    assert drive.grad is not None
    assert weight.grad is not None
    return hidden.detach(), drive.grad, weight.grad


@pytest.mark.parametrize(("rows", "size"), [(4, 16), (16, 256)], ids=["a few products a step", "many"])
def test_the_loop_in_bfloat16_stays_near_float32(rows: int, size: int) -> None:
    assert (rows * size * size >= FEW_PRODUCTS) == (size == 256)
    torch.manual_seed(1)
    drive, state = torch.randn(3, rows, size), torch.randn(rows, size)
    weight = (torch.randn(size, size) / size**0.5).requires_grad_()
    fine, rough = recur(drive, weight, state, {}), recur(drive.bfloat16(), weight, state, {})
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.float(), fine, atol=0.02, rtol=0.02)
    (fine_gradient,), (rough_gradient,) = (torch.autograd.grad(outputs.float().sum(), weight) for outputs in (fine, rough))
    assert torch.linalg.norm(rough_gradient - fine_gradient) < 0.02 * torch.linalg.norm(fine_gradient)
