"""What every overlay, and every component on the base, must hold beyond Kubernetes' schema. Nothing here asks a cluster."""

import argparse
import re
import subprocess
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema
import kubernetes_validate
import pytest
import yaml

from elman_server.config import add_arguments, from_arguments

Objects: TypeAlias = dict[str, dict[str, Any]]

DEPLOY = Path(__file__).parents[2] / "deploy"
WHOLE = ("base", *sorted(f"overlays/{folder.name}" for folder in (DEPLOY / "overlays").iterdir()))
COMPONENTS = sorted(f"components/{folder.name}" for folder in (DEPLOY / "components").iterdir())
FOREIGN: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "operator_schemas.yaml").read_text())
"""Kinds of Prometheus's operator, of which kubernetes-validate has no schema."""
UNITS = {"": 1, "m": 1e-3, "k": 1e3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def quantity(words: object) -> float:
    """What Kubernetes means by `500m` or `512Mi`."""
    found = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(words))
    assert found, words
    return float(found[1]) * UNITS[found[2]]


@pytest.fixture(scope="module", params=[*WHOLE, *COMPONENTS])
def overlay(
    request: pytest.FixtureRequest, render: Callable[[Path], Objects], tmp_path_factory: pytest.TempPathFactory
) -> Objects:
    """The objects of an overlay, or of a component alone on the base, by kind."""
    name: str = request.param
    if name in WHOLE:
        return render(DEPLOY / name)
    folder = tmp_path_factory.mktemp("overlay")
    (folder / "deploy").symlink_to(DEPLOY, target_is_directory=True)
    (folder / "own").mkdir()
    kustomization = {"resources": ["../deploy/base"], "components": [f"../deploy/{name}"]}
    (folder / "own/kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return render(folder / "own")


@pytest.fixture
def workload(overlay: Objects) -> dict[str, Any]:
    """The pods of it."""
    return overlay["Deployment"]["spec"]["template"]


@pytest.fixture
def main(workload: dict[str, Any]) -> dict[str, Any]:
    (container,) = workload["spec"]["containers"]
    return container


def selectors(overlay: Objects) -> Iterator[tuple[str, dict[str, str]]]:
    """Whatever selects pods."""
    yield "Deployment", overlay["Deployment"]["spec"]["selector"]["matchLabels"]
    yield "Service", overlay["Service"]["spec"]["selector"]
    yield "PodDisruptionBudget", overlay["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]
    yield "NetworkPolicy", overlay["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]


@pytest.mark.parametrize("version", ["1.27", "1.37"])
def test_every_object_fits_the_schema(overlay: Objects, version: str) -> None:
    for kind, each in overlay.items():
        if kind in FOREIGN:
            jsonschema.validate(each, FOREIGN[kind])
        else:
            kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PrometheusRule"])
def test_the_operator_s_schemas_refuse_a_field_or_a_time_that_is_none(render: Callable[[Path], Objects], kind: str) -> None:
    each = render(DEPLOY / "overlays/cpu")[kind]
    jsonschema.validate(each, FOREIGN[kind])
    part = each["spec"]["endpoints"][0] if kind == "ServiceMonitor" else each["spec"]["groups"][1]["rules"][2]
    for wrong in ({"scrapeTimeOut": "10s"}, {"interval": "30"}, {"for": "5 minutes"}, {"expr": None}):
        right = dict(part)
        part.update(wrong)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(each, FOREIGN[kind])
        part.clear()
        part.update(right)


def test_whatever_selects_pods_selects_these_and_no_foreign_ones(overlay: Objects, workload: dict[str, Any]) -> None:
    labels = workload["metadata"]["labels"]
    for kind, selector in selectors(overlay):
        assert selector, kind
        assert selector.items() <= labels.items(), kind


def test_every_named_port_is_one_of_the_container_s(overlay: Objects, main: dict[str, Any]) -> None:
    ports = {each["name"] for each in main["ports"]}
    named = [each["targetPort"] for each in overlay["Service"]["spec"]["ports"]]
    named += [port["port"] for rule in overlay["NetworkPolicy"]["spec"]["ingress"] for port in rule["ports"]]
    named += [main[probe].get("httpGet", {}).get("port", "grpc") for probe in main if probe.endswith("Probe")]
    assert set(named) <= ports


def test_nothing_is_requested_beyond_its_limit_and_memory_has_one(main: dict[str, Any]) -> None:
    resources = main["resources"]
    assert {"cpu", "memory"} <= resources["requests"].keys()
    assert "memory" in resources["limits"]
    for name, asked in resources["requests"].items():
        assert quantity(asked) <= quantity(resources["limits"].get(name, asked)), name


def test_the_processor_has_no_limit(main: dict[str, Any]) -> None:
    """A limit stops the loop in the middle of a tick, for up to a tenth of a second, though the machine may be idle."""
    assert "cpu" not in main["resources"]["limits"]


def test_what_calls_may_hold_leaves_room_for_the_rest(main: dict[str, Any]) -> None:
    """Half of the limit is for calls; with 256 MiB of that, 400 MB was the most that any input took."""
    assert quantity(main["resources"]["limits"]["memory"]) >= 512 * 2**20


def test_an_autoscaler_scales_this_deployment_between_two_bounds_by_what_is_requested(
    overlay: Objects, main: dict[str, Any]
) -> None:
    autoscaler = overlay.get("HorizontalPodAutoscaler")
    if autoscaler is None:
        assert overlay["Deployment"]["spec"]["replicas"] >= 1
        return
    specification = autoscaler["spec"]
    deployment = overlay["Deployment"]
    target = specification["scaleTargetRef"]
    assert (target["apiVersion"], target["kind"], target["name"]) == (
        deployment["apiVersion"],
        "Deployment",
        deployment["metadata"]["name"],
    )
    assert 2 <= specification["minReplicas"] < specification["maxReplicas"]
    assert "replicas" not in deployment["spec"]  # it would be set back with each apply
    for metric in specification["metrics"]:
        assert metric["resource"]["name"] in main["resources"]["requests"]
        assert 0 < metric["resource"]["target"]["averageUtilization"] < 100


def test_what_scrapes_finds_the_service_and_its_port(overlay: Objects) -> None:
    monitor = overlay.get("ServiceMonitor")
    if monitor is None:
        return
    service = overlay["Service"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint.get("path", "/metrics") == "/metrics"


def test_the_server_may_be_called_and_scraped_and_calls_nobody(overlay: Objects) -> None:
    policy = overlay["NetworkPolicy"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert not policy.get("egress")
    open_to_all = [port["port"] for rule in policy["ingress"] if "from" not in rule for port in rule["ports"]]
    assert open_to_all == ["grpc"]


def test_every_mount_has_a_volume_and_every_volume_is_mounted(workload: dict[str, Any], main: dict[str, Any]) -> None:
    volumes = {volume["name"] for volume in workload["spec"].get("volumes", [])}
    assert {mount["name"] for mount in main.get("volumeMounts", [])} == volumes


def test_every_flag_is_the_server_s(main: dict[str, Any]) -> None:
    command, *arguments = main["args"]
    assert command == "serve"
    if "--insecure" in arguments:
        pytest.importorskip("elman_server.security", reason="the server does not know --insecure yet")
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_arguments(parser)
    from_arguments(parser.parse_args(arguments), {})


def test_no_object_names_a_namespace_or_a_moving_tag(overlay: Objects, main: dict[str, Any]) -> None:
    for each in overlay.values():
        assert "namespace" not in each["metadata"]
    assert re.fullmatch(r"elman:[0-9]+\.[0-9]+\.[0-9]+(-cuda)?", main["image"])


def test_the_dashboard_is_the_file_that_is_tried(overlay: Objects) -> None:
    if "ConfigMap" not in overlay:
        return
    dashboard = (DEPLOY / "components/metrics/dashboard.json").read_text()
    assert overlay["ConfigMap"]["data"] == {"elman.json": dashboard}


def test_every_kustomization_is_tried() -> None:
    found = {path.parent.relative_to(DEPLOY).as_posix() for path in DEPLOY.rglob("kustomization.yaml")}
    assert found == {*WHOLE, *COMPONENTS}


def test_every_file_of_a_kustomization_is_used(tool: Callable[[str], str]) -> None:
    for path in DEPLOY.rglob("kustomization.yaml"):
        text = path.read_text()
        beside = [each.name for each in path.parent.iterdir() if each.is_file() and each != path]
        assert [name for name in beside if name not in text and not fnmatch(name, "*.md")] == [], path


def test_kubectl_is_the_one_that_renders(tool: Callable[[str], str]) -> None:
    version = subprocess.run([tool("kubectl"), "version", "--client"], capture_output=True, text=True, check=True).stdout
    assert "Kustomize Version: v5" in version
