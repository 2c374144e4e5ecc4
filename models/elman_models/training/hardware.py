"""What a run computes on: device, threads, precision. Knows no text and no network.

Threads, GPU and memory are set for the whole process, by `use`, where a run starts.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import ctypes
import os
from dataclasses import dataclass

import torch

from elman_models.errors import InvalidField
from elman_models.training.processes import ALONE, ProcessGroup
from elman_models.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Hardware:
    """What one process of a run computes on, and in which precision its products are."""

    device: torch.device
    threads: int
    precision: str  # float32 or bfloat16

    @classmethod
    def of(cls, recipe: Recipe, device: torch.device, group: ProcessGroup = ALONE) -> "Hardware":
        """What the recipe leaves open follows the machine. Raises InvalidField where a process would have no GPU of its own."""
        threads = recipe.threads or max(1, (os.cpu_count() or 1) // 2 // group.local_processes)
        return cls(group.device(device), threads, choose_precision(recipe.precision, device))

    @property
    def dtype(self) -> torch.dtype:
        """The type that `precision` means, in which products are computed."""
        return torch.bfloat16 if self.precision == "bfloat16" else torch.float32

    def use(self) -> None:
        """Set threads, GPU and memory for the whole process."""
        keep_freed_memory()
        torch.set_num_threads(self.threads)
        if self.device.index is not None:  # pyright: ignore[reportUnnecessaryComparison] (torch says int; "cuda" has none)
            torch.cuda.set_device(self.device)


def choose_device(device: str) -> torch.device:
    """The device by its name; auto: the GPU, if there is one. Raises InvalidField."""
    if device not in ("auto", "cpu", "cuda"):
        raise InvalidField("device", device, "auto, cpu, cuda")
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise InvalidField("device", device, "auto, cpu; torch sees no GPU here")
    return torch.device("cuda" if has_gpu and device != "cpu" else "cpu")


def choose_precision(precision: str, device: torch.device) -> str:
    """auto: bfloat16 where products in it are fast, on a GPU or a processor with AMX or AVX512-BF16."""
    if precision != "auto":
        return precision
    instructions = torch.cpu.get_capabilities()
    is_fast = device.type == "cuda" or any(instructions.get(name, False) for name in ("amx_bf16", "avx512_bf16"))
    return "bfloat16" if is_fast else "float32"


def keep_freed_memory() -> None:
    """Have glibc keep the large blocks that every step frees and takes again: a third faster; elsewhere nothing."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return
    mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
    mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
