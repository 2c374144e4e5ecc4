"""Calls that are begun and reset at once, on one connection, as fast as a server takes them: frames of HTTP/2, by hand.

    python benchmarks/resets.py PORT SECONDS        prints how many there were

gRPC's own clients cannot do it: of the calls that they cancel at once, few ever reach the server. Loopback only.
"""

import socket
import sys
import time
from contextlib import suppress
from typing import Final

METHOD: Final = b"/elman.v1.CompletionService/Complete"
HEADERS, RST_STREAM, SETTINGS = 1, 3, 4  # RFC 9113, 6
ACKNOWLEDGED, END_HEADERS = 1, 4
CANCEL: Final = (8).to_bytes(4, "big")
BATCH: Final = 16
PAUSE_SECONDS: Final = 0.001
"""Between batches, or whoever sends would need a core of its own."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """RFC 9113, 4.1."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def literal(*texts: bytes) -> bytes:
    """Fields of a header, each as it is (RFC 7541, 6.2.2): name, value, name, value."""
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return b"".join(b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in pairs)


BEGINNING: Final = b"\x83\x86" + literal(
    b":path", METHOD, b":authority", b"localhost", b"te", b"trailers", b"content-type", b"application/grpc"
)
"""POST over http (RFC 7541, appendix A: 3 and 6), and the rest."""


def flood(port: int, seconds: float) -> int:
    """Begin and reset calls for so long; how many. Raises ConnectionError if the server does not put up with it."""
    begun = 0
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + frame(SETTINGS, ACKNOWLEDGED, 0))
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            streams = range(2 * begun + 1, 2 * (begun + BATCH) + 1, 2)
            calls = (frame(HEADERS, END_HEADERS, one, BEGINNING) + frame(RST_STREAM, 0, one, CANCEL) for one in streams)
            peer.sendall(b"".join(calls))
            begun += BATCH
            with suppress(BlockingIOError):
                if not peer.recv(1 << 16, socket.MSG_DONTWAIT):
                    raise ConnectionError(f"closed after {begun} calls")
            time.sleep(PAUSE_SECONDS)
    return begun


if __name__ == "__main__":
    print(flood(int(sys.argv[1]), float(sys.argv[2])))
