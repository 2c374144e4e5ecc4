"""A folder of a person's own, and real shells on real screens in it."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from person import MODEL, Person

from elman.sync.client import Client
from elman.sync.embedded import open_client


@pytest.fixture
def person() -> Iterator[Person]:
    """Somebody with a folder; all that they have started is looked for at the end. The path is short: a socket's has an end."""
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    folder = Path(tempfile.mkdtemp(prefix="elman-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        person = Person(folder, stack)
        yield person


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """The engine in this process, to compare with."""
    with open_client(MODEL, device="cpu") as client:
        yield client
