"""The extension module (models/native): the rows of a model in C++."""

import numpy as np
from numpy.typing import NDArray

def instruction_sets() -> list[str]:
    """The instruction sets that this machine has, the fastest first."""

class Builder:
    """Gathers a model, matrix by matrix; `Rows` copies it."""

    def layer(
        self, weight: NDArray[np.int8], scale: NDArray[np.float32], bias: NDArray[np.float32], inputs: list[int]
    ) -> None: ...
    def output(
        self, weight: NDArray[np.int8], scale: NDArray[np.float32], bias: NDArray[np.float32], inputs: list[int]
    ) -> None: ...
    def tables(self, tanh: NDArray[np.int8], exp: NDArray[np.int32], log: NDArray[np.int64]) -> None: ...

class Rows:
    """Rows of state that advance together, without the interpreter's lock."""

    def __init__(self, builder: Builder, rows: int, instructions: str) -> None: ...
    def load(
        self,
        row: int,
        state: NDArray[np.int8],
        position: int,
        seed: int,
        inverse_temperature: int,
        top_k: int,
        top_p: int,
        min_p: int,
        alternative: int,
        first_rank: int,
    ) -> None: ...
    def run(
        self,
        plan: NDArray[np.int32],
        forced: NDArray[np.int32],
        characters: NDArray[np.int32],
        surprises: NDArray[np.int64],
        log_probabilities: NDArray[np.float64],
        states: NDArray[np.int8],
    ) -> None: ...
