"""The README says what is true now."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from elman.cli.main import main
from elman_server.config import table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_table_of_flags_is_the_configurations() -> None:
    assert table() in README


def test_it_begins_with_the_commands_that_a_newcomer_types() -> None:
    assert {"demo", "test"} <= set(re.findall(r"^    make ([a-z-]+)", README, re.MULTILINE))


def test_every_python_example_runs() -> None:
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert examples
    with served() as address:
        for example in examples:
            script = re.sub(r"[0-9.]+:5005[0-9]", address, example)
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout.strip()


@contextmanager
def served() -> Generator[str]:
    """The address of a server on the shipped models, in a process of its own."""
    arguments = [sys.executable, "-m", "elman", "serve", "--port", "0", "--metrics-port", "0", "--drain-notice-seconds", "0"]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield f"127.0.0.1:{json.loads(process.stderr.readline())['port']}"
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_the_command_line_knows_every_command_that_it_shows() -> None:
    commands = set(re.findall(r"^\$ (?:\.venv/bin/)?elman ([a-z]+)", README, re.MULTILINE))
    assert commands
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0


def test_its_transcript_is_what_the_commands_print() -> None:
    transcript = re.findall(r"```console\n(.*?)```", README, re.DOTALL)[0]
    commands = re.findall(r"^\$ (.*)$", transcript, re.MULTILINE)
    assert commands
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ELMAN_")}
    environment = kept | {"PATH": path, "ELMAN_CONFIG": ""}
    printed = ""
    for command in commands:
        done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=60, check=True)
        printed += f"$ {command}\n{done.stdout.rstrip()}\n"
    assert printed == transcript
