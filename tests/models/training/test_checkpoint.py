"""Laws of checkpoints: the old one or the new one, whole."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from prose import QUICK, prose

from elman_models.corpus import Corpus
from elman_models.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from elman_models.training.run import Run, new_run


@pytest.fixture
def run() -> Run:
    return new_run(Corpus((prose(3000),)), Corpus(()), QUICK, torch.device("cpu"))


ON_A_FULL_DISK = """
import resource, sys, torch
from pathlib import Path
from prose import QUICK, prose
from elman_models.training.checkpoint import CheckpointError, save_checkpoint
from elman_models.corpus import Corpus
from elman_models.training.run import new_run

run = new_run(Corpus((prose(3000),)), Corpus(()), QUICK, torch.device("cpu"))
run.advance()
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # files may grow to 4 kB, as where there is no more room
try:
    save_checkpoint(run.checkpoint(), Path(sys.argv[1]))
except CheckpointError as error:
    print(error)
"""


def save_on_a_full_disk(path: Path) -> str:
    """What is said of a checkpoint for which there is no room, by a process of its own: the limit holds for all of it."""
    command = [sys.executable, "-c", ON_A_FULL_DISK, str(path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_a_checkpoint_holds_all_that_the_rest_of_a_run_depends_on(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.checkpoint"
    for _ in range(4):
        run.advance()
    save_checkpoint(run.checkpoint(), path)
    other = new_run(run.training, run.held_out, QUICK, torch.device("cpu"))
    other.restore(load_checkpoint(path), path)
    assert [run.advance() for _ in range(10)] == [other.advance() for _ in range(10)]


def test_a_disk_that_is_full_is_told_where_there_was_no_checkpoint(tmp_path: Path) -> None:
    said = save_on_a_full_disk(tmp_path / "m.checkpoint")
    assert said.endswith("step 1 was not saved (File too large); there is none before it")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_leaves_the_old_checkpoint_as_it_was(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.checkpoint"
    save_checkpoint(run.checkpoint(), path)
    before = path.read_bytes()
    assert save_on_a_full_disk(path).endswith("step 1 was not saved (File too large); the checkpoint before it is intact")
    assert path.read_bytes() == before
    assert load_checkpoint(path).header.step == 0
    assert [file.name for file in tmp_path.iterdir()] == ["m.checkpoint"]


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 100, 2000, -1])
def test_a_checkpoint_that_is_cut_short_is_refused(run: Run, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "m.checkpoint"
    save_checkpoint(run.checkpoint(), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="not a checkpoint of elman, or a damaged one"):
        load_checkpoint(path)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "m.checkpoint"
    torch.save({"step": 1}, path)
    with pytest.raises(CheckpointError):
        load_checkpoint(path)
