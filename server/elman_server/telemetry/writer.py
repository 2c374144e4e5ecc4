"""Lines on their way to a file that may be read slowly, or by nobody: a thread of their own waits for it, and nobody else does.

What does not fit into the buffer is dropped, counted, and told once there is room again. Knows nothing of what the lines say.
"""

import os
import threading
from collections.abc import Callable

MOST_BYTES = 1 << 20
"""What may wait for whoever reads."""


class Writer:
    """A file to write text to, whose `write` and `flush` never wait. Thread-safe."""

    def __init__(self, descriptor: int, tell_dropped: Callable[[int], str], most_bytes: int = MOST_BYTES) -> None:
        """`tell_dropped` words a line that says how many were dropped."""
        self._descriptor, self._tell_dropped, self._most_bytes = descriptor, tell_dropped, most_bytes
        self._lines: list[bytes] = []
        self._bytes = 0  # of the lines, and of what the thread is writing
        self._untold = 0  # lines that were dropped since the last one was written
        self.dropped = 0  # lines, ever
        self._is_closed = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Keep a line for `flush`, or drop it if too much is waiting."""
        line = text.encode("utf-8", "backslashreplace")
        with self._change:
            if self._bytes + len(line) > self._most_bytes:
                self._drop(1)
                return
            if self._untold:
                self._keep(self._tell_dropped(self._untold).encode())
                self._untold = 0
            self._keep(line)

    def _keep(self, line: bytes) -> None:
        self._lines.append(line)
        self._bytes += len(line)

    def _drop(self, lines: int) -> None:
        self.dropped += lines
        self._untold += lines

    def flush(self) -> None:
        """Have what was kept written soon."""
        with self._change:
            self._change.notify()

    def close(self, seconds: float) -> None:
        """Write what was kept, for at most that long."""
        with self._change:
            self._is_closed = True
            self._change.notify()
        self._thread.join(seconds)

    def _write_all(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._is_closed or self._lines)
                lines, self._lines = self._lines, []
                if not lines:
                    return
            data = b"".join(lines)
            is_written = self._write(data)
            with self._change:
                self._bytes -= len(data)
                if not is_written:
                    self._drop(len(lines))

    def _write(self, data: bytes) -> bool:
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:  # closed, or nobody reads any more
            return False
        return True
