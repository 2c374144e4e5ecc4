"""What gRPC's transport is told: how much of anything one peer, or all together, may have. Knows no method.

A connection holds about 20 kB, and one of the files that the process may have open; neither is part of the budget of bytes.
Beyond the most, a connection is closed as soon as it is accepted, and gRPC's clients try again later.
"""

import resource
import sys
from typing import Final, TypeAlias

from elman_models.errors import InvalidField

MEMORY_SHARE: Final = 1 << 18
"""By default there may be a connection for each of so many bytes that calls may hold,"""
LEAST_CONNECTIONS: Final = 64
"""and no fewer than these."""
HANDSHAKE_SECONDS: Final = 10.0
"""Who has not spoken HTTP/2 by then loses its place; gRPC would wait for two minutes."""
IDLE_SECONDS: Final = 300.0
"""A connection without a call goes after that time, so that others have its place; gRPC's clients come again when they call."""
PING_SECONDS: Final = 5.0
"""Who pings more often than that is cut off; clients ask every 10 s and more whether the machine is there."""

Option: TypeAlias = tuple[str, int]


def options(connections: int, *, shares_port: bool = False) -> list[Option]:
    """The arguments of a server that may have so many connections, and shares its port with others or does not."""
    return [
        ("grpc.so_reuseport", int(shares_port)),  # otherwise a second server would silently share the port
        ("grpc.max_receive_message_length", 4 << 20),  # a prefix, what was received already, and a state
        ("grpc.max_allowed_incoming_connections", connections),
        ("grpc.server_handshake_timeout_ms", round(1000 * HANDSHAKE_SECONDS)),
        ("grpc.max_connection_idle_ms", round(1000 * IDLE_SECONDS)),
        ("grpc.max_connection_age_ms", 600_000),  # so that servers that are added get their share; running calls go on
        ("grpc.max_concurrent_streams", 100),  # of a connection: who opens and resets more disturbs nobody
        ("grpc.http2.min_ping_interval_without_data_ms", round(1000 * PING_SECONDS)),
        ("grpc.keepalive_permit_without_calls", 1),  # pings also while there is no call
    ]


def most_connections(given: int | None, memory_bytes: int) -> int:
    """How many there may be: as given, or as many as fit beside so many bytes for calls.

    By default they take at most half of the files that the process may have open. Raises InvalidField for more than all.
    """
    files = most_files()
    if given is None:
        return min(max(LEAST_CONNECTIONS, memory_bytes // MEMORY_SHARE), files // 2)
    if given >= files:
        raise InvalidField("connections", given, f"fewer than the {files} files that the process may have open (ulimit -n)")
    return given


def most_files() -> int:
    """How many files the process may have open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if files == resource.RLIM_INFINITY else files
