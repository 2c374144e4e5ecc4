"""The Dockerfile lints clean and agrees with the build, the manifests and the ignore file. Nothing here builds the image."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Instructions = list[tuple[str, str]]


@pytest.fixture(scope="module")
def instructions(repository: Path) -> Instructions:
    """The instructions of the Dockerfile, in order: name and the rest of the line."""
    text = (repository / "deploy/Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, rest in lines]


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text())


def test_the_dockerfile_lints_clean(tool: Callable[[str], str], repository: Path) -> None:
    command = [tool("hadolint"), "--no-color", "deploy/Dockerfile"]
    lint = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert (lint.returncode, lint.stdout) == (0, "")


def test_the_build_context_holds_what_is_copied_and_nothing_else(instructions: Instructions, repository: Path) -> None:
    lines = (repository / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(_copied(instructions))


def test_everything_that_the_build_reads_is_copied(instructions: Instructions, project: dict[str, Any]) -> None:
    about = project["project"]
    packages = project["tool"]["scikit-build"]["wheel"]["packages"]
    read = {
        "pyproject.toml",
        "CMakeLists.txt",
        "constraints.txt",
        about["readme"],
        *about["license-files"],
        *(folder.split("/")[0] for folder in packages),
    }
    assert read <= set(_copied(instructions))


def test_the_image_holds_the_extra_that_serves(instructions: Instructions, project: dict[str, Any]) -> None:
    last_install = [rest for name, rest in instructions if name == "RUN"][-1]
    assert last_install.split()[-1] == '".[${EXTRAS}]"'
    assert ("ARG", "EXTRAS=serve") in instructions
    assert {"serve", "cuda"} <= set(project["project"]["optional-dependencies"])


def test_both_stages_run_the_same_pinned_python_and_system(instructions: Instructions) -> None:
    """What is compiled in the one runs in the other."""
    build, run = [rest.split()[0] for name, rest in instructions if name == "FROM"]
    assert ":" in run
    assert run.replace("-slim", "") == build


def test_the_last_stage_only_copies(instructions: Instructions) -> None:
    """Compilers, caches and sources stay behind: the last stage runs no command and takes one folder."""
    start = max(index for index, (name, _) in enumerate(instructions) if name == "FROM")
    last = instructions[start:]
    assert [name for name, _ in last if name in {"RUN", "ADD"}] == []
    assert [rest for name, rest in last if name == "COPY"] == ["--from=build /opt/elman /opt/elman"]


def test_the_image_runs_as_the_user_and_on_the_ports_of_the_manifests(instructions: Instructions, base: dict[str, Any]) -> None:
    pod = base["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    context = pod["securityContext"]
    last = dict(instructions)
    assert last["USER"] == f"{context['runAsUser']}:{context['runAsGroup']}"
    assert json.loads(last["ENTRYPOINT"]) == ["elman"]
    command = json.loads(last["CMD"])
    assert command == container["args"][: len(command)]
    assert [int(port) for port in last["EXPOSE"].split()] == [each["containerPort"] for each in container["ports"]]


def test_the_image_s_command_lets_nobody_in_unless_it_is_told_so(instructions: Instructions) -> None:
    """Without certificates and tokens it says what is missing; the variable that opens it is the one the README names."""
    command = [sys.executable, "-m", *json.loads(dict(instructions)["ENTRYPOINT"]), *json.loads(dict(instructions)["CMD"])]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 2
    assert "with TLS and either tokens or client_ca, or with --insecure" in refused.stderr


def _copied(instructions: Instructions) -> list[str]:
    copies = [rest.split() for name, rest in instructions if name == "COPY" and not rest.startswith("--from")]
    return [source for *sources, _ in copies for source in sources]
