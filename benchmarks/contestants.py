"""Who takes part in the engine's benchmark: each does the same work, in its own way, on one thread. Knows not who wins."""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec

import numpy as np
import plain_loop
import torch
from careful_torch import CarefulTorch
from ceiling import Ceiling, WorkingSet
from contest import Contestant
from numpy.typing import NDArray
from random_model import CHARACTERS, Size, random_model

from elman_models.execution.choice import has_extension, open_execution
from elman_models.execution.protocol import Advance, Execution, Start
from elman_models.execution.reference import Reference
from elman_models.law.state import State

DECODE_STEPS = 64
PREFILL_CHARACTERS = 2048
CALLS = (32, 1)
"""Steps a call."""
REFERENCE_PRODUCTS = 60_000_000
"""A step of more multiply-accumulates is measured without the reference: that would take most of the time."""
PLAIN, CAREFUL, ONNX, WHOLE = "plain loop", "careful torch", "onnxruntime", "nn.RNN, whole sequence"
REFERENCE, NATIVE = "reference", "native"
INT8_CEILING, MEMORY_CEILING = "int8 ceiling", "memory ceiling"


class Field:
    """The contestants over a network of one size, on one device; the native execution also with forced instruction sets."""

    def __init__(self, size: Size, device: str, instructions: Sequence[str], ceiling: Ceiling | None) -> None:
        self._device, self._instructions, self._ceiling = device, instructions, ceiling
        self._plain = plain_loop.CharacterRnn(len(CHARACTERS), size.layers, size.units).to(device)
        self._model = random_model(size)
        self._layer_weights = sum(layer.weight.size for layer in self._model.layers)
        self._weights = self._layer_weights + self._model.output.weight.size

    def decoders(self, rows: int) -> dict[str, Contestant]:
        """Each draws DECODE_STEPS characters for every row."""
        text = torch.zeros(rows, 1, dtype=torch.int64, device=self._device)
        contestants: dict[str, Contestant] = {PLAIN: lambda: plain_loop.generate(self._plain, text, DECODE_STEPS).tolist()}
        if self._device == "cpu":
            contestants |= self._peers(rows)
        for name, execution in self._executions(rows).items():
            for steps in CALLS:
                contestants[f"{name}, {steps} a call"] = partial(draw, execution, rows, steps)
        return contestants | self._ceilings(self._weights, rows, DECODE_STEPS)

    def prefillers(self) -> dict[str, Contestant]:
        """Each reads the same text of PREFILL_CHARACTERS and gives its state."""
        text = np.random.default_rng(1).integers(0, len(CHARACTERS), PREFILL_CHARACTERS, np.int32)
        batch = torch.from_numpy(text).to(self._device, torch.int64)[None]
        contestants: dict[str, Contestant] = {WHOLE: lambda: plain_loop.prefill(self._plain, batch).cpu()}
        if self._device == "cpu":
            contestants[CAREFUL] = partial(CarefulTorch(self._plain, 1).read, batch[0])
        for name, execution in self._executions(1).items():
            contestants[f"{name}, one run"] = partial(read, execution, text)
        return contestants | self._ceilings(self._layer_weights, 1, PREFILL_CHARACTERS)

    def _peers(self, rows: int) -> dict[str, Contestant]:
        """What an expert would write; onnxruntime where it is installed."""
        contestants: dict[str, Contestant] = {CAREFUL: partial(CarefulTorch(self._plain, rows).generate, DECODE_STEPS)}
        if has_onnxruntime():
            from onnx_loop import OnnxLoop

            for kind in ("float32", "int8"):
                for steps in CALLS:
                    loop = OnnxLoop(self._plain, rows, steps, is_int8=kind == "int8")
                    contestants[f"{ONNX} {kind}, {steps} a call"] = partial(loop.generate, DECODE_STEPS)
        return contestants

    def _executions(self, rows: int) -> dict[str, Execution]:
        """Ours, with a text in every row, each with a seed of its own."""
        executions: dict[str, Execution] = {}
        if self._device != "cpu" or rows * self._weights <= REFERENCE_PRODUCTS:
            executions[REFERENCE] = Reference(self._model, rows, self._device)
        if self._device == "cpu" and has_extension():
            executions[NATIVE] = open_execution(self._model, rows, "cpu")
            for forced in self._instructions:
                executions[f"{NATIVE} {forced}"] = open_execution(self._model, rows, "cpu", forced)
        for execution in executions.values():
            for row in range(rows):
                execution.load(row, Start(State.initial(self._model), seed=row))
        return executions

    def _ceilings(self, weights: int, rows: int, steps: int) -> dict[str, Contestant]:
        """The products of the same steps, and reading the same weights once a step."""
        if self._ceiling is None:
            return {}
        return {
            INT8_CEILING: partial(self._ceiling.multiply, weights * rows * steps),
            MEMORY_CEILING: partial(self._ceiling.read, WorkingSet(weights), steps),
        }


def has_onnxruntime() -> bool:
    """Whether the dependency group `benchmarks` is installed."""
    return find_spec("onnxruntime") is not None and find_spec("onnx") is not None


def draw(execution: Execution, rows: int, steps_per_call: int) -> None:
    """Draw DECODE_STEPS characters for every row, `steps_per_call` in each call."""
    for _ in range(DECODE_STEPS // steps_per_call):
        outcome = execution.run([Advance(row, sampled=steps_per_call) for row in range(rows)])
        for row in range(rows):
            outcome.characters(row)


def read(execution: Execution, text: NDArray[np.int32]) -> State:
    """Consume the text; what it leads to."""
    return execution.run([Advance(0, skipped=text)]).state(0, 0)
