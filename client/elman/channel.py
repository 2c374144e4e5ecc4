"""A gRPC channel to a server: what it is asked for, and what the failure of a call on it means. Knows no call and no retry."""

import json
from typing import Final, cast

import grpc

from elman.errors import AllowMoreTime, ElmanError, GoElsewhere, NeverRetry, from_status

PUSHBACK: Final = "grpc-retry-pushback-ms"
LARGEST_MESSAGE_BYTES: Final = 4 << 20
STATE_SECONDS: Final = 30.0
"""How long the answer to a request for a document's state may take."""
KEEPALIVE: Final = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),  # gRPC otherwise waits 60 seconds for its answer, whatever the line above says
)
"""When a machine that vanishes in silence is left; elman's servers allow a ping every 10 seconds."""
SERVICE_CONFIG: Final[dict[str, object]] = {
    "loadBalancingConfig": [{"round_robin": {}}],  # dns:/// names every replica: calls are spread over them
    "healthCheckConfig": {"serviceName": "elman.v1.CompletionService"},  # a server that drains is left before it refuses calls
}
CHANNEL_OPTIONS: Final = (
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    ("grpc.max_send_message_length", LARGEST_MESSAGE_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 100),  # a server that comes back is found within the retries of one call
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),  # a failure of one client's connection does not delay another client
    *KEEPALIVE,
)


def error_of(error: grpc.RpcError, address: str) -> ElmanError:
    """The error that says what a failed call means for the caller."""
    call = cast("grpc.Call", error)  # both faces raise an error that is a call, which its type does not say
    status, details = call.code().name, call.details() or "no details"
    meant = from_status(status, details, pushback_seconds(call))
    if isinstance(meant, GoElsewhere):
        return GoElsewhere(f"no completion service at {address}: {details}")
    if status == "DEADLINE_EXCEEDED":
        return AllowMoreTime(f"the timeout has passed before {address} was done")
    if status == "UNIMPLEMENTED":
        return NeverRetry(f"{address} does not serve elman.v1, or serves an older one: {details}")
    return meant


def pushback_seconds(call: grpc.Call) -> float | None:
    """How long the server asks the caller to wait; None if it does not ask, or not with a number."""
    for key, value in call.trailing_metadata() or ():
        if key == PUSHBACK and str(value).isdecimal():
            return int(value) / 1000
    return None
