"""The wheel, not only the editable install: what it holds, that grpcio and protobuf are enough for a client, and that it is
made and works without a compiler.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import pytest

from elman.languages import PROSE
from elman_models.execution.choice import NOT_BUILT
from elman_models.shipyard.make import TEXTS

ROOT = Path(__file__).parent.parent
SITE = Path(sysconfig.get_path("purelib"))
THIN = ("grpc", "google", "typing_extensions.py")  # grpcio, protobuf, and what grpcio needs
ENGINE = ("grpc_health", "grpc_reflection", "grpc_status", "numpy", "numpy.libs", "orjson", "prometheus_client", "safetensors")
TAG = "cp312-abi3" if sys.version_info >= (3, 12) else "cp311-cp311"
SHIPPED = (PROSE, "python", "javascript", "go", "rust", "c", "shell", "shakespeare")
SEEDED = ("--max-characters=20", "--seed=1", "ROMEO:")

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the package's own build makes."""
    return build(tmp_path_factory.mktemp("wheel"), ROOT / "build" / "{wheel_tag}")


@pytest.fixture(scope="module")
def unbuilt_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that it makes where there is no compiler."""
    folder = tmp_path_factory.mktemp("unbuilt")
    return build(folder, folder / "build", WITHOUT_COMPILER)


WITHOUT_COMPILER = {"CC": "no-compiler", "CXX": "no-compiler"}


def build(folder: Path, work: Path, environment: Mapping[str, str] | None = None) -> Path:
    """The wheel, in the folder."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    command = [*pip, f"--config-settings=build-dir={work}", "--wheel-dir", folder, ROOT]
    subprocess.run(command, env=os.environ | (environment or {}), check=True, capture_output=True)
    (built,) = folder.glob("elman-*.whl")
    return built


def extension_in(wheel: Path) -> list[str]:
    """The native extension, if it is there."""
    return [name for name in zipfile.ZipFile(wheel).namelist() if re.search(r"_native\..*(so|pyd)$", name)]


@pytest.fixture(scope="module")
def thin_site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that holds the wheel, grpcio and protobuf, and nothing else."""
    return site_of(wheel, tmp_path_factory.mktemp("site"), THIN)


def site_of(wheel: Path, site: Path, packages: Iterable[str]) -> Path:
    """A folder that holds the wheel's packages and these."""
    zipfile.ZipFile(wheel).extractall(site)
    for name in packages:
        if (SITE / name).exists():  # numpy.libs is not everywhere
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


def run_here(*arguments: str) -> str:
    """What `elman ARGUMENTS` prints in this environment."""
    command = [sys.executable, "-m", "elman", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_wheel_holds_the_three_packages_the_shipped_models_and_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert len(extension_in(wheel)) == 1
    assert {"elman/__init__.py", "elman/v1/completion_service_pb2.py", "elman_server/engine/engine.py"} <= names
    assert {f"elman_models/shipped/{name}.safetensors" for name in SHIPPED} <= names
    assert {f"elman/shell/ghost.{shell}" for shell in ("zsh", "bash", "fish")} <= names
    assert {"elman/py.typed", "elman_server/py.typed", "elman_models/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "deploy"))]


def test_the_wheel_is_for_every_later_python_from_3_12_on(wheel: Path) -> None:
    assert wheel.name.startswith(f"elman-{version('elman')}-{TAG}-")
    assert ("abi3" in extension_in(wheel)[0]) == (TAG == "cp312-abi3")


def test_without_a_compiler_the_same_is_completed_with_numpy_alone_which_is_said_once(
    unbuilt_wheel: Path, tmp_path: Path
) -> None:
    assert not extension_in(unbuilt_wheel)
    site = site_of(unbuilt_wheel, tmp_path, (*THIN, *ENGINE))
    for command in (("complete", *SEEDED), ("score", "To be, or not to be"), ("inspect", "recall", "to be or not to be")):
        done = run_thin(site, "-m", "elman", *command)
        assert (done.returncode, done.stderr.count(NOT_BUILT), done.stderr.count("\n")) == (0, 1, 1)
        assert done.stdout == run_here(*command)


def test_a_compiler_that_comes_later_is_looked_for_again(unbuilt_wheel: Path) -> None:
    cache = (unbuilt_wheel.parent / "build" / "CMakeCache.txt").read_text()
    assert "elman_BINARY_DIR" in cache
    assert "CMAKE_CXX_COMPILER:" not in cache


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
    assert [line.split()[1] for line in found.stdout.splitlines()] == len(TEXTS) * [
        str(tmp_path / "elman_models/shipyard/recipes")
    ]


def test_grpcio_and_protobuf_are_enough_to_complete_against_a_server(thin_site: Path, server: str) -> None:
    thin = run_thin(thin_site, "-m", "elman", "complete", f"--server={server}", *SEEDED)
    assert (thin.returncode, thin.stderr) == (0, "")
    assert thin.stdout == run_here("complete", *SEEDED)
    assert len(thin.stdout.rstrip("\n")) >= 19


def test_without_the_engine_the_command_line_says_what_to_install(thin_site: Path) -> None:
    refused = run_thin(thin_site, "-m", "elman", "complete", "ROMEO:")
    assert refused.returncode != 0
    assert re.search(r"pip install .*'numpy>=2.0'", refused.stderr)
    assert "Traceback" not in refused.stderr


def test_the_thin_site_has_no_torch(thin_site: Path) -> None:
    found = run_thin(thin_site, "-c", "import elman, sys; elman.Client; import torch")
    assert "No module named 'torch'" in found.stderr
