"""Renders the manifests once for all tests. Knows nothing of what they should say."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """Finds a program of the development environment, or one on the path."""
    return _find_tool


@pytest.fixture(scope="session")
def render(tool: Callable[[str], str]) -> Callable[[Path], dict[str, Any]]:
    """Gives the server's objects of a kustomization by kind: each kind occurs once."""
    return lambda folder: _by_kind(each for each in _render(tool("kubectl"), folder) if not _is_envoy_s(each))


@pytest.fixture(scope="session")
def envoy_s(tool: Callable[[str], str], repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The objects that the component `envoy` brings, by kind."""
    folder = tmp_path_factory.mktemp("overlay")
    (folder / "deploy").symlink_to(repository / "deploy", target_is_directory=True)
    (folder / "own").mkdir()
    kustomization = {"resources": ["../deploy/base"], "components": ["../deploy/components/envoy"]}
    (folder / "own/kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return _by_kind(each for each in _render(tool("kubectl"), folder / "own") if _is_envoy_s(each))


@pytest.fixture(scope="session")
def base(render: Callable[[Path], dict[str, Any]], repository: Path) -> dict[str, Any]:
    return render(repository / "deploy/base")


@pytest.fixture(scope="session")
def gpu(render: Callable[[Path], dict[str, Any]], repository: Path) -> dict[str, Any]:
    return render(repository / "deploy/overlays/gpu")


@pytest.fixture(params=["base", "gpu"])
def objects(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each of the kustomizations in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def pod(objects: dict[str, Any]) -> dict[str, Any]:
    return objects["Deployment"]["spec"]["template"]


@pytest.fixture
def container(pod: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod["spec"]["containers"]
    return container


def _find_tool(name: str) -> str:
    beside_python = Path(sys.executable).parent
    found = shutil.which(name, path=beside_python) or shutil.which(name)
    return found or pytest.skip(f"{name} is not installed: `pip install --group dev` brings it")


def _render(kubectl: str, folder: Path) -> list[dict[str, Any]]:
    rendered = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert (rendered.returncode, rendered.stderr) == (0, ""), rendered.stderr
    return list(yaml.safe_load_all(rendered.stdout))


def _is_envoy_s(one: dict[str, Any]) -> bool:
    return one["metadata"]["name"].startswith("elman-envoy")


def _by_kind(objects: Iterable[dict[str, Any]]) -> dict[str, Any]:
    several = list(objects)
    by_kind = {each["kind"]: each for each in several}
    assert len(by_kind) == len(several)
    return by_kind
