"""Every execution that runs here is the reference, byte for byte: every instruction set, size, parameter and batch."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.conftest import sets_here

from elman_models.errors import InvalidField
from elman_models.execution.choice import has_extension, open_execution
from elman_models.execution.cuda import Cuda
from elman_models.execution.protocol import NOTHING, Advance, Execution, Start
from elman_models.law.artifact import Model
from elman_models.law.sampling import Sampling
from elman_models.law.state import LARGEST_POSITION, State, remembered_type
from elman_models.law.structure import LARGEST_LAYER, MOST_LAYERS, Layer, Structure
from elman_server.engine.ticker import RunsBeside

if TYPE_CHECKING:
    from tests.conftest import MakeExecution, MakeModel


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
        state = State(outputs, position, self.remembered(min(position, self._model.recall.window)))
        return Start(state, sampling, seed, int(random.integers(0, 3)), rank, bool(random.random() < 0.5))

    def remembered(self, count: int) -> "np.ndarray[tuple[int], np.dtype[np.uint8 | np.uint32]]":
        """The last characters of a text, UNK among them: often a few that return, so that there is something to recall."""
        few = self.random.integers(0, len(self._model.vocabulary) + 1, 4)
        repeated = np.resize(self.random.choice(few, int(self.random.integers(1, 20))), count)
        noise = self.random.choice(few, count)
        mixed = np.where(self.random.random(count) < 0.1, noise, repeated)
        return mixed.astype(remembered_type(self._model))

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
        assert ours.characters(index) == theirs.characters(index)
        account = theirs.account(index)
        if len(account.surprises):
            assert ours.account(index).surprises.tolist() == account.surprises.tolist()
            assert ours.account(index).is_recalled.tolist() == account.is_recalled.tolist()
            assert ours.account(index).log_probabilities == pytest.approx(account.log_probabilities, abs=1e-6, rel=0)
        for sampled in range(advance.sampled + 1):
            here, there = ours.state(index, sampled), theirs.state(index, sampled)
            assert (here.outputs.tobytes(), here.position) == (there.outputs.tobytes(), there.position)
            assert here.remembered.tolist() == there.remembered.tolist()


@pytest.fixture(params=[*sets_here(), "numpy", "programs", pytest.param("cuda", marks=pytest.mark.cuda)])
def open_other(request: pytest.FixtureRequest) -> "MakeExecution":
    """Opens a number of rows of a model: under each instruction set of this machine, in numpy, as cuda programs, on a GPU."""
    if request.param == "cuda":
        return partial(open_execution, device="cuda")
    if request.param == "programs":
        return lambda model, rows: Cuda(model, rows, "cpu")
    return partial(open_execution, device="cpu", instructions=request.param)


@pytest.fixture(params=sets_here())
def open_native(request: pytest.FixtureRequest) -> "MakeExecution":
    """Opens a number of rows of a model under each instruction set of this machine."""
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


def test_a_table_of_tanh_that_rises_otherwise_than_tanh_is_followed_all_the_same(
    make_model: "MakeModel", open_native: "MakeExecution"
) -> None:
    model = make_model(ODD, "".join(map(chr, range(32, 100))), 5)
    for number, entries in enumerate((np.repeat(np.arange(-127, 128), 9)[:2049], np.sign(np.arange(-1024, 1025)) * 127)):
        strange = replace(model, tables=replace(model.tables, tanh=np.sort(entries).astype(np.int8)))
        chance, reference, native = (
            Chance(strange, number),
            open_execution(strange, 7, "cpu", "reference"),
            open_native(strange, 7),
        )
        for row in range(7):
            start = chance.start()
            reference.load(row, start)
            native.load(row, start)
        compare(reference, native, [Advance(row, sampled=32) for row in range(7)])


def test_many_random_steps_are_the_references(make_model: "MakeModel", open_native: "MakeExecution", random_steps: int) -> None:
    left, seed, rows = random_steps, 0, 32
    while left > 0:
        seed += 1
        layers, size = 1 + seed % 3, 1 + 37 * seed % 160
        model = make_model(Structure.stacked(layers, size), "".join(map(chr, range(32, 34 + 11 * seed % 200))), seed)
        chance, reference, native = (
            Chance(model, seed),
            open_execution(model, rows, "cpu", "reference"),
            open_native(model, rows),
        )
        for row in range(rows):
            start = chance.start()
            reference.load(row, start)
            native.load(row, start)
        for _ in range(8):
            advances = chance.advances(rows)
            compare(reference, native, advances)
            left -= sum(advance.steps for advance in advances)


def test_two_threads_never_move_the_rows_at_once(model: Model, open_native: "MakeExecution") -> None:
    native = open_native(model, 1)
    native.load(0, Start(State.initial(model)))
    begun, refused = threading.Event(), list[str]()

    def run_long() -> None:
        begun.set()
        native.run([Advance(0, skipped=np.zeros(1_000_000, np.int32))])

    other = threading.Thread(target=run_long)
    other.start()
    begun.wait()
    while other.is_alive() and not refused:
        try:
            native.load(0, Start(State.initial(model)))
        except RuntimeError as error:
            refused.append(str(error))
    other.join()
    assert refused == ["the rows are in use by another thread"]


def test_a_run_beside_the_interpreter_is_the_run(make_model: "MakeModel", open_native: "MakeExecution") -> None:
    model = make_model(ODD, "".join(map(chr, range(32, 100))), 6)
    chance, here, beside = Chance(model, 1), open_native(model, 9), open_native(model, 9)
    assert isinstance(beside, RunsBeside)
    reading, writing = os.pipe()
    for row in range(9):
        start = chance.start()
        here.load(row, start)
        beside.load(row, start)
    for _ in range(20):
        advances = chance.advances(9)
        beside.start(advances, writing)
        with pytest.raises(RuntimeError, match="in use"):
            beside.run(advances)
        assert os.read(reading, 1) == b"."
        (ours, seconds), theirs = beside.finish(), here.run(advances)
        assert seconds > 0
        for index, advance in enumerate(advances):
            assert ours.characters(index) == theirs.characters(index)
            for sampled in range(advance.sampled + 1):
                assert ours.state(index, sampled).outputs.tobytes() == theirs.state(index, sampled).outputs.tobytes()
    os.close(reading)
    os.close(writing)


def test_weights_that_lie_otherwise_in_memory_are_the_same_weights(model: Model, open_native: "MakeExecution") -> None:
    layers = tuple(replace(layer, weight=np.asfortranarray(layer.weight)) for layer in model.layers)
    same = replace(model, layers=layers, output=replace(model.output, weight=np.asfortranarray(model.output.weight)))
    chance, one, other = Chance(model, 3), open_native(model, 5), open_native(same, 5)
    for row in range(5):
        start = chance.start()
        one.load(row, start)
        other.load(row, start)
    compare(one, other, [Advance(row, sampled=32) for row in range(5)])


def test_what_would_index_beyond_is_refused(model: Model, open_native: "MakeExecution") -> None:
    native, state = open_native(model, 2), State.initial(model)
    with pytest.raises(ValueError, match="state: of another size"):
        native.load(0, Start(State(state.outputs[:3], 0)))
    outputs = len(model.vocabulary)
    for beyond in (outputs, -1):
        with pytest.raises(ValueError, match=f"first_rank: {beyond} is not among the {outputs} outputs"):
            native.load(0, Start(state, Sampling.of(0), first_rank=beyond))
    native.load(0, Start(state, Sampling.of(0), first_rank=outputs - 1))
    native.load(0, Start(state))
    with pytest.raises(ValueError, match="row: named twice"):
        native.run([Advance(0, sampled=1), Advance(0, sampled=1)])
    with pytest.raises(IndexError, match="beyond the vocabulary"):
        native.run([Advance(0, np.array([len(model.vocabulary) + 1], np.int32))])
    with pytest.raises(IndexError):
        native.run([Advance(2, sampled=1)])


def test_no_model_that_loads_has_sums_beyond_32_bits() -> None:
    assert 127 * 127 * MOST_LAYERS * LARGEST_LAYER < 2**31


def test_more_rows_than_memory_are_refused_with_what_to_do() -> None:
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "from elman_models.law.artifact import load; from elman_models.execution.choice import open_execution\n"
        "from elman_models.shipped import shipped_models\n"
        "open_execution(load(next(iter(shipped_models().values()))), 1 << 24, 'cpu')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert "rows: 16777216 is out of range; allowed: fewer: this machine does not have the memory" in done.stderr


def test_an_extension_built_for_another_python_is_said_once_and_numpy_does_the_same(
    model: Model, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "elman_models._native", None)  # importing it fails
    has_extension.cache_clear()
    try:
        assert [open_execution(model, 1, "cpu").name for _ in range(2)] == ["numpy", "numpy"]
        with pytest.raises(InvalidField, match="the native extension was not built for this Python: install a "):
            open_execution(model, 1, "cpu", "portable")
        assert len(caplog.records) == 1
    finally:
        has_extension.cache_clear()


def test_an_instruction_set_that_the_machine_lacks_is_refused_with_those_that_it_has(model: Model) -> None:
    with pytest.raises(InvalidField, match="instructions: 'sse9' is out of range; allowed: auto, "):
        open_execution(model, 1, "cpu", "sse9")


def test_a_device_that_is_not_there_is_refused_with_what_to_do(model: Model) -> None:
    with pytest.raises(InvalidField, match="device: 'abacus' is out of range; allowed: auto, cpu, cuda"):
        open_execution(model, 1, "abacus")
