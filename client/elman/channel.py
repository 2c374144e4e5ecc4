"""A gRPC channel to a server: how it is opened, and what the failure of a call on it means. Knows no call and no retry."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, cast

import grpc

from elman.addresses import is_here
from elman.credentials import Credentials
from elman.errors import AllowMoreTime, ElmanError, GoElsewhere, MendRequest, NeverRetry, from_status

PUSHBACK: Final = "grpc-retry-pushback-ms"
LARGEST_MESSAGE_BYTES: Final = 4 << 20
LONGEST_RECONNECT_MS: Final = 250
"""A server that comes back is found within the retries of one call, however long it was away."""
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
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", LONGEST_RECONNECT_MS),
    ("grpc.use_local_subchannel_pool", 1),  # a failure of one client's connection does not delay another client
    *KEEPALIVE,
)


DEADLINE: Final = "Deadline Exceeded"
"""What gRPC says under UNAVAILABLE, too, of a stream that its own deadline has ended."""
KEPT_CHANNELS: Final = 2
"""When certificates were renewed, calls on the channel before go on; what still runs on the one before that goes on anew."""
NO_PROXY: Final = ("grpc.enable_http_proxy", 0)
"""What is said to this machine goes through no other."""
WHATEVER_HEALTH: Final = ("grpc.inhibit_health_checking", 1)
"""Calls also go to a server that takes no others."""
CAUSES: Final = {
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not to be trusted (certificate_authority names who signed it)",
    "Hostname Verification Check failed": "its certificate is another host's",
    "WRONG_VERSION_NUMBER": "it speaks no TLS",
    "CERTIFICATE_REQUIRED": "it asks for a certificate (client_certificate, client_key)",
    "Socket closed": "it ended the connection, as one does that speaks TLS alone (tls) or was not shown a certificate that it"
    " asks for (client_certificate, client_key)",
}
"""What gRPC says of a connection that was not to be had, and what that means."""


def options_for(address: str, heeds_health: bool = True) -> Sequence[tuple[str, Any]]:
    """The options of a channel, which leaves a server that drains unless it is not to heed that."""
    options = CHANNEL_OPTIONS if heeds_health else (*CHANNEL_OPTIONS, WHATEVER_HEALTH)
    return (*options, NO_PROXY) if is_here(address) else options


class Tls:
    """What TLS is spoken with to an address, read again once its files were renewed."""

    def __init__(self, address: str, credentials: Credentials) -> None:
        """Raises MendRequest."""
        self._address, self._credentials, self._stamp = address, credentials, credentials.stamp()
        self.newest = tls_for(address, credentials)
        """None: none is spoken."""

    def is_renewed(self) -> bool:
        """Whether `newest` is another than before, for which calls need another channel. A damaged file changes nothing."""
        stamp = self._credentials.stamp()
        if stamp == self._stamp:
            return False
        with suppress(MendRequest):
            self.newest = tls_for(self._address, self._credentials)
            self._stamp = stamp
            return True
        return False


def tls_for(address: str, credentials: Credentials) -> grpc.ChannelCredentials | None:
    """What TLS is spoken with; None where it is not. Raises MendRequest."""
    credentials.check_target(address)
    if not credentials.is_encrypted(address):
        return None
    from elman.pem import File, read_authority, read_pair

    authority, certificate, key = credentials.certificate_authority, credentials.client_certificate, credentials.client_key
    refuse = MendRequest.of_field
    trusted = None if authority is None else read_authority(File("certificate_authority", authority), refuse)
    if certificate is None or key is None:
        return grpc.ssl_channel_credentials(trusted)
    pair = read_pair(File("client_certificate", certificate), File("client_key", key), refuse)
    return grpc.ssl_channel_credentials(trusted, pair.key, pair.chain)


def error_of(error: grpc.RpcError, address: str) -> ElmanError:
    """The error that says what a failed call means for the caller."""
    call = cast("grpc.Call", error)  # both faces raise an error that is a call, which its type does not say
    status, details = call.code().name, call.details() or "no details"
    meant = from_status(status, details, pushback_seconds(call))
    if status == "DEADLINE_EXCEEDED" or DEADLINE in details:
        return AllowMoreTime(f"the timeout has passed before {address} was done")
    if isinstance(meant, GoElsewhere):
        cause = next((f"{meaning}: " for words, meaning in CAUSES.items() if words in details), "")
        return GoElsewhere(f"no completion service at {address}: {cause}{details}")
    if status == "UNIMPLEMENTED":
        return NeverRetry(f"{address} does not serve elman.v1, or serves an older one: {details}")
    return meant


def pushback_seconds(call: grpc.Call) -> float | None:
    """How long the server asks the caller to wait; None if it does not ask, or not with a number."""
    for key, value in call.trailing_metadata() or ():
        if key == PUSHBACK and str(value).isdecimal():
            return int(value) / 1000
    return None
