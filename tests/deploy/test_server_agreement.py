"""The manifests agree with the server that they start: its flags, its ports, its health, and the time it takes to go."""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from elman_models.law.artifact import Model, save
from elman_server.config import SETTINGS, ServerConfig, add_arguments, from_arguments
from elman_server.telemetry.scraping import HEALTH

if TYPE_CHECKING:
    from tests.conftest import Authority

MARGIN_SECONDS = 5
"""For closing the port and the process, beside the waits that the server is told."""


class Process(NamedTuple):
    """A server started with the arguments of the manifest, a small model and free ports."""

    popen: subprocess.Popen[bytes]
    port: int
    metrics_port: int


@pytest.fixture
def config(container: dict[str, Any]) -> ServerConfig:
    """What the server makes of the container's arguments."""
    command, *arguments = container["args"]
    assert command == "serve"
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return from_arguments(parser.parse_args(arguments), {})


@pytest.fixture
def served(base: dict[str, Any], model: Model, tmp_path: Path, authority: Authority) -> Iterator[Process]:
    save(model, tmp_path / "small.safetensors")
    port, metrics_port = _free_ports()
    pod = base["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounted = _mounted(pod, tmp_path, authority)
    arguments = [
        *(re.sub("=(/[a-z]+)/", lambda found: f"={mounted[found[1]]}/", each) for each in container["args"]),
        f"--model=small={tmp_path}/small.safetensors",
        f"--port={port}",
        f"--metrics-port={metrics_port}",
    ]
    with subprocess.Popen([sys.executable, "-m", "elman", *arguments]) as process:
        yield Process(process, port, metrics_port)
        process.kill()


def test_the_server_takes_every_flag_and_listens_beyond_its_own_host(config: ServerConfig) -> None:
    assert config.host == "0.0.0.0"


def test_the_ports_are_the_server_s(
    config: ServerConfig, container: dict[str, Any], pod: dict[str, Any], objects: dict[str, Any]
) -> None:
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    (service_port,) = objects["Service"]["spec"]["ports"]
    annotations = pod["metadata"]["annotations"]
    assert ports == {"grpc": config.port, "metrics": config.metrics_port}
    assert service_port == {"name": "grpc", "port": config.port, "targetPort": "grpc"}
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/port"] == str(config.metrics_port)


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_every_probe_asks_the_health_of_the_whole_server(config: ServerConfig, container: dict[str, Any], probe: str) -> None:
    """Over HTTP: Kubernetes' gRPC probes speak no TLS."""
    assert config.metrics
    assert config.metrics_host == "0.0.0.0"
    assert container[probe]["httpGet"] == {"path": HEALTH, "port": "metrics"}


def test_the_server_speaks_tls_and_asks_for_tokens(config: ServerConfig, container: dict[str, Any]) -> None:
    mounts = {each["mountPath"]: each["readOnly"] for each in container["volumeMounts"]}
    assert not config.insecure
    for path in config.tls_certificate, config.tls_key, config.tokens:
        assert path is not None
        assert mounts[str(Path(path).parent)] is True


def test_a_draining_pod_is_not_killed_early(config: ServerConfig, pod: dict[str, Any], container: dict[str, Any]) -> None:
    """From SIGTERM on, every probe may fail: NOT_SERVING while the port still listens, then no port."""
    leaving_seconds = config.drain_notice_seconds + config.grace_seconds + MARGIN_SECONDS
    liveness = container["livenessProbe"]
    assert pod["spec"]["terminationGracePeriodSeconds"] >= leaving_seconds
    assert (liveness["failureThreshold"] - 1) * liveness["periodSeconds"] >= leaving_seconds


def test_kubernetes_sets_no_variable_that_the_server_reads(pod: dict[str, Any]) -> None:
    """A Service named elman would set ELMAN_PORT to an address."""
    assert "ELMAN_PORT" in {each.variable for each in SETTINGS}
    assert pod["spec"]["enableServiceLinks"] is False


def test_a_server_started_so_passes_its_probes_and_leaves_in_good_order(
    served: Process, base: dict[str, Any], authority: Authority
) -> None:
    pod = base["Deployment"]["spec"]["template"]
    path = pod["metadata"]["annotations"]["prometheus.io/path"]
    serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    trusted = grpc.ssl_channel_credentials(authority.certificate.read_bytes())
    probe = f"http://localhost:{served.metrics_port}{HEALTH}"
    with grpc.secure_channel(f"localhost:{served.port}", trusted) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch: Any = health.Watch(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=60)
        assert next(watch).status == serving
        with urlopen(probe) as probed:
            assert probed.status == 200
        with urlopen(f"http://localhost:{served.metrics_port}{path}") as scraped:
            assert b"\nelman_rows" in scraped.read()
        served.popen.send_signal(signal.SIGTERM)
        assert next(watch).status == not_serving
        with pytest.raises(HTTPError, match="503"):
            urlopen(probe)
        watch.cancel()
    assert served.popen.wait(timeout=pod["spec"]["terminationGracePeriodSeconds"]) == 0


def _mounted(pod: dict[str, Any], folder: Path, authority: Authority) -> dict[str, Path]:
    """What the Secrets hold, in a folder for each path that they are mounted at."""
    secrets = {each["name"]: each["secret"]["secretName"] for each in pod["volumes"]}
    files = {"elman-tls": dict(zip(("tls.crt", "tls.key"), authority.issue("localhost"), strict=True)), "elman-tokens": {}}
    mounted: dict[str, Path] = {}
    for each in pod["containers"][0]["volumeMounts"]:
        mounted[each["mountPath"]] = folder / each["name"]
        mounted[each["mountPath"]].mkdir()
        for name, path in files[secrets[each["name"]]].items():
            shutil.copy(path, mounted[each["mountPath"]] / name)
    (mounted["/tokens"] / "tokens").write_text("")
    return mounted


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("", 0))
        other.bind(("", 0))
        return one.getsockname()[1], other.getsockname()[1]
