"""What is done for a short start, in a process of its own."""

import subprocess
import sys

CODE = """
import gc, attrs
from elman.lsp.start import import_protocol
define = attrs.define
import_protocol()
from lsprotocol import types
assert attrs.define is define
assert gc.isenabled() and gc.get_freeze_count() > 10_000
assert not {"__eq__", "__repr__", "__slots__"} & vars(types.TextDocumentIdentifier).keys()
gc.unfreeze()
"""


def test_what_a_server_does_not_use_is_not_built_and_what_is_built_is_not_collected() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
