"""Several processes that train one network, as torchrun starts them: each works on a block of the rows.

    rows        0 1 2 3 | 4 5 6 7          a window, the carried states and dropout's masks are cut alike
    process     0       | 1
    gradients   DistributedDataParallel adds them up, so that every process makes the same step

What is said, saved and measured comes from the first process. All others do as it does, and end with it. A group of one is
an ordinary run and asks nothing of torch.distributed. This file knows no text, optimiser or checkpoint.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import atexit
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor, distributed, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from elman_models.errors import InvalidField
from elman_models.training.network import Window

FAILED = 1
"""The exit code of a process whose error the first process reports."""


class ProcessGroupError(RuntimeError):
    """The processes of a run cannot go on together: one is gone, or is at work on something else."""


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """This process's place among those that train together."""

    rank: int = 0
    processes: int = 1
    local_rank: int = 0  # among those on this machine
    local_processes: int = 1
    restarts: int = 0  # how often torchrun began anew because a process had failed

    @property
    def is_alone(self) -> bool:
        """Whether no other process trains."""
        return self.processes == 1

    @property
    def is_first(self) -> bool:
        """Whether this process reports, measures and writes."""
        return self.rank == 0

    def device(self, kind: torch.device) -> torch.device:
        """This process's own GPU, or the processor. Raises InvalidField where the machine has fewer GPUs than processes."""
        if self.is_alone or kind.type != "cuda":
            return kind
        gpus = torch.cuda.device_count()
        if self.local_processes > gpus:
            raise InvalidField("LOCAL_WORLD_SIZE", self.local_processes, f"1 to {gpus}, one process for each GPU")
        return torch.device("cuda", self.local_rank)

    def block(self, rows: int) -> slice:
        """Which of a batch's rows are this process's. Raises InvalidField where they cannot be dealt out evenly."""
        share, rest = divmod(rows, self.processes)
        if rest:
            raise InvalidField("batch_size", rows, f"multiples of {self.processes}, so that each process takes as many rows")
        return slice(self.rank * share, (self.rank + 1) * share)

    def own_rows(self, window: Window) -> Window:
        """A window cut to this process's rows."""
        block = self.block(window.characters.shape[1])
        resets = {step: keep[block] for step, keep in window.resets.items()}
        return Window(window.characters[:, block], window.targets[:, block], resets)

    def synchronised(self, network: nn.Module) -> nn.Module:
        """What to call in the network's stead, so that all processes get the mean of their gradients.

        Layer 0 reads no other layer: its matrix of inputs is empty and never used. With a look for the unused, DDP also keeps
        its buckets as they are, and three processes add in the same order after a resumption.
        """
        return network if self.is_alone else DistributedDataParallel(network, find_unused_parameters=True)

    def mean(self, value: float) -> float:
        """Of all processes' values, the same in each."""
        if self.is_alone:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        distributed.all_reduce(total)
        return float(total) / self.processes

    def from_first(self, value: float) -> float:
        """The first process's value, the same in each."""
        if self.is_alone:
            return value
        told = torch.tensor(value, dtype=torch.float64)
        distributed.broadcast(told, 0)
        return float(told)

    def all_rows(self, part: Tensor) -> Tensor:
        """All rows of all processes, in order, from this one's; on the processor if there are several."""
        if self.is_alone:
            return part
        parts = [torch.empty_like(part, device="cpu") for _ in range(self.processes)]
        distributed.all_gather(parts, part.cpu())
        return torch.cat(parts)

    @contextmanager
    def agreeing(self) -> Generator[None]:
        """What one process cannot begin, none begins, and the first says why. Nothing within may wait for another process."""
        refused: Exception | None = None
        try:
            yield
        except (ValueError, OSError) as error:
            if self.is_alone:
                raise
            refused = error
        words = self._gathered(str(refused) if refused else "")
        if any(words):
            rank = next(rank for rank, word in enumerate(words) if word)
            raise self.once(refused or ProcessGroupError(f"process {rank} of {self.processes}: {words[rank]}"))

    def require_same(self, **facts: object) -> None:
        """Raises ProcessGroupError where the processes would not be at the same place of the same run."""
        for name, value in facts.items():
            if len(different := set(self._gathered(str(value)))) > 1:
                raise self.once(ProcessGroupError(f"the processes differ in {name}: {', '.join(sorted(different))}"))

    def once(self, error: Exception) -> Exception:
        """An error that all processes meet, to be raised: in the first. The others wait until it is told, and end."""
        if not self.is_first:
            with suppress(RuntimeError):
                distributed.all_reduce(torch.zeros(1))  # in vain: it ends when the first process does
            end(FAILED)
        return error

    def has_lost(self, error: RuntimeError) -> bool:
        """Whether an error says that another process is gone; gloo's have no class of their own."""
        return not self.is_alone and (isinstance(error, distributed.DistError) or "gloo" in str(error))

    def leave(self) -> None:
        """The steps are done: the first process goes on alone, the others end here."""
        close()
        if not self.is_first:
            end(0)

    def _gathered(self, word: str) -> list[str]:
        """What each process says, in the order of their ranks."""
        words: list[Any] = [word]
        if not self.is_alone:
            words *= self.processes
            distributed.all_gather_object(words, word)
        return words


ALONE = ProcessGroup()


def join() -> ProcessGroup:
    """The group that the launcher's environment tells of, ready to talk. Raises InvalidField or ValueError."""
    group = group_of_environment()
    if not group.is_alone:
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(backend, store=meeting_place(group), rank=group.rank, world_size=group.processes)
        atexit.register(close)
    return group


def close() -> None:
    """Leave the group; a process that is alone has none to leave."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def end(code: int) -> NoReturn:
    """End this process without the interpreter's own end: a thread of gloo's that still held a tensor would abort it.

    DistributedDataParallel keeps these threads even when the group is destroyed and it is gone itself (torch 2.13).
    """
    os._exit(code)


def meeting_place(group: ProcessGroup) -> Store:
    """Where the processes find one another. torchrun keeps it over restarts, with the addresses of those that are gone."""
    store, _, _ = next(rendezvous("env://", group.rank, group.processes))
    return PrefixStore(f"start {group.restarts}", store)


def group_of_environment() -> ProcessGroup:
    """What torchrun tells each process that it starts; without it, a process is alone."""
    processes = number("WORLD_SIZE", 1, 1)
    local_processes = number("LOCAL_WORLD_SIZE", 1, 1, processes)
    return ProcessGroup(
        number("RANK", 0, 0, processes - 1),
        processes,
        number("LOCAL_RANK", 0, 0, local_processes - 1),
        local_processes,
        number("TORCHELASTIC_RESTART_COUNT", 0, 0),
    )


def number(name: str, default: int, low: int, high: int | None = None) -> int:
    """A variable of the environment. Raises InvalidField."""
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or not low <= int(text) <= (int(text) if high is None else high):
        raise InvalidField(name, text, f"{low} or more" if high is None else f"{low} to {high}")
    return int(text)
