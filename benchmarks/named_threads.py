"""Runs a module whose Python threads bear their names for the system too, so that /proc tells their processor time apart.

    python benchmarks/named_threads.py elman serve ...

Python does so by itself from 3.14 on. Linux only.
"""

import runpy
import sys
import threading
from pathlib import Path

start = threading.Thread.start


def start_named(self: threading.Thread) -> None:
    """Start a thread and tell the system its name, of which it keeps 15 bytes."""
    start(self)
    Path(f"/proc/self/task/{self.native_id}/comm").write_text(self.name)


if __name__ == "__main__":
    threading.Thread.start = start_named
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
