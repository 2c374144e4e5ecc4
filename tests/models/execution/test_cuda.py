"""What lets the cuda execution's programs be captured in graphs, and how a GPU is chosen. What they say is a law's affair."""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import logging
from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from elman_models.errors import InvalidField
from elman_models.execution import choice as executions
from elman_models.execution import cuda
from elman_models.execution.choice import open_execution
from elman_models.execution.cuda import SIZES, Buffers, Captured, Cuda, Program, ProgramKind
from elman_models.execution.cuda_layout import DRAW
from elman_models.execution.protocol import Advance, Start
from elman_models.execution.recall import Recaller
from elman_models.execution.reference import Affine, IntegerNetwork, Sampler
from elman_models.law.artifact import Model
from elman_models.law.sampling import Sampling
from elman_models.law.state import State

if TYPE_CHECKING:
    from tests.conftest import MakeModel

KINDS = [ProgramKind(), *(ProgramKind(True, *needs) for needs in product((False, True), repeat=3))]


def program_on(
    device: torch.device, model: Model, kind: ProgramKind, steps: int = SIZES[0], rows: int = 3
) -> tuple[Program, Buffers]:
    """A program, and what it works on."""
    buffers = Buffers(rows, steps, model.structure.state_size, model.recall.window, device)
    recaller = Recaller(model, device, may_look=False)
    return Program(IntegerNetwork(model, device), Sampler(model, device), recaller, buffers, kind, steps), buffers


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("outputs", [14, 200])
def test_a_program_asks_nothing_of_what_it_computes(make_model: "MakeModel", kind: ProgramKind, outputs: int) -> None:
    """The meta device knows shapes and no values: an operation that waits for one, as a graph cannot, fails on it."""
    model = make_model(characters="".join(map(chr, range(32, 32 + outputs))))
    program, _ = program_on(torch.device("meta"), model, kind)
    program()
    with pytest.raises((RuntimeError, NotImplementedError)):
        torch.zeros(1, device="meta").tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_to_run_a_program_twice_is_to_run_it_once(model: Model, kind: ProgramKind) -> None:
    """So it may be warmed up and captured at any time."""
    program, buffers = program_on(torch.device("cpu"), model, kind)
    buffers.inputs[:, 0] = DRAW if kind.has_output else 1
    buffers.states[0] = 7
    program()
    once = {name: value.clone() for name, value in vars(buffers).items()}
    program()
    assert all(torch.equal(value, once[name]) for name, value in vars(buffers).items())
    assert not torch.equal(buffers.states[0], buffers.states[1])


class Tape(TorchDispatchMode):
    """A graph for the CPU: the operations of a program and the very tensors that they had, to be done again without it."""

    def __init__(self, program: Callable[[], None]) -> None:
        super().__init__()
        self._operations: list[tuple[Callable[..., Any], Any, Any, Any]] = []
        with self:
            program()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self._operations.append((func, args, kwargs or {}, result))
        return result

    def replay(self) -> None:
        """Do them again, each result at the address of the first time."""
        for func, args, kwargs, result in self._operations:
            for before, now in zip(tree_leaves(result), tree_leaves(func(*args, **kwargs)), strict=True):
                if before.data_ptr() != now.data_ptr():
                    before.copy_(now)


class Taped(Cuda):
    """The cuda execution with tapes for graphs."""

    def __init__(self, model: Model, rows: int) -> None:
        self.tapes: dict[tuple[ProgramKind, int], Tape] = {}
        super().__init__(model, rows, "cpu")

    def _program(self, kind: ProgramKind, steps: int) -> Captured:
        if (kind, steps) not in self.tapes:
            self.tapes[kind, steps] = Tape(super()._program(kind, steps))
        return self.tapes[kind, steps].replay


def test_a_recorded_program_says_of_any_rows_what_the_program_says(model: Model) -> None:
    """Nothing but the contents of the buffers differs from one run to the next."""
    random, rows = np.random.default_rng(2), 5
    taped, plain = Taped(model, rows), Cuda(model, rows, "cpu")
    for trial in range(15):
        for row in random.permutation(rows)[: 1 + trial % rows].tolist():
            position, window = int(random.integers(1 << 40)), model.recall.window
            outputs = random.integers(-127, 128, model.structure.state_size).astype(np.int8)
            state = State(outputs, position, random.integers(0, 4, min(position, window)).astype(np.uint8))
            sampling = Sampling.of(float(random.choice([0, 0.7, 1.4])), trial % 4, 1 - 0.3 * (trial % 2), 0.01 * (trial % 3))
            start = Start(state, sampling, int(random.integers(1 << 60)), 1, int(random.integers(3)), trial % 3 == 0)
            taped.load(row, start)
            plain.load(row, start)
        given = random.integers(0, model.vocabulary.unknown + 1, 9).astype(np.int32)
        kinds = [
            Advance(0, given[:trial]),
            Advance(1, given[:2], given[2:], 7),
            Advance(2, sampled=8),
            Advance(3, given, sampled=3),
        ]
        advances = [advance for advance in kinds if advance.steps and random.random() < 0.7] or [Advance(4, sampled=1)]
        ours, theirs = taped.run(advances), plain.run(advances)
        for index, advance in enumerate(advances):
            assert ours.characters(index) == theirs.characters(index)
            assert ours.account(index).surprises.tolist() == theirs.account(index).surprises.tolist()
            assert ours.account(index).is_recalled.tolist() == theirs.account(index).is_recalled.tolist()
            for sampled in range(advance.sampled + 1):
                assert ours.state(index, sampled).outputs.tolist() == theirs.state(index, sampled).outputs.tolist()
    assert len(taped.tapes) > 9


def test_rows_that_stay_keep_their_state(model: Model) -> None:
    program, buffers = program_on(torch.device("cpu"), model, ProgramKind())
    buffers.states[0] = 7
    program()
    assert bool((buffers.states == 7).all())


def test_a_prefix_passes_no_output_layer(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the steps that score or sample do, however far its neighbours are from them."""
    calls: list[int] = []
    logits = IntegerNetwork.logits
    monkeypatch.setattr(IntegerNetwork, "logits", lambda *given: calls.append(1) or logits(*given))  # type: ignore[reportUnknownLambdaType]
    execution = Cuda(model, 3, "cpu")
    for row in range(3):
        execution.load(row, Start(State.initial(model)))
    text = np.zeros(50, np.int32)
    execution.run([Advance(0, skipped=text), Advance(1, skipped=text[:9], scored=text[:2], sampled=3), Advance(2, sampled=4)])
    assert len(calls) == 5


@pytest.mark.parametrize("sizes", [(1,), (3, 1), (32, 16, 4, 1)])
def test_no_character_depends_on_the_sizes_of_programs(
    model: Model, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...]
) -> None:
    def said() -> list[Any]:
        execution = Cuda(model, 2, "cpu")
        for row in range(2):
            execution.load(row, Start(State.initial(model), Sampling.of(1.1, 5), seed=row, is_accounted=row > 0))
        text = model.vocabulary.encode("abcdefgabc")
        outcome = execution.run([Advance(0, skipped=text, sampled=45), Advance(1, scored=text[:7], sampled=13)])
        states = [outcome.state(0, count).outputs.tolist() for count in range(46)]
        return [outcome.characters(0), outcome.characters(1), outcome.account(1).surprises.tolist(), states]

    expected = said()
    monkeypatch.setattr(cuda, "SIZES", sizes)
    assert said() == expected


def test_an_outcome_outlives_what_the_rows_do_next(model: Model) -> None:
    execution = Cuda(model, 2, "cpu")
    for row in range(2):
        execution.load(row, Start(State.initial(model), seed=row, is_accounted=True))
    advances = [Advance(0, sampled=11), Advance(1, sampled=3)]
    kept, fresh = execution.run(advances), Cuda(model, 2, "cpu")
    for row in range(2):
        outputs, characters = np.full(model.structure.state_size, 5, np.int8), np.zeros(min(99, model.recall.window), np.uint8)
        execution.load(row, Start(State(outputs, 99, characters)))
        fresh.load(row, Start(State.initial(model), seed=row, is_accounted=True))
    execution.run([Advance(1, sampled=9), Advance(0, skipped=model.vocabulary.encode("abc"))])
    expected = fresh.run(advances)
    for index, advance in enumerate(advances):
        assert kept.characters(index) == expected.characters(index)
        assert kept.account(index).surprises.tolist() == expected.account(index).surprises.tolist()
        for sampled in range(advance.sampled + 1):
            here, there = kept.state(index, sampled), expected.state(index, sampled)
            assert (here.outputs.tolist(), here.position) == (there.outputs.tolist(), there.position)


Open = Callable[[Model, int], Cuda]


def with_gpu(monkeypatch: pytest.MonkeyPatch, open_cuda: Open) -> None:
    """A machine whose GPU opens like this."""
    monkeypatch.setattr(executions, "has_gpu", lambda: True)
    monkeypatch.setattr(executions, "open_cuda", open_cuda)


def assert_the_faster_was_chosen(chosen: str, caplog: pytest.LogCaptureFixture) -> None:
    """Both were measured, and the log says so."""
    (record,) = (record for record in caplog.records if record.getMessage() == "measured")
    times: dict[str, float] = vars(record)["fields"]["seconds_a_step"]
    assert len(times) == 2
    assert chosen == min(times, key=lambda name: times[name])


def test_auto_chooses_by_measurement(model: Model, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with_gpu(monkeypatch, lambda model, rows: Cuda(model, rows, "cpu"))
    with caplog.at_level(logging.INFO, "elman"):
        assert_the_faster_was_chosen(open_execution(model, 5).name, caplog)


def test_auto_does_without_a_gpu_that_cannot_be_used(
    model: Model, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(model: Model, rows: int) -> Cuda:
        raise InvalidField("rows", rows, "fewer")

    with_gpu(monkeypatch, refuse)
    assert open_execution(model, 5).name == open_execution(model, 5, "cpu").name
    assert "the GPU is not used: rows: 5 is out of range; allowed: fewer" in caplog.text


def test_a_missing_gpu_is_refused_with_what_to_do(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidField, match=r"device: 'cuda' is out of range; allowed: cpu or auto: torch finds no CUDA device"):
        open_execution(model, 1, "cuda")
    with pytest.raises(InvalidField, match=r"instructions: 'avx2' is out of range; allowed: auto"):
        open_execution(model, 1, "cuda", "avx2")


def test_a_missing_torch_is_refused_with_what_to_do(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "find_spec", lambda name: None)  # type: ignore[reportUnknownLambdaType]
    with pytest.raises(InvalidField, match="allowed: cpu or auto, until a torch that can use CUDA is installed"):
        open_execution(model, 1, "cuda")


def failing_with(error: Exception) -> Callable[..., Cuda]:
    """Opens nothing."""

    def fail(*given: object) -> Cuda:
        raise error

    return fail


def test_more_rows_than_the_gpu_holds_are_refused_with_what_to_do(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for error in (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to"), RuntimeError("CUDA error: out of memory")):
        monkeypatch.setattr(cuda, "Cuda", failing_with(error))
        with pytest.raises(
            InvalidField, match="rows: 65536 is out of range; allowed: fewer, as many as the GPU's memory holds"
        ):
            open_execution(model, 65536, "cuda")
    monkeypatch.setattr(cuda, "Cuda", failing_with(RuntimeError("CUDA error: unspecified launch failure")))
    with pytest.raises(RuntimeError, match="launch failure"):
        open_execution(model, 1, "cuda")


@pytest.mark.cuda
def test_auto_chooses_by_measurement_on_a_gpu(model: Model, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "elman"):
        assert_the_faster_was_chosen(open_execution(model, 64).name, caplog)


@pytest.mark.cuda
@pytest.mark.parametrize("width", [1040, 1041, 4096])
def test_sums_are_exact_on_a_gpu(width: int) -> None:
    """The largest that float32 holds, and what float64 must: TF32 would lose their last bits."""
    random = np.random.default_rng(width)
    weight, states = random.integers(100, 128, (64, width)).astype(np.int8), random.integers(100, 128, (256, width))
    weight[0] = 127
    device, ones = torch.device("cuda"), np.ones(64, np.float32)
    affine = Affine(weight, ones, np.zeros((1, 64), np.float32), device)
    found = affine(torch.from_numpy(states).to(device, torch.float32), None).cpu().numpy()
    assert np.array_equal(found, (states @ weight.astype(np.int64).T).astype(np.float32))


@pytest.mark.cuda
def test_graphs_are_replayed_not_captured_again(model: Model) -> None:
    execution = Cuda(model, 3)
    for row in range(3):
        execution.load(row, Start(State.initial(model), seed=row))
    execution.run([Advance(0, sampled=8)])
    replays = dict(execution._programs)  # type: ignore[reportPrivateUsage]
    for _ in range(3):
        execution.run([Advance(row, sampled=8) for row in range(3)])
    assert execution._programs == replays  # type: ignore[reportPrivateUsage]


@pytest.mark.cuda
def test_absurdly_many_rows_are_refused_on_a_gpu(model: Model) -> None:
    with pytest.raises(InvalidField, match="rows: "):
        open_execution(model, 1 << 34, "cuda")
