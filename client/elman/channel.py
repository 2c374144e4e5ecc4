"""What a failed call means. Knows no retry."""

from typing import Final, cast

import grpc

from elman.errors import ElmanError, GoElsewhere, NeverRetry, from_status

PUSHBACK: Final = "grpc-retry-pushback-ms"


def meaning(error: grpc.RpcError, address: str) -> ElmanError:
    """What a failed call means for the caller."""
    call = cast("grpc.Call", error)  # both faces raise an error that is a call, which its type does not say
    status, details = call.code().name, call.details() or "no details"
    meant = from_status(status, details, pushback_seconds(call))
    if isinstance(meant, GoElsewhere):
        return GoElsewhere(f"no completion service at {address}: {details}")
    if status == "UNIMPLEMENTED":
        return NeverRetry(f"{address} serves no elman.v1, or an older one: {details}")
    return meant


def pushback_seconds(call: grpc.Call) -> float | None:
    """After how long the server asks to come back, if it does."""
    for key, value in call.trailing_metadata() or ():
        if key == PUSHBACK and str(value).isdecimal():
            return int(value) / 1000
    return None
