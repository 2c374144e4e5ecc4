"""Laws of training in several processes: torchrun starts two on the processor, which talk through gloo."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from prose import QUICK, Kept, prose

from elman_models.corpus import Corpus
from elman_models.errors import InvalidField
from elman_models.law.artifact import load
from elman_models.training.checkpoint import Checkpoint, checkpoint_path, load_checkpoint
from elman_models.training.processes import ProcessGroup, group_of_environment
from elman_models.training.run import new_run
from elman_models.training.train import Trained, train

KILLED_STEP, SPOILT_STEP = 20, 40
TROUBLED = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from elman.cli.main import main
from elman_models.training.run import Run

IS_SECOND, START = os.environ["RANK"] == "1", int(os.environ["TORCHELASTIC_RESTART_COUNT"])
advance = Run.advance

def trouble(run):
    if IS_SECOND and (START, run.step) == (1, {KILLED_STEP}):
        os.kill(os.getpid(), signal.SIGKILL)
    if IS_SECOND and (START, run.step) == (2, {SPOILT_STEP}):
        run.network.output.data[0, 0] = float("nan")
    return advance(run)

Run.advance = trouble
if IS_SECOND and START == 0:
    sys.argv[2] += ".missing"
sys.exit(main(sys.argv[1:]))
"""
"""`elman train`, whose second process lacks the text at first, is killed when begun anew, and then meets no number."""


class Ended(NamedTuple):
    """What came of a command."""

    output: Path
    code: int
    said: str

    @property
    def checkpoint(self) -> Checkpoint:
        return load_checkpoint(checkpoint_path(self.output))


def torchrun(*command: str, restarts: int = 0) -> subprocess.CompletedProcess[str]:
    """Two processes of a command, on a port that is free."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*launcher, f"--max-restarts={restarts}", *command], capture_output=True, text=True, env=environment, check=False
    )


def arguments(notes: Path, output: Path) -> list[str]:
    """Of `elman train` by the quick recipe, with a checkpoint at every step."""
    dials = [f"--{name.replace('_', '-')}={value}" for name, value in QUICK.to_json().items() if value is not None]
    return ["train", str(notes), f"--output={output}", "--checkpoint-seconds=0", "--device=cpu", "--keep-checkpoint", *dials]


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Characters that have no output, which count for nothing, are all in the rows of one process."""
    path = tmp_path_factory.mktemp("notes") / "notes.txt"
    path.write_text(prose(8_000) + "".join(map(chr, range(0x400, 0x500))) + prose(8_000, seed=1))
    return path


@pytest.fixture(scope="module")
def alone(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    output = tmp_path_factory.mktemp("alone") / "m.safetensors"
    return train([notes], output, QUICK, device="cpu", keep_checkpoint=True, report=Kept())


@pytest.fixture(scope="module")
def together(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    output = tmp_path_factory.mktemp("together") / "m.safetensors"
    done = torchrun("-m", "elman", *arguments(notes, output))
    return Ended(output, done.returncode, done.stderr)


@pytest.fixture(scope="module")
def troubled(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    folder = tmp_path_factory.mktemp("troubled")
    (folder / "troubled.py").write_text(TROUBLED)
    output = folder / "m.safetensors"
    done = torchrun(str(folder / "troubled.py"), *arguments(notes, output), restarts=3)
    return Ended(output, done.returncode, done.stderr)


@pytest.mark.timeout(300)
def test_two_processes_train_the_network_that_one_trains(alone: Trained, together: Ended) -> None:
    assert together.code == 0, together.said
    ours, theirs = load_checkpoint(alone.checkpoint).tensors, together.checkpoint.tensors
    for name in ours:
        torch.testing.assert_close(
            theirs[name], ours[name], atol=2e-5, rtol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.timeout(300)
def test_the_first_process_speaks_for_all(together: Ended) -> None:
    assert len(re.findall("in each of 2 processes", together.said)) == 1
    assert len(re.findall("nats a character", together.said)) == 1
    assert together.checkpoint.header.processes == 2


@pytest.mark.timeout(300)
def test_processes_that_failed_and_were_begun_anew_end_as_if_they_had_not(together: Ended, troubled: Ended) -> None:
    assert troubled.code == 0, troubled.said
    assert load(troubled.output).digest == load(together.output).digest


@pytest.mark.timeout(300)
def test_what_one_process_meets_is_told_once(troubled: Ended) -> None:
    errors = re.findall("^elman: error: .*", troubled.said, re.MULTILINE)
    missing, *lost, spoilt = errors
    assert re.search(r"process 1 of 2: .*notes\.txt\.missing", missing)
    assert re.search(rf"step {SPOILT_STEP + 1}: the loss is not a finite number; the checkpoint of step {SPOILT_STEP}", spoilt)
    assert len(lost) <= 1  # torchrun may end the first process before it says so
    assert all(f"another process of this run is gone; the checkpoint of step {KILLED_STEP} is good" in line for line in lost)
    assert "Traceback" not in troubled.said


@pytest.mark.timeout(300)
def test_one_process_goes_on_with_what_two_began(notes: Path, together: Ended) -> None:
    kept = Kept()
    train([notes], together.output, QUICK, resume=True, device="cpu", report=kept)
    assert "begun by 2 processes, continued by 1: as good a model, another digest" in kept.lines


def test_rows_that_cannot_be_dealt_out_evenly_are_refused() -> None:
    with pytest.raises(InvalidField, match="batch_size: 8 is out of range; allowed: multiples of 3"):
        new_run(Corpus((prose(3000),)), Corpus(()), QUICK, torch.device("cpu"), group=ProcessGroup(0, 3))


@pytest.mark.parametrize(("name", "value", "allowed"), [("WORLD_SIZE", "0", "1 or more"), ("RANK", "2", "0 to 1")])
def test_an_environment_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidField, match=f"{name}: '{value}' is out of range; allowed: {allowed}"):
        group_of_environment()
