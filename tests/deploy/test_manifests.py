"""The manifests render, fit Kubernetes' own schema, and name each other rightly. Nothing here asks a cluster."""

import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import kubernetes_validate
import pytest

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

OLDEST_AND_NEWEST_KUBERNETES = ["1.27", "1.37"]  # 1.27 is the first whose gRPC probes are stable
IMAGE = "/spec/template/spec/containers/0/image"
ARGUMENTS = "/spec/template/spec/containers/0/args"
LIMITS = "/spec/template/spec/containers/0/resources/limits"


@pytest.mark.parametrize("version", OLDEST_AND_NEWEST_KUBERNETES)
def test_every_rendered_object_fits_the_schema(objects: dict[str, Any], version: str) -> None:
    for each in objects.values():
        kubernetes_validate.validate(each, version, strict=True)


def test_the_schema_refuses_a_field_that_kubernetes_lacks(base: dict[str, Any]) -> None:
    service = base["Service"]
    misspelt = service | {"spec": service["spec"] | {"clusterIp": "None"}}
    with pytest.raises(kubernetes_validate.ValidationError, match="clusterIp"):
        kubernetes_validate.validate(misspelt, OLDEST_AND_NEWEST_KUBERNETES[-1], strict=True)


def test_everything_that_selects_pods_selects_these(objects: dict[str, Any], pod: dict[str, Any]) -> None:
    labels = pod["metadata"]["labels"]
    assert labels
    assert objects["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["selector"] == labels
    assert objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    for constraint in pod["spec"]["topologySpreadConstraints"]:
        assert constraint["labelSelector"]["matchLabels"] == labels


def test_the_service_gives_the_address_of_each_pod(objects: dict[str, Any]) -> None:
    assert objects["Service"]["spec"]["clusterIP"] == "None"


def test_a_roll_out_never_lacks_a_replica(objects: dict[str, Any]) -> None:
    specification = objects["Deployment"]["spec"]
    assert specification["replicas"] >= 2
    assert specification["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_image_is_tagged_with_the_version_of_the_project(base: dict[str, Any], repository: Path) -> None:
    version = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["version"]
    assert dict(_leaves(base["Deployment"]))[IMAGE] == f"elman:{version}"


def test_the_gpu_overlay_changes_only_what_it_names(base: dict[str, Any], gpu: dict[str, Any]) -> None:
    plain, changed = (dict(_leaves(each["Deployment"])) for each in (base, gpu))
    assert {key: value for key, value in gpu.items() if key != "Deployment"} == {
        key: value for key, value in base.items() if key != "Deployment"
    }
    assert dict(changed.items() - plain.items()) == {
        IMAGE: f"{plain[IMAGE]}-cuda",
        f"{ARGUMENTS}/{len(base['Deployment']['spec']['template']['spec']['containers'][0]['args'])}": "--device=cuda",
        f"{LIMITS}/memory": "4Gi",
        f"{LIMITS}/nvidia.com/gpu": 1,
    }
    assert plain.keys() <= changed.keys()


def test_the_overlay_shown_in_the_readme_serves_models_of_ones_own(
    render: Callable[[Path], dict[str, Any]], repository: Path, tmp_path: Path
) -> None:
    shown = re.search(r"```yaml\n(.*?)```", (repository / "deploy/README.md").read_text(), re.DOTALL)
    assert shown
    overlay = _copy_beside(repository / "deploy", tmp_path, shown[1])
    pod = render(overlay)["Deployment"]["spec"]["template"]["spec"]
    mounts = {each["name"]: each for each in pod["containers"][0]["volumeMounts"]}
    assert mounts.keys() == {each["name"] for each in pod["volumes"]} == {"models", "tls", "tokens"}
    mount = mounts["models"]
    model = pod["containers"][0]["args"][-1]
    assert re.fullmatch(rf"--model=\w+={mount['mountPath']}/\w+\.safetensors", model)


def test_a_network_that_guards_itself_needs_neither_certificates_nor_tokens(
    render: Callable[[Path], dict[str, Any]], repository: Path, tmp_path: Path
) -> None:
    kustomization = "resources: [../elman/deploy/base]\ncomponents: [../elman/deploy/components/insecure]\n"
    overlay = _copy_beside(repository / "deploy", tmp_path, kustomization)
    pod = render(overlay)["Deployment"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"] == ["serve", "--host=0.0.0.0", "--insecure", "--metrics-host=0.0.0.0"]
    assert pod["containers"][0]["volumeMounts"] == pod["volumes"] == []


def test_the_manifests_are_tidy_yaml(tool: Callable[[str], str], repository: Path) -> None:
    command = [tool("yamllint"), "--strict", "deploy"]
    lint = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert lint.returncode == 0, lint.stdout


def _copy_beside(deploy: Path, folder: Path, kustomization: str) -> Path:
    """Writes an overlay where a user would put it; kustomize follows relative paths only."""
    (folder / "elman").symlink_to(deploy.parent, target_is_directory=True)
    overlay = folder / "overlay"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(kustomization)
    return overlay


def _leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    match value:
        case dict():
            for key, part in value.items():
                yield from _leaves(part, f"{path}/{key}")
        case list():
            for index, part in enumerate(value):
                yield from _leaves(part, f"{path}/{index}")
        case _:
            yield path, value
