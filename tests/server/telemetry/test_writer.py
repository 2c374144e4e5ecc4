"""Nobody waits for who reads the log; what was dropped is counted and told."""

import os
from collections.abc import Iterator

import pytest

from elman_server.telemetry.writer import Writer

END_SECONDS = 20.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that nobody reads: (to read from, to write to)."""
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        os.close(descriptor)


def dropped(lines: int) -> str:
    return f"{lines} dropped\n"


def read_until(descriptor: int, end: bytes) -> bytes:
    """All that comes, up to the end."""
    data = b""
    while not data.endswith(end):
        data += os.read(descriptor, 1 << 16)
    return data


def test_lines_arrive_whole_and_in_order(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = Writer(writing, dropped)
    for number in range(100):
        writer.write(f"{number}\n")
        writer.flush()
    writer.close(END_SECONDS)
    assert read_until(reading, b"99\n").decode() == "".join(f"{number}\n" for number in range(100))
    assert writer.dropped == 0


def test_what_nobody_reads_is_dropped_beyond_a_bound_and_told_once_there_is_room(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = Writer(writing, dropped, most_bytes=(1 << 17) + 512)  # more than the pipe's own 64 KiB
    line = "x" * 1023 + "\n"
    for _ in range(1000):  # returns although nobody reads
        writer.write(line)
        writer.flush()
    lost = writer.dropped
    assert 1000 - 64 - 128 - 1 <= lost <= 1000 - 128 + 1
    kept = read_until(reading, line.encode() * (1000 - lost))
    assert kept == line.encode() * (1000 - lost)
    writer.write("last\n")
    writer.close(END_SECONDS)
    assert read_until(reading, b"last\n").decode() == f"{lost} dropped\nlast\n"


def test_where_nobody_can_read_any_more_lines_are_dropped(pipe: tuple[int, int]) -> None:
    reading, _ = pipe
    writer = Writer(reading, dropped)  # not open for writing
    writer.write("lost\n")
    writer.close(END_SECONDS)
    assert writer.dropped == 1
