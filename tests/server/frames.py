"""Frames of HTTP/2 by hand (RFC 9113, 4.1), for what no client of gRPC does."""

from typing import IO, Final, NamedTuple

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
ACKNOWLEDGED, END_STREAM, END_HEADERS = 1, 1, 4
REFUSED_STREAM: Final = 7
HEAD_BYTES: Final = 9


class Frame(NamedTuple):
    """One frame."""

    kind: int
    flags: int = 0
    stream: int = 0
    payload: bytes = b""

    def encoded(self) -> bytes:
        """Its bytes."""
        return (
            len(self.payload).to_bytes(3, "big")
            + bytes([self.kind, self.flags])
            + self.stream.to_bytes(4, "big")
            + self.payload
        )


class Head(NamedTuple):
    """What stands before a payload."""

    size: int
    kind: int
    flags: int
    stream: int

    @classmethod
    def of(cls, data: bytes) -> "Head":
        """Of as many bytes as it has."""
        return cls(int.from_bytes(data[:3], "big"), data[3], data[4], int.from_bytes(data[5:], "big"))


def read_frame(said: IO[bytes]) -> Frame:
    """The next one."""
    head = Head.of(said.read(HEAD_BYTES))
    return Frame(head.kind, head.flags, head.stream, said.read(head.size))


def fields(path: bytes) -> bytes:
    """The fields that begin a call: POST over http (RFC 7541, appendix A: 3 and 6), and the rest as it is (6.2.2)."""
    texts = {b":path": path, b":authority": b"a", b"te": b"trailers", b"content-type": b"application/grpc"}
    literals = (b"\0" + b"".join(bytes([len(text)]) + text for text in pair) for pair in texts.items())
    return b"\x83\x86" + b"".join(literals)


def beginning(stream: int, method: str = "Complete") -> bytes:
    """What begins a call of ours."""
    return beginning_at(stream, b"/elman.v1.CompletionService/" + method.encode())


def beginning_at(stream: int, path: bytes) -> bytes:
    """What begins a call of whatever path."""
    return Frame(HEADERS, END_HEADERS, stream, fields(path)).encoded()


def call(stream: int, request: bytes) -> bytes:
    """A call with one request."""
    return beginning(stream) + message(stream, request)


def message(stream: int, request: bytes) -> bytes:
    """The one request of a call."""
    return Frame(DATA, END_STREAM, stream, b"\0" + len(request).to_bytes(4, "big") + request).encoded()


PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(SETTINGS).encoded()
"""With empty settings (3.4)."""
UNREAD_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(SETTINGS, payload=bytes([0, 4, 0, 0, 0, 0])).encoded()
"""With a window of no byte (6.5.2): nothing may be sent to who begins so."""
ACKNOWLEDGEMENT: Final = Frame(SETTINGS, ACKNOWLEDGED).encoded()
PING_FRAME: Final = Frame(PING, payload=bytes(8)).encoded()
