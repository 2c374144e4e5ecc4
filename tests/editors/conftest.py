"""What several editors' tests share."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest
from tests.editors.nvim_typist import Typist

Serve: TypeAlias = Callable[..., tuple["subprocess.Popen[str]", str]]


@pytest.fixture(scope="module")
def typist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typist]:
    """Somebody who types in Neovim, for all tests of a file."""
    with Typist(tmp_path_factory.mktemp("nvim")) as typist:
        yield typist


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts `elman serve` with a model, at an address that it had before; its process, and its address."""
    with ExitStack() as stack:

        def serve(model: str, address: str = ":0") -> tuple["subprocess.Popen[str]", str]:
            wanted = address.rpartition(":")[2]
            command = [sys.executable, "-m", "elman", "serve", "--model", model, "--port", wanted, "--metrics-port", "0"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout is not None
            port = next(found[1] for line in process.stdout if (found := re.search(r'"port": ?(\d+)', line)))
            return process, f"127.0.0.1:{port}"

        yield serve
