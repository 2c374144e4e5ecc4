"""The wheel, not only the editable install: what it holds, and that grpcio and protobuf are enough for a client."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SITE = Path(sysconfig.get_path("purelib"))
THIN = ("grpc", "google", "typing_extensions.py")  # grpcio, protobuf, and what grpcio needs

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the package's own build makes."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        folder,
        ROOT,
    ]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("elman-*.whl")
    return built


@pytest.fixture(scope="module")
def thin_site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that holds the wheel, grpcio and protobuf, and nothing else."""
    site = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(site)
    for name in THIN:
        (site / name).symlink_to(SITE / name)
    return site


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server of the shipped model, from this environment."""
    command = [sys.executable, "-m", "elman", "serve", "--port=0", "--metrics-port=0", "--drain-notice-seconds=0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        yield f"127.0.0.1:{json.loads(line)['port']}"
        process.terminate()
        process.communicate(timeout=30)


def run_thin(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python ARGUMENTS` with the packages of the site alone."""
    environment = {"PYTHONPATH": str(site), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-S", "-P", *arguments]
    return subprocess.run(command, env=environment, cwd=site, capture_output=True, text=True, check=False, timeout=60)


def test_the_wheel_holds_the_three_packages_the_shipped_model_and_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"elman/__init__.py", "elman/v1/completion_service_pb2.py", "elman_server/engine/engine.py"} <= names
    assert "elman_models/shipped/shakespeare.safetensors" in names
    assert {"elman/py.typed", "elman_server/py.typed", "elman_models/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "deploy"))]


def test_the_shipyard_finds_its_recipes_when_installed_from_a_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = (
        "from elman_models.shipyard.make import RECIPES, TEXTS\n"
        "from elman_models.training.recipe import read_recipe\n"
        "for name in TEXTS: print(read_recipe(RECIPES / f'{name}.json').layers, RECIPES)"
    )
    environment = {"PYTHONPATH": f"{tmp_path}:{SITE}", "PATH": os.environ["PATH"]}
    command = [sys.executable, "-S", "-P", "-c", script]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert [line.split()[1] for line in found.stdout.splitlines()] == 3 * [str(tmp_path / "elman_models/shipyard/recipes")]


def test_grpcio_and_protobuf_are_enough_to_complete_against_a_server(thin_site: Path, server: str) -> None:
    seeded = ("--max-characters=20", "--seed=1", "ROMEO:")
    thin = run_thin(thin_site, "-m", "elman", "complete", f"--server={server}", *seeded)
    assert (thin.returncode, thin.stderr) == (0, "")
    here = subprocess.run([sys.executable, "-m", "elman", "complete", *seeded], capture_output=True, text=True, check=True)
    assert thin.stdout == here.stdout
    assert len(thin.stdout.rstrip("\n")) >= 19


def test_without_the_engine_the_command_line_says_what_to_install(thin_site: Path) -> None:
    refused = run_thin(thin_site, "-m", "elman", "complete", "ROMEO:")
    assert refused.returncode != 0
    assert 'pip install "elman[serve]"' in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_thin_site_has_no_torch(thin_site: Path) -> None:
    found = run_thin(thin_site, "-c", "import elman, sys; elman.Client; import torch")
    assert "No module named 'torch'" in found.stderr
