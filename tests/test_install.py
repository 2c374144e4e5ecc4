"""elman installs as the README says, and its wheels on every Python that is declared and found here. It needs a package index.

`make test-install` runs it; it takes minutes, and `uv` finds the Pythons.
"""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECTION = re.search(r"^## Install\n(.*?)^## ", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
CLASSIFIERS: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
PYTHONS = [each.rpartition(" ")[2] for each in CLASSIFIERS if re.search(r":: 3\.\d+$", each)]
COMPLETE = ("complete", "--max-characters=40", "--seed=1", "ROMEO:")

pytestmark = [pytest.mark.installs, pytest.mark.timeout(1800)]


def run(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """What the command prints, run at the root of the repository."""
    done = subprocess.run(command, cwd=ROOT, env=os.environ | (environment or {}), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def uv() -> Path:
    """The tool that finds Pythons."""
    return Path(sys.executable).parent / "uv"


def find(python: str) -> str:
    """That Python on this machine, pyenv's included."""
    others = Path.home().glob(".pyenv/versions/*/bin")
    path = {"PATH": os.pathsep.join([*map(str, others), os.environ["PATH"]])}
    command = [uv(), "python", "find", "--no-python-downloads", "--no-project", "--system", python]
    found = subprocess.run(command, env=os.environ | path, capture_output=True, text=True, check=False)
    return found.stdout.strip() or pytest.skip(f"no Python {python} here")


@pytest.fixture(scope="session")
def here() -> str:
    """What this environment completes."""
    return run(sys.executable, "-m", "elman", *COMPLETE)


@pytest.fixture(scope="session")
def make_wheel(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """What `make wheel` makes with Python 3.11, and with the first later one that is found."""
    made: dict[str, Path] = {}
    for python in ("3.11", "3.12"):
        run("make", "wheel", f"PYTHON={find(python)}")
        (made[python],) = sorted((ROOT / "dist").glob(f"*-cp{python.replace('.', '')}-*.whl"))
    return made


def test_the_readmes_commands_install_it_from_a_clone(tmp_path: Path, here: str) -> None:
    assert SECTION
    (command,) = re.findall(r"^    (pip install .*)$", SECTION[1], re.MULTILINE)
    run(sys.executable, "-m", "venv", tmp_path)
    path = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    run("bash", "-c", command, environment=path)
    assert run(tmp_path / "bin" / "elman", *COMPLETE) == here


def test_the_readmes_uvx_runs_it_without_installing_it(here: str) -> None:
    assert SECTION
    (command,) = re.findall(r"`(uvx --from \S+ elman) [^`]*`", SECTION[1])
    path = {"PATH": f"{uv().parent}:{os.environ['PATH']}"}
    assert run("bash", "-c", f'{command} "$@"', "uvx", *COMPLETE, environment=path) == here


@pytest.mark.parametrize("python", PYTHONS)
def test_a_wheel_installs_on_each_python_and_gives_the_same_bytes(
    python: str, make_wheel: Mapping[str, Path], tmp_path: Path, here: str
) -> None:
    wheel = make_wheel["3.11" if python == "3.11" else "3.12"]
    run(uv(), "venv", "--python", find(python), tmp_path / "venv")
    run(uv(), "pip", "install", "--python", tmp_path / "venv", f"elman[serve,type] @ {wheel.as_uri()}")
    assert run(tmp_path / "venv" / "bin" / "elman", *COMPLETE) == here
    train = [tmp_path / "venv" / "bin" / "elman", "train", "a", "-o", "b"]
    refused = subprocess.run(train, capture_output=True, text=True, check=False)
    assert re.search(r"type: uv pip install --python \S+ 'torch>=[\d.]+'\n", refused.stderr)
