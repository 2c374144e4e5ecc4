"""Every execution that runs here is the reference, byte for byte: every instruction set, size, parameter and batch."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from elman_models.artifact import Model
from elman_models.cuda import Cuda
from elman_models.errors import InvalidField
from elman_models.execution import NOTHING, Advance, Execution, Start
from elman_models.executions import has_extension, open_execution
from elman_models.sampling import Sampling
from elman_models.state import LARGEST_POSITION, State
from elman_models.structure import Layer, Structure

if TYPE_CHECKING:
    from tests.conftest import MakeExecution, MakeModel


def sets_here() -> list[str]:
    """The instruction sets of this machine."""
    if not has_extension():
        return []
    from elman_models.native import instruction_sets

    return instruction_sets()


TEMPERATURES, TOP_PS, MIN_PS = (0.0, 0.05, 0.8, 1.0, 10.0), (1.0, 0.9, 0.3, 1e-9), (0.0, 0.01, 0.5, 1.0)
ODD = Structure((Layer(67, (), True), Layer(130, (0,), True), Layer(5, (0, 1), False), Layer(16, (2,), True)), (1, 3))
SHAPES = [
    (None, None, 13),
    (ODD, "".join(map(chr, range(32, 150))), 20),
    (Structure.stacked(1, 1), "ab", 3),
    (Structure.stacked(2, 256), "".join(map(chr, range(32, 1100))), 5),
]
"""Structure, characters, rows: among them sizes that fill no block of any instruction set."""


class Chance:
    """Random work for rows: everything that a caller may ask for."""

    def __init__(self, model: Model, seed: int) -> None:
        self._model, self.random = model, np.random.default_rng(seed)

    def start(self) -> Start:
        """A row's beginning."""
        random, size = self.random, self._model.structure.state_size
        outputs = random.integers(-127, 128, size).astype(np.int8)
        position = int(random.choice([0, 2**32 - 5, int(random.integers(0, LARGEST_POSITION - 10_000))]))
        sampling = Sampling.of(
            float(random.choice(TEMPERATURES)),
            int(random.integers(0, 5)),
            float(random.choice(TOP_PS)),
            float(random.choice(MIN_PS)),
        )
        seed = int(random.integers(0, 2**64, dtype=np.uint64))
        rank = int(random.integers(0, len(self._model.vocabulary)))
        return Start(State(outputs, position), sampling, seed, int(random.integers(0, 3)), rank, bool(random.random() < 0.5))

    def given(self, most: int) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
        """Characters, UNK among them."""
        count = int(self.random.integers(0, most + 1))
        return self.random.integers(0, len(self._model.vocabulary) + 1, count).astype(np.int32)

    def advances(self, rows: int, most: int = 32) -> list[Advance]:
        """What some of the rows do, in any order."""
        chosen = self.random.permutation(rows)[: self.random.integers(1, rows + 1)]
        drawn = [
            Advance(
                int(row),
                self.given(3),
                self.given(3),
                int(self.random.integers(0, most + 1)) if self.random.random() < 0.8 else 0,
            )
            for row in chosen
        ]
        return [advance for advance in drawn if advance.steps] or [Advance(0, sampled=1)]


def compare(one: Execution, other: Execution, advances: Sequence[Advance]) -> None:
    """Both do the same: characters, surprises, and the whole state after each step."""
    ours, theirs = one.run(advances), other.run(advances)
    for index, advance in enumerate(advances):
        assert ours.characters(index).tolist() == theirs.characters(index).tolist()
        account = theirs.account(index)
        if len(account.surprises):
            assert ours.account(index).surprises.tolist() == account.surprises.tolist()
            assert ours.account(index).log_probabilities == pytest.approx(account.log_probabilities, abs=1e-6, rel=0)
        for sampled in range(advance.sampled + 1):
            here, there = ours.state(index, sampled), theirs.state(index, sampled)
            assert (here.outputs.tobytes(), here.position) == (there.outputs.tobytes(), there.position)


@pytest.fixture(params=[*sets_here(), "programs", pytest.param("cuda", marks=pytest.mark.cuda)])
def open_other(request: pytest.FixtureRequest) -> "MakeExecution":
    """Opens so many rows of a model: under each instruction set of this machine, as the cuda programs, on a GPU."""
    if request.param == "cuda":
        return partial(open_execution, device="cuda")
    if request.param == "programs":
        return lambda model, rows: Cuda(model, rows, "cpu")
    return partial(open_execution, device="cpu", instructions=request.param)


@pytest.mark.parametrize(("structure", "characters", "rows"), SHAPES)
def test_every_execution_is_the_reference(
    make_model: "MakeModel",
    open_other: "MakeExecution",
    structure: Structure | None,
    characters: str,
    rows: int,
) -> None:
    for seed in range(3):
        model = make_model(structure, characters, seed + 1) if structure else make_model(seed=seed + 1)
        chance, reference, other = Chance(model, seed), open_execution(model, rows, "cpu", "reference"), open_other(model, rows)
        for trial in range(8):
            for row in range(rows):
                if not trial or chance.random.random() < 0.5:
                    start = chance.start()
                    reference.load(row, start)
                    other.load(row, start)
            compare(reference, other, chance.advances(rows))


@pytest.mark.parametrize("rows", [1, 2, 5, 6, 7, 11, 12, 64, 300])
def test_any_number_of_rows_is_the_reference(make_model: "MakeModel", open_other: "MakeExecution", rows: int) -> None:
    model = make_model(ODD, "".join(map(chr, range(32, 100))), 4)
    chance, reference, other = Chance(model, rows), open_execution(model, rows, "cpu", "reference"), open_other(model, rows)
    for row in range(rows):
        start = chance.start()
        reference.load(row, start)
        other.load(row, start)
    for most in (1, 7):
        compare(reference, other, [Advance(row, sampled=most) for row in range(rows)])


def test_any_number_of_steps_is_the_reference(model: Model, open_other: "MakeExecution") -> None:
    """Given characters before the draws and none, so that the rows begin and end at every distance from each other."""
    rows = 4
    chance, reference, other = Chance(model, 5), open_execution(model, rows, "cpu", "reference"), open_other(model, rows)
    for row in range(rows):
        start = chance.start()
        reference.load(row, start)
        other.load(row, start)
    for steps in range(1, 33):
        given = [chance.given(steps) for _ in range(rows)]
        advances = [Advance(0, sampled=steps), Advance(1, given[1], NOTHING, 33 - steps), Advance(2, NOTHING, given[2], steps)]
        compare(reference, other, [*advances, Advance(3, np.zeros(steps, np.int32))])


def test_an_instruction_set_that_the_machine_lacks_is_refused_with_those_that_it_has(model: Model) -> None:
    with pytest.raises(InvalidField, match="instructions: 'sse9' is out of range; allowed: auto, "):
        open_execution(model, 1, "cpu", "sse9")


def test_a_device_that_is_not_there_is_refused_with_what_to_do(model: Model) -> None:
    with pytest.raises(InvalidField, match="device: 'abacus' is out of range; allowed: auto, cpu, cuda"):
        open_execution(model, 1, "abacus")
