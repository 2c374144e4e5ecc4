"""The cuda execution: the reference's operations, captured in CUDA graphs. It adds no mathematics of its own.

A graph does again what was captured: the same operations on the same memory, without the host. So a program moves all rows
by a fixed number of steps, and whatever differs from one run to the next lies in buffers that stay where they are.

On a CPU the same programs run without graphs, many times slower than the others: it is how they are tested without a GPU.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman_models.execution.cuda_layout import DRAW, STAY, HostRows, Layout, StepRange
from elman_models.execution.protocol import NO_ACCOUNT, Account, Advance, Passage, Start
from elman_models.execution.recall import NOWHERE, Favourites, Recaller
from elman_models.execution.reference import IntegerNetwork, Sampler, SamplingColumns, parameters
from elman_models.law.artifact import Model
from elman_models.law.state import NOTHING_REMEMBERED, Remembered, State, remembered

SIZES = (8, 4, 2, 1)
"""The steps of a program. The host draws the words of one part of a run while the device works on the part before it."""

Captured: TypeAlias = Callable[[], None]


class ProgramKind(NamedTuple):
    """What the steps of a program do, besides moving the rows; nothing is done that no row needs."""

    has_output: bool = False
    is_greedy: bool = False  # some row draws at temperature 0
    is_ranked: bool = False  # some row truncates, or begins with another rank than 0
    is_accounted: bool = False

    @classmethod
    def of(cls, layout: Layout, part: StepRange) -> "ProgramKind":
        """What a part of the layout needs."""
        if part.first < layout.first_output:
            return cls()
        return cls(True, layout.is_greedy, layout.is_ranked, layout.is_accounted)


class Buffers:
    """All that programs read and write, at the same place for good: (steps, rows) and, before and after steps, states."""

    def __init__(self, rows: int, steps: int, state_size: int, window: int, device: torch.device) -> None:
        self.inputs = torch.zeros(steps, 3, rows, dtype=torch.int64, device=device)  # as `Layout.inputs`
        self.inputs[:, 0] = STAY
        self.settings = torch.zeros(rows, 4, dtype=torch.int64, device=device)
        self.states = torch.zeros(steps + 1, rows, state_size, device=device)  # the first are those before the first step
        self.windows = torch.full((steps + 1, rows, window), NOWHERE, dtype=torch.int32, device=device)  # likewise
        self.characters = torch.zeros(steps, rows, dtype=torch.int64, device=device)
        self.surprises = torch.zeros(steps, rows, dtype=torch.int64, device=device)
        self.log_probabilities = torch.zeros(steps, rows, dtype=torch.float64, device=device)
        self.is_recalled = torch.zeros(steps, rows, dtype=torch.bool, device=device)

    @property
    def account(self) -> tuple[Tensor, Tensor, Tensor]:
        """As the fields of `Account`."""
        return self.surprises, self.log_probabilities, self.is_recalled


class Program:
    """A fixed number of steps of one kind. It overwrites nothing that it reads: to run it twice is to run it once."""

    def __init__(
        self, network: IntegerNetwork, sampler: Sampler, recaller: Recaller, buffers: Buffers, kind: ProgramKind, steps: int
    ) -> None:
        self._network, self._sampler, self._recaller, self._buffers = network, sampler, recaller, buffers
        self._kind, self._steps = kind, steps

    def __call__(self) -> None:
        """Move all rows; no shape, and no operation, depends on what the buffers hold."""
        orders, words, ranks = self._buffers.inputs[: self._steps].unbind(1)  # (steps, rows) each
        settings = SamplingColumns(self._buffers.settings, self._kind.is_ranked, self._kind.is_greedy)
        given, draws, stays = orders.clamp_min(0), orders == DRAW, (orders == STAY).unsqueeze(2)
        for step in range(self._steps):
            before, after = self._buffers.states[step], self._buffers.states[step + 1]
            seen, seen_after = self._buffers.windows[step], self._buffers.windows[step + 1]
            characters = given[step]
            if self._kind.has_output:
                q = self._network.logits(before)
                rank = ranks[step].unsqueeze(1) if self._kind.is_ranked else None
                favourites = self._recaller.favourites(seen)
                drawn = self._sampler.sample(q, words[step].unsqueeze(1), rank, settings, favourites)
                characters = torch.where(draws[step], drawn, characters, out=self._buffers.characters[step])
                self._account(q, characters, favourites, step)
            torch.where(stays[step], before, self._network.step(before, characters), out=after)
            torch.where(stays[step], seen, self._recaller.after(seen, characters), out=seen_after)

    def _account(self, q: Tensor, characters: Tensor, favourites: Favourites | None, step: int) -> None:
        if self._kind.is_accounted:
            for buffer, found in zip(self._buffers.account, self._sampler.account(q, characters, favourites), strict=True):
                buffer[step].copy_(found)


class Graphs:
    """Captures programs; they share their scratch memory, since they run one after another and leave nothing in it."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def capture(self, program: Program) -> Captured:
        """The program as a graph. It runs once before, on a stream of its own, for what libraries set up at first use."""
        warm_up = torch.cuda.Stream()
        warm_up.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(warm_up):
            program()
        torch.cuda.current_stream().wait_stream(warm_up)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            program()
        return graph.replay


def use_exact_products() -> None:
    """Set the whole process so that no product is in TF32, which is not exact."""
    torch.set_float32_matmul_precision("highest")


class Cuda:
    """The cuda execution of the `Execution` protocol. `use_exact_products` comes first."""

    def __init__(self, model: Model, rows: int, device: str = "cuda") -> None:
        self._device = torch.device(device)
        self.name = f"cuda {torch.cuda.get_device_name() if self._device.type == 'cuda' else device}"
        self._network = IntegerNetwork(model, self._device)
        self._sampler = Sampler(model, self._device)
        self._model, self._outputs = model, len(model.vocabulary)
        self._recaller = Recaller(model, self._device, may_look=False)
        self._buffers = Buffers(rows, SIZES[0], model.structure.state_size, model.recall.window, self._device)
        self._remembered: list[Remembered] = [NOTHING_REMEMBERED] * rows
        self._rows = HostRows(rows)
        self._loaded: dict[int, Start] = {}  # since the last run
        self._graphs = Graphs() if self._device.type == "cuda" else None
        self._programs: dict[tuple[ProgramKind, int], Captured] = {}
        self._program(ProgramKind(True, True, True, True), SIZES[0])  # the memory that any program needs, found or refused now

    def load(self, row: int, start: Start) -> None:
        """Put a text into a row, whatever was there before."""
        self._rows.load(row, start)
        self._loaded[row] = start
        self._remembered[row] = start.state.remembered

    @torch.inference_mode()
    def run(self, advances: Sequence[Advance]) -> "CudaOutcome":
        """Move the rows, each named at most once, by at least one character each."""
        self._place_loaded()
        layout = Layout(advances, self._rows)
        record = Record(layout, self._buffers)
        for part in layout.split(SIZES):
            kind = ProgramKind.of(layout, part)
            self._buffers.inputs[: part.steps].copy_(self._on_host(layout.inputs(part)), non_blocking=True)
            self._program(kind, part.steps)()
            record.note(part, kind)
            self._buffers.states[0].copy_(self._buffers.states[part.steps])
            self._buffers.windows[0].copy_(self._buffers.windows[part.steps])
        layout.move()
        self._wait()
        outcome = CudaOutcome(self._model, layout, record, [self._remembered[advance.row] for advance in advances])
        for index, advance in enumerate(advances):
            self._remembered[advance.row] = outcome.remembered(index, advance.sampled)
        return outcome

    def _place_loaded(self) -> None:
        """Texts that were loaded reach the device together."""
        if not self._loaded:
            return
        rows = torch.tensor([*self._loaded], device=self._device)
        outputs = np.stack([start.state.outputs for start in self._loaded.values()])
        settings = [parameters(start.sampling, self._outputs) for start in self._loaded.values()]
        self._buffers.states[0].index_copy_(0, rows, torch.from_numpy(outputs).to(self._device, torch.float32))
        windows = self._recaller.windows([start.state.remembered for start in self._loaded.values()])
        self._buffers.windows[0].index_copy_(0, rows, windows)
        self._buffers.settings.index_copy_(0, rows, torch.tensor(settings, device=self._device))
        self._loaded.clear()

    def _on_host(self, numbers: NDArray[np.int64]) -> Tensor:
        """Memory from which a GPU copies by itself, while the host goes on."""
        tensor = torch.from_numpy(numbers)
        return tensor.pin_memory() if self._graphs else tensor

    def _wait(self) -> None:
        """Until the device is done: a measurement must see the whole run."""
        if self._graphs:
            torch.cuda.synchronize()

    def _program(self, kind: ProgramKind, steps: int) -> Captured:
        """Captured when it is first needed."""
        if (kind, steps) not in self._programs:
            program = Program(self._network, self._sampler, self._recaller, self._buffers, kind, steps)
            self._programs[kind, steps] = self._graphs.capture(program) if self._graphs else program
        return self._programs[kind, steps]


class Record:
    """What the buffers held after each part of a run, as far as an outcome may be asked for it; it stays on the device."""

    def __init__(self, layout: Layout, buffers: Buffers) -> None:
        self._layout, self._buffers = layout, buffers
        self.characters: list[Tensor] = []  # from the first output on, (steps, rows)
        self.accounts: tuple[list[Tensor], ...] = ([], [], [])  # as `Account`, (steps, rows) each
        self.states: list[Tensor] = []  # before each step from the first draw on, and after the last, (steps, rows, state size)

    def note(self, part: StepRange, kind: ProgramKind) -> None:
        """A program has run the part."""
        steps = part.steps
        first = max(self._layout.first_draw - part.first, 0)
        end = steps + 1 if part.end == self._layout.steps else steps
        if first < end:
            self.states.append(self._buffers.states[first:end].to(torch.int8))
        if kind.has_output:
            self.characters.append(self._buffers.characters[:steps].clone())
        if kind.is_accounted:
            for parts, buffer in zip(self.accounts, self._buffers.account, strict=True):
                parts.append(buffer[:steps].clone())


class CudaOutcome:
    """What the rows did. They ended together, so all is counted from the end."""

    def __init__(self, model: Model, layout: Layout, record: Record, before: Sequence[NDArray[np.integer]]) -> None:
        self._model, self._layout, self._record = model, layout, record
        self._before = before  # what the rows remembered
        self._characters = on_host(record.characters)
        self._account = Account(*map(on_host, record.accounts))

    def characters(self, index: int) -> list[int]:
        """The characters that the row sampled."""
        advance = self._layout.advances[index]
        return last(self._characters, advance.sampled, advance.row).tolist() if advance.sampled else []

    def account(self, index: int) -> Account:
        """Of the scored and the sampled characters of the row; empty unless it is accounted or characters were scored."""
        advance = self._layout.advances[index]
        if not self._layout.accounts[index]:
            return NO_ACCOUNT
        count = len(advance.scored) + advance.sampled
        return Account(*(last(each, count, advance.row) for each in self._account))

    def state(self, index: int, sampled: int) -> State:
        """The row's state after `sampled` of its sampled characters (0: after the forced ones)."""
        back = self._layout.advances[index].sampled - sampled
        position = int(self._layout.ends[index]) - back
        return State(self._states[-1 - back, index].copy(), position, self.remembered(index, sampled))

    def remembered(self, index: int, sampled: int) -> Remembered:
        """What the row then remembers of its text."""
        advance = self._layout.advances[index]
        drawn = np.array(self.characters(index)[:sampled], np.int32)
        return remembered(self._model, self._before[index], advance.skipped, advance.scored, drawn)

    def passage(self, index: int) -> Passage:
        """All of these states."""
        sampled = self._layout.advances[index].sampled
        return Passage(self._states[-1 - sampled :, index].copy(), int(self._layout.ends[index]) - sampled)

    @cached_property
    def _states(self) -> NDArray[np.int8]:
        """Of the rows that moved, fetched together once one of them is asked for, (steps + 1, rows that moved, state size)."""
        return torch.cat(self._record.states)[:, self._layout.rows].cpu().numpy()


def on_host(parts: Sequence[Tensor]) -> NDArray[Any]:
    """The parts one after another, in one transfer."""
    return torch.cat(tuple(parts)).cpu().numpy() if parts else np.zeros(0)


def last(table: NDArray[Any], count: int, row: int) -> NDArray[Any]:
    """The last `count` entries of a row; the table is (steps, rows)."""
    return table[len(table) - count :, row]
