"""Which execution runs a model on this machine. Knows devices and what is installed; the executions know the law.

Nothing heavy is imported before it is chosen: the native execution needs no torch.
"""

import logging
import time
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from elman_models.errors import InvalidField
from elman_models.execution.names import DEVICES, INSTRUCTIONS
from elman_models.execution.numpy_execution import NumpyExecution
from elman_models.execution.protocol import Advance, Execution, Start
from elman_models.law.artifact import Model
from elman_models.law.state import State

GPU_FILES = ("/dev/nvidia0", "/dev/dxg")  # torch alone takes seconds to say that there is none
NOT_BUILT = "the native extension was not built for this Python: install a C++ compiler, then elman again"
LOGGER = logging.getLogger("elman")


def open_execution(model: Model, rows: int, device: str = "auto", instructions: str = "auto", threads: int = 1) -> Execution:
    """An execution of `rows` rows on a device, with an instruction set; among these, `numpy` and `reference` (torch) need none.

    auto: the native execution, or numpy where that was not built, or a GPU where one is found and a measurement with these rows
    shows it faster. The choice is logged. Raises InvalidField for what this machine lacks.
    """
    check("device", device, DEVICES)
    check("instructions", instructions, INSTRUCTIONS)
    if device == "cuda":
        check("instructions", instructions, ("auto",))  # the others are a processor's
        return open_cuda(model, rows)
    on_cpu = open_cpu(model, rows, instructions, threads)
    if device == "auto" and instructions == "auto" and has_gpu():
        return open_faster(on_cpu, model, rows)
    return on_cpu


def open_cpu(model: Model, rows: int, instructions: str, threads: int) -> Execution:
    """The native execution, or another where that is wanted or the extension is not there."""
    if instructions == "reference":
        return open_reference(model, rows, threads)
    try:
        if instructions == "numpy" or (instructions == "auto" and not has_extension()):
            return NumpyExecution(model, rows)
        return open_native(model, rows, instructions)
    except MemoryError:
        raise InvalidField("rows", rows, "fewer: this machine does not have the memory for their states") from None


def open_native(model: Model, rows: int, instructions: str) -> Execution:
    """The native execution. Raises InvalidField without the extension, and for an instruction set that this machine lacks."""
    if not has_extension():
        raise InvalidField("instructions", instructions, f"auto, numpy or reference: {NOT_BUILT}")
    from elman_models.execution.native import Native

    return Native(model, rows, instructions)


def open_reference(model: Model, rows: int, threads: int) -> Execution:
    """The reference. Raises InvalidField without torch."""
    if find_spec("torch") is None:
        raise InvalidField("instructions", "reference", "auto or numpy, until torch is installed: the characters are the same")
    from elman_models.execution.reference import Reference, use_threads

    use_threads(threads)
    return Reference(model, rows)


def open_cuda(model: Model, rows: int) -> Execution:
    """The cuda execution. Raises InvalidField without a GPU, without a torch that could use it, or for too many rows."""
    if find_spec("torch") is None:
        raise InvalidField("device", "cuda", "cpu or auto, until a torch that can use CUDA is installed")
    import torch

    if not torch.cuda.is_available():
        raise InvalidField("device", "cuda", "cpu or auto: torch finds no CUDA device here")
    from elman_models.execution.cuda import Cuda, use_exact_products

    use_exact_products()
    try:
        return Cuda(model, rows)
    except RuntimeError as error:  # torch's OutOfMemoryError, or CUDA's own
        if "out of memory" not in str(error):
            raise
        raise InvalidField("rows", rows, "fewer, as many as the GPU's memory holds") from None


def open_faster(on_cpu: Execution, model: Model, rows: int) -> Execution:
    """The execution on the CPU, or the one on the GPU where it can be had and is faster."""
    try:
        on_gpu = open_cuda(model, rows)
    except InvalidField as error:
        LOGGER.warning(f"the GPU is not used: {error}")
        return on_cpu
    return faster(on_cpu, on_gpu, rows, model)


def faster(first: Execution, second: Execution, rows: int, model: Model) -> Execution:
    """The one that draws sooner for all rows."""
    times = {execution.name: seconds_a_step(execution, rows, model) for execution in (first, second)}
    LOGGER.info("measured", extra={"fields": {"rows": rows, "seconds_a_step": times}})
    return min((first, second), key=lambda execution: times[execution.name])


def seconds_a_step(execution: Execution, rows: int, model: Model, steps: int = 8, repetitions: int = 5) -> float:
    """The median time of one character for each of the rows."""
    for row in range(rows):
        execution.load(row, Start(State.initial(model), seed=row))
    advances = [Advance(row, sampled=steps) for row in range(rows)]
    execution.run(advances).characters(0)  # the first call pays for what it finds cold
    times: list[float] = []
    for _ in range(repetitions):
        started = time.perf_counter()
        execution.run(advances).characters(0)
        times.append((time.perf_counter() - started) / steps)
    return median(times)


@cache
def has_extension() -> bool:
    """Whether the native extension is there and loads; says so, once, where it is not."""
    try:
        import_module("elman_models._native")
    except ImportError:
        LOGGER.warning("%s; until then numpy does the same, many times slower", NOT_BUILT)
        return False
    return True


def has_gpu() -> bool:
    """Whether there is a GPU, and a torch that could use it."""
    return any(Path(name).exists() for name in GPU_FILES) and find_spec("torch") is not None


def check(field: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise InvalidField unless the value is one of those allowed."""
    if value not in allowed:
        raise InvalidField(field, value, ", ".join(allowed))
