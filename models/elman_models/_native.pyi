"""The extension module (models/native): the rows of a model in C++."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman_models.execution.protocol import Advance

def instruction_sets() -> list[str]:
    """The instruction sets that this machine has, the fastest first."""

def recall(
    text: NDArray[np.uint32], window: int, instructions: str
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """(lengths, characters, same, other, rivals, distances) before each character of a text, and at its end."""

class Builder:
    """Gathers a model, matrix by matrix; `Rows` copies it."""

    def layer(
        self, weight: NDArray[np.int8], scale: NDArray[np.float32], bias: NDArray[np.float32], inputs: list[int]
    ) -> None: ...
    def output(
        self, weight: NDArray[np.int8], scale: NDArray[np.float32], bias: NDArray[np.float32], inputs: list[int]
    ) -> None: ...
    def tables(self, tanh: NDArray[np.int8], exp: NDArray[np.int32], log: NDArray[np.int64]) -> None: ...
    def recall(
        self,
        window: int,
        lengths: NDArray[np.int32],
        unanimous: NDArray[np.int32],
        shares: NDArray[np.int32],
        rivals: NDArray[np.int32],
        distances: NDArray[np.int32],
        odds: NDArray[np.int32],
    ) -> None: ...

class Outcome:
    """What one run did; `index` counts its advances. Arrays are views that keep the outcome alive, but for states."""

    def characters(self, index: int) -> list[int]: ...
    def account(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]: ...
    def state(self, index: int, sampled: int) -> tuple[NDArray[np.int8], int, NDArray[np.uint8 | np.uint32]]: ...
    def passage(self, index: int) -> tuple[NDArray[np.int8], int]: ...

class Rows:
    """Rows of state that advance together, without the interpreter's lock."""

    def __init__(self, builder: Builder, rows: int, instructions: str) -> None: ...
    def load(
        self,
        row: int,
        state: NDArray[np.int8],
        position: int,
        remembered: NDArray[np.uint8 | np.uint32],
        seed: int,
        inverse_temperature: int,
        top_k: int,
        top_p: int,
        min_p: int,
        alternative: int,
        first_rank: int,
        is_accounted: bool,
    ) -> None: ...
    def run(self, advances: Sequence[Advance]) -> Outcome: ...
    def start(self, advances: Sequence[Advance], pipe: int) -> None: ...
    def finish(self) -> tuple[Outcome, float]: ...
