"""The reference execution against numbers computed otherwise: by hand, in exact integers, and in floating point."""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from elman_models.execution.initial_state import with_initial_state
from elman_models.execution.protocol import Advance, Start
from elman_models.execution.reference import Affine, IntegerNetwork, Reference
from elman_models.law.artifact import LayerWeights, Model, OutputWeights
from elman_models.law.ghost import GhostSurprise
from elman_models.law.recall import Recall
from elman_models.law.sampling import Sampling
from elman_models.law.state import State
from elman_models.law.structure import Layer, Structure
from elman_models.law.tables import Tables
from elman_models.law.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tests.conftest import MakeModel

GREEDY = Sampling.of(0)


@pytest.fixture(scope="module")
def helo() -> Model:
    """A network that says "hello": four units, each 127 (yes) or -127 (no).

    unit 0: the last character was h     unit 2: it was l
    unit 1: it was e                     unit 3: it was l, and unit 2 said l before: the second one

    The bias table alone decides units 0 to 2: TANH of +-1024 is +-127. Unit 3 weighs unit 2 of before: acc = 127 * +-127,
    and acc / 16 = +-1008, which at l (bias 0) is a yes or a no (TANH of +-1008 is +-127), and elsewhere (bias -2048) a no.

    The logits, acc / 16, in order e, h, l, o:
        e: unit 0                     l: unit 1 + unit 2 - unit 3: after e, and after the first l
        h: always 0                   o: unit 3
    """
    yes, no = 1024, -1024
    bias = np.array([[no, yes, no, -2048], [yes, no, no, -2048], [no, no, yes, 0], [no, no, no, -2048], [no, no, no, -2048]])
    weight = np.zeros((4, 4), np.int8)
    weight[3, 2] = 127
    sixteenth = np.full(4, 1 / 16, np.float32)
    layer = LayerWeights(weight, sixteenth, bias.astype(np.float32))
    output = np.array([[127, 0, 0, 0], [0, 0, 0, 0], [0, 127, 127, -127], [0, 0, 0, 127]], np.int8)
    return with_initial_state(
        Model(
            Structure((Layer(4, (), reads_character=True),), (0,)),
            Vocabulary("ehlo"),
            (layer,),
            OutputWeights(output, sixteenth, np.zeros(4, np.float32)),
            Tables.for_outputs(4),
            Recall.none(),
            np.zeros(4, np.int8),
            GhostSurprise(0, 0),
            {},
        )
    )


def test_the_hand_checked_network_goes_on_from_h_with_ello(helo: Model) -> None:
    reference = Reference(helo, rows=1)
    reference.load(0, Start(State.initial(helo), GREEDY))
    outcome = reference.run([Advance(0, skipped=helo.vocabulary.encode("h"), sampled=4)])
    assert helo.vocabulary.decode(outcome.characters(0)) == "ello"
    states = [outcome.state(0, count).outputs.tolist() for count in range(5)]
    assert states == [
        [127, -127, -127, -127],  # h
        [-127, 127, -127, -127],  # he
        [-127, -127, 127, -127],  # hel
        [-127, -127, 127, 127],  # hell: unit 3 saw the second l
        [-127, -127, -127, -127],  # hello
    ]


def test_the_hand_checked_network_begins_with_h(helo: Model) -> None:
    """A newline is UNK to it, and UNK says no to all: only h, with 0, beats the -1008 of the others."""
    assert helo.initial_state.tolist() == [-127] * 4
    reference = Reference(helo, rows=1)
    reference.load(0, Start(State.initial(helo), GREEDY))
    outcome = reference.run([Advance(0, sampled=15)])
    assert helo.vocabulary.decode(outcome.characters(0)) == "hellohellohello"


def test_the_hand_checked_network_draws_by_hand(helo: Model) -> None:
    """At position 0 with seed 0 the word is Philox of zeros, 6627e8d5: 0.39905 of what there is.

    d = 1008, 0, 1008, 1008. At temperature 1 EXP[1008] = 327,104, so e 327,104, h 17,104,320: 0.39905 of 17,758,528 lies in h.
    At temperature 10, t = 6554 and d = 1008 * 6554 >> 16 = 100, EXP[100] = 11,352,032: e 11,352,032, h 28,129,248, and 0.39905
    of 50,833,312 is 20,284,853: h again. Alternatives to the first character are e, l, o, by index, since they are equal.
    The surprise of h: d = 0, and 256 ln(17,758,528 / 2^24) = 14.55: LOG[0] to LOG[14], 15 entries, are at most that.
    The surprise of e: 1008 more.
    """
    assert [int(helo.tables.exp[d]) for d in (0, 1008, 100)] == [16_777_216, 327_104, 11_352_032]
    for temperature in (1, 10):
        reference = Reference(helo, rows=4)
        reference.load(0, Start(State.initial(helo), Sampling.of(temperature), is_accounted=True))
        outcome = reference.run([Advance(0, sampled=1)])
        assert helo.vocabulary.decode(outcome.characters(0)) == "h"
        assert outcome.account(0).surprises.tolist() == [15]
    for rank in range(4):
        reference.load(rank, Start(State.initial(helo), GREEDY, first_rank=rank, is_accounted=True))
    outcome = reference.run([Advance(rank, sampled=1) for rank in range(4)])
    assert "".join(helo.vocabulary.decode(outcome.characters(rank)) for rank in range(4)) == "helo"
    assert [outcome.account(rank).surprises.tolist() for rank in range(4)] == [[15], [1023], [1023], [1023]]
    probability = 1 / (1 + 3 * math.exp(-1008 / 256))
    assert outcome.account(0).log_probabilities.tolist() == pytest.approx([math.log(probability)], abs=1e-6)


def exact(
    weight: NDArray[np.int8], x: NDArray[np.int8], scale: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float32]:
    """fl(fl(acc * scale) + bias) with acc in 64-bit integers."""
    acc = weight.astype(np.int64) @ x.astype(np.int64)
    return acc.astype(np.float32) * scale + bias


@pytest.mark.parametrize("width", [1, 30, 1040, 1041, 30_000])
@pytest.mark.parametrize("is_lopsided", [False, True])
def test_a_row_is_an_exact_sum_and_two_rounded_operations(width: int, is_lopsided: bool) -> None:
    """float32 holds 127 * 127 * 1040, but neither 127 * 127 * 1041 nor what comes after: bits, before rint hides them."""
    random = np.random.default_rng(width)
    low = 100 if is_lopsided else -127
    weight = random.integers(low, 128, (64, width)).astype(np.int8)
    weight[0] = 127
    scale = random.uniform(2.0**-9, 2.0**-8, 64).astype(np.float32)
    bias = random.normal(0, 300, (3, 64)).astype(np.float32)
    states = random.integers(low, 128, (9, width)).astype(np.int8)
    affine = Affine(weight, scale, bias, torch.device("cpu"))
    characters = np.arange(9) % 3
    a = affine(torch.from_numpy(states.astype(np.float32)), torch.from_numpy(characters))
    expected = [exact(weight, state, scale, bias[character]) for state, character in zip(states, characters, strict=True)]
    assert a.numpy().tobytes() == np.array(expected).tobytes()


@pytest.mark.parametrize("size", [520, 600])
def test_sums_are_exact_on_both_sides_of_what_float32_holds(make_model: "MakeModel", size: int) -> None:
    """127 * 127 * 1040 < 2^24 < 127 * 127 * 1200: float32 holds the one, float64 the other."""
    random = np.random.default_rng(size)
    small = make_model(Structure((Layer(size, (), True), Layer(size, (), False)), (0, 1)), "".join(map(chr, range(32, 232))))
    weight = random.choice(np.array([-127, 127, 127, 127], np.int8), small.output.weight.shape)
    weight[0] = 127
    scale = np.full(len(weight), 2.0**-5, np.float32)  # makes a half of many a sum
    model = Model(
        small.structure,
        small.vocabulary,
        small.layers,
        OutputWeights(weight, scale, random.normal(0, 9, len(weight)).astype(np.float32)),
        small.tables,
        small.recall,
        small.initial_state,
        GhostSurprise(0, 0),
        {},
    )
    states = random.choice(np.array([-127, 126, 127, 127], np.int8), (3, 2 * size))
    states[0] = 127
    q = IntegerNetwork(model, torch.device("cpu")).logits(torch.from_numpy(states.astype(np.float32))).numpy()
    for row in range(3):
        assert q[row].tolist() == np.rint(exact(weight, states[row], scale, model.output.bias)).astype(int).tolist()


def test_logits_and_activations_are_clamped(make_model: "MakeModel") -> None:
    small = make_model(Structure.stacked(1, 8), "ab")
    huge = np.array([1_048_575, -1_048_575], np.float32)
    wild = LayerWeights(small.layers[0].weight, np.full(8, 256, np.float32), small.layers[0].bias)
    output = OutputWeights(np.full((2, 8), 127, np.int8), np.full(2, 256, np.float32), huge)
    model = Model(
        small.structure,
        small.vocabulary,
        (wild,),
        output,
        small.tables,
        small.recall,
        small.initial_state,
        GhostSurprise(0, 0),
        {},
    )
    network = IntegerNetwork(model, torch.device("cpu"))
    states = torch.full((1, 8), 127.0)
    assert network.logits(states).tolist() == [[2**20, 2**20]]
    assert network.logits(-states).tolist() == [[-(2**20), -(2**20)]]
    assert set(network.step(states, torch.tensor([0])).abs().flatten().tolist()) <= set(range(128))


def test_the_integer_forward_agrees_with_a_float_forward(model: Model) -> None:
    """One step, from the same inputs, in units of 1/127 and 1/256 nat.

    h: TANH rounds by at most 0.5, rint(a) moves a by 0.5 of 1/256 and so 127 tanh by at most 0.25: 0.75.
    q: rounds by at most 0.5, so a log-probability differs by at most 2 * 0.5 / 256.
    """
    random = np.random.default_rng(3)
    reference = Reference(model, rows=1)
    for character in [*range(model.vocabulary.unknown + 1)] * 3:
        state = random.integers(-127, 128, model.structure.state_size).astype(np.int8)
        reference.load(0, Start(State(state, 0)))
        outcome = reference.run([Advance(0, scored=np.array([character], np.int32))])
        moved = outcome.state(0, 0).outputs.astype(float)
        assert np.abs(127 * float_step(model, state / 127, moved / 127, character) - moved).max() < 0.75 + 1e-3
        if character < model.vocabulary.unknown:
            expected = float_log_probabilities(model, state / 127)[character]
            assert outcome.account(0).log_probabilities[0] == pytest.approx(expected, abs=1 / 256 + 1e-5)


def float_step(model: Model, before: NDArray[np.float64], after: NDArray[np.float64], character: int) -> NDArray[np.float64]:
    """tanh(U x + W h + b) of the dequantised weights; what a layer reads from others is their `after`."""
    outputs: list[NDArray[np.float64]] = []
    for index, (layer, weights) in enumerate(zip(model.structure.layers, model.layers, strict=True)):
        x = np.concatenate([*(after[model.structure.span(i)] for i in layer.inputs), before[model.structure.span(index)]])
        matrix = weights.weight * weights.scale[:, None].astype(float) * 127 / 256
        bias = weights.bias[character if layer.reads_character else 0].astype(float) / 256
        outputs.append(np.tanh(matrix @ x + bias))
    return np.concatenate(outputs)


def float_log_probabilities(model: Model, state: NDArray[np.float64]) -> NDArray[np.float64]:
    """log softmax(V h + c) of the dequantised weights."""
    x = np.concatenate([state[model.structure.span(i)] for i in model.structure.output_inputs])
    matrix = model.output.weight * model.output.scale[:, None].astype(float) * 127 / 256
    y = matrix @ x + model.output.bias.astype(float) / 256
    return y - np.log(np.exp(y).sum())


def test_the_initial_state_is_the_one_after_a_newline_or_unk_from_zeros(make_model: "MakeModel") -> None:
    for characters in ("\nab", "ab"):
        model = make_model(Structure.stacked(2, 5), characters)
        zeros, character = np.zeros(10), model.vocabulary.encode("\n")[0]
        moved = model.initial_state.astype(float)
        assert np.abs(127 * float_step(model, zeros, moved / 127, int(character)) - moved).max() < 0.75 + 1e-3
        assert State.initial(model).position == 0


def test_an_outcome_tells_of_the_advances_in_the_order_asked(model: Model) -> None:
    reference = Reference(model, rows=5)
    for row in range(5):
        reference.load(row, Start(State.initial(model), GREEDY, first_rank=row))
    order = [3, 0, 4, 1]
    outcome = reference.run([Advance(row, sampled=1 + row) for row in order])
    assert [len(outcome.characters(index)) for index in range(4)] == [1 + row for row in order]
    ranking = [int(outcome.characters(order.index(row))[0]) for row in sorted(order)]
    assert len(set(ranking)) == 4
    assert [outcome.state(index, 1 + row).position for index, row in enumerate(order)] == [1 + row for row in order]


def test_a_text_that_nobody_accounts_has_no_account(model: Model) -> None:
    reference = Reference(model, rows=1)
    reference.load(0, Start(State.initial(model)))
    account = reference.run([Advance(0, skipped=model.vocabulary.encode("ab"), sampled=2)]).account(0)
    assert (len(account.surprises), len(account.log_probabilities)) == (0, 0)
