"""What deploy/README.md says of three servers behind Envoy on one machine: its commands are run, from the third on."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from tests.deploy.replicas import free_port, until

MOST_COMMANDS = 10
PORTS = ("50051", "50052", "50053", "8443", "9901", "9902")
SETTING_UP = 2
"""To clone and to install, which `make test-install` tries."""
HEADING = "## On one machine"
SERVERS = 3


@pytest.fixture
def commands(repository: Path) -> list[str]:
    section = (repository / "deploy/README.md").read_text().partition(HEADING)[2]
    (block,) = re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    return block.splitlines()


def test_there_are_at_most_ten(commands: list[str]) -> None:
    assert len(commands) <= MOST_COMMANDS
    assert commands[0].startswith("git clone")
    assert commands[1].startswith("python3 -m venv .venv && .venv/bin/pip install")


def test_they_lead_to_a_completion_through_envoy(
    commands: list[str], tool: Callable[[str], str], repository: Path, tmp_path: Path
) -> None:
    """With other ports, since these may be taken here."""
    ports = {port: str(free_port()) for port in PORTS}
    component = tmp_path / "deploy/components/envoy"
    component.mkdir(parents=True)
    for path in (repository / "deploy/components/envoy").iterdir():
        data = path.read_bytes()
        (component / path.name).write_bytes(moved(data.decode(), ports).encode() if path.suffix == ".yaml" else data)
    programs = [sys.executable, tool("envoy"), shutil.which("elman", path=Path(sys.executable).parent) or "elman"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ELMAN_")}
    path = os.pathsep.join([*(str(Path(program).parent) for program in programs), os.environ["PATH"]])
    environment = kept | {"PATH": path, "ELMAN_CONFIG": ""}
    *beginning, last = [moved(command, ports) for command in commands[SETTING_UP:]]
    script = ["bash", "-c", "\n".join(["set -e", *beginning, "wait"])]
    with subprocess.Popen(script, cwd=tmp_path, env=environment, start_new_session=True) as running:
        try:
            until(lambda: running.poll() is not None or healthy(ports["9901"]) == SERVERS)
            assert running.poll() is None
            folder = tmp_path / "build/replicas"
            completed = subprocess.run(
                ["bash", "-c", last], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
            )
            assert (completed.returncode, completed.stderr) == (0, "")
            assert completed.stdout.strip()
        finally:
            os.killpg(running.pid, signal.SIGTERM)


def moved(text: str, ports: dict[str, str]) -> str:
    """The same with other ports."""
    return re.sub("|".join(ports), lambda found: ports[found[0]], text)


def healthy(admin: str) -> int:
    """How many servers Envoy sends calls to."""
    try:
        with urlopen(f"http://127.0.0.1:{admin}/stats?filter=cluster.elman.membership_healthy", timeout=10) as answer:
            return int(answer.read().decode().rpartition(":")[2] or 0)
    except URLError:
        return 0
