"""Laws of what a run computes on."""

from collections.abc import Generator

import pytest
import torch
from prose import QUICK, prose

from elman_models.corpus import Corpus
from elman_models.errors import InvalidField
from elman_models.training.hardware import Hardware, choose_device
from elman_models.training.processes import ProcessGroup
from elman_models.training.recipe import Recipe
from elman_models.training.run import Run, new_run

TEXT = Corpus((prose(3000),))
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def two_threads() -> Generator[None]:
    """Another number of threads than the recipe asks for, and afterwards what there was."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidField, match="device: 'tpu' is out of range; allowed: auto, cpu, cuda"):
        choose_device("tpu")


def test_only_a_run_that_starts_sets_the_threads_of_the_process() -> None:
    run = Run(TEXT, Corpus(()), QUICK, Hardware.of(QUICK, CPU))
    assert (run.hardware.threads, torch.get_num_threads()) == (1, 2)
    new_run(TEXT, Corpus(()), QUICK, CPU)
    assert torch.get_num_threads() == 1


def test_the_processes_of_a_machine_share_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 24)
    group = ProcessGroup(0, 8, 0, 4)
    for threads, expected in ((None, 3), (5, 5)):
        recipe = Recipe(threads=threads)
        assert Hardware.of(recipe, CPU, group).threads == expected


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_products_are_computed_in_the_precision_that_the_recipe_names(precision: str, dtype: torch.dtype) -> None:
    assert Hardware.of(Recipe(precision=precision), CPU).dtype == dtype
