"""An Envoy before servers of this machine, with the configuration of deploy/, but without TLS."""

import json
import shutil
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from process import end, free_port, wait_until_ready

COMPONENT: Final = Path(__file__).parent.parent / "deploy" / "components" / "envoy"
CONFIGURATION: Final = "envoy.yaml"


@contextmanager
def envoy_before(servers: Sequence[str], folder: Path) -> Generator[str | None]:
    """Its address, until the block is left; None where there is no Envoy."""
    program = shutil.which("envoy", path=Path(sys.executable).parent) or shutil.which("envoy")
    if program is None:
        yield None
        return
    shutil.copytree(COMPONENT, folder)
    port = free_port()
    (folder / CONFIGURATION).write_text(json.dumps(plain(servers, port)))
    command = [program, "-c", CONFIGURATION, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        wait_until_ready(f"127.0.0.1:{port}", process, folder / "log")
        yield f"127.0.0.1:{port}"
    finally:
        end(process)


def plain(servers: Sequence[str], port: int) -> dict[str, Any]:
    """The configuration for servers by address, with Envoy at a port."""
    configuration = yaml.safe_load((COMPONENT / CONFIGURATION).read_text())
    listeners, clusters = configuration["static_resources"]["listeners"], configuration["static_resources"]["clusters"]
    (callers,) = [one for one in listeners if one["name"] == "callers"]
    (elman,) = [one for one in clusters if one["name"] == "elman"]
    del callers["filter_chains"][0]["transport_socket"], elman["transport_socket"]
    callers["address"] = at(f"127.0.0.1:{port}")
    elman["load_assignment"]["endpoints"][0]["lb_endpoints"] = [{"endpoint": {"address": at(each)}} for each in servers]
    return configuration | {"admin": {}, "static_resources": {"listeners": [callers], "clusters": [elman]}}


def at(address: str) -> dict[str, Any]:
    """An address as Envoy has it."""
    host, _, port = address.partition(":")
    return {"socket_address": {"address": host, "port_value": int(port)}}
