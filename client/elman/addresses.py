"""What addresses of servers mean. Imports no gRPC, which a process that runs the engine itself does without."""

import re
from collections.abc import Sequence
from typing import Final

from elman.errors import NeverRetry
from elman.ranges import check_type

DEFAULT_PORT: Final = 50051
DEFAULT_ADDRESS: Final = f"127.0.0.1:{DEFAULT_PORT}"
A_HOST: Final = re.compile(r"(dns:(//[^/]*/)?)?([^:/,\[\]]+|\[[^\]]+\])")
A_NUMBERED_PORT: Final = re.compile(rf"(?!unix:){A_HOST.pattern}:(?P<port>[0-9]*)")
A_NUMBERED_HOST: Final = re.compile(r"(dns:(///)?|ipv[46]:)?(?P<hosts>[^/]+)")
A_PORT: Final = re.compile(r":[0-9]+$")
MOST_PORT: Final = 65535
A_BARE_IPV6: Final = re.compile(r"[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")


def targets(addresses: str | Sequence[str]) -> list[str]:
    """The targets of one address or several; what names no port means elman's. Anything else is for gRPC to resolve."""
    check_type("addresses", addresses, Sequence, "HOST, HOST:PORT, or several")
    several = [addresses] if isinstance(addresses, str) else list(addresses)
    for address in several:
        check_type("addresses", address, str, "HOST, HOST:PORT, or several")
    if not several or not all(several):
        raise NeverRetry(f"addresses: {addresses!r} is empty; allowed: HOST, HOST:PORT, or several")
    for address in several:
        if address.startswith(("http://", "https://")):
            raise NeverRetry(f"the server {address!r}: it is no page; leave out {address[: address.index('//') + 2]}")
        check_port(address)
    return [with_port(address) for address in several]


def check_port(address: str) -> None:
    """Refuse a number that is no port: gRPC takes it modulo 65,536, or 443 for none, and the text goes to another server."""
    if A_BARE_IPV6.fullmatch(address) or not (found := A_NUMBERED_PORT.fullmatch(address)):
        return
    if not found["port"] or not 1 <= int(found["port"]) <= MOST_PORT:
        raise NeverRetry(f"the server {address!r}: its port is out of range; allowed: 1 to {MOST_PORT}")


def with_port(address: str) -> str:
    """The address with elman's port, if it is a host without one: localhost, ::1, [::1], dns:///name."""
    if A_BARE_IPV6.fullmatch(address):
        return f"[{address}]:{DEFAULT_PORT}"
    return f"{address}:{DEFAULT_PORT}" if A_HOST.fullmatch(address) else address


def is_socket(target: str) -> bool:
    """Whether a target is a Unix socket."""
    return target.startswith("unix:")


def is_here(target: str) -> bool:
    """Whether a target is certainly on this machine: a socket, localhost, or addresses that reach no further."""
    if is_socket(target):
        return True
    found = A_NUMBERED_HOST.fullmatch(target)
    hosts = [A_PORT.sub("", each) for each in found["hosts"].split(",")] if found else [""]
    return all(host == "localhost" or is_loopback(host.strip("[]")) for host in hosts)


def is_one_server(target: str) -> bool:
    """Whether all calls to a target reach the same server: a socket, localhost or one number. A name may mean several."""
    if is_socket(target):
        return True
    found = A_NUMBERED_HOST.fullmatch(target)
    host = A_PORT.sub("", found["hosts"]).strip("[]") if found else ""
    return host == "localhost" or is_number(host)


def is_loopback(host: str) -> bool:
    """Whether a host is an address that reaches no further than this machine."""
    import ipaddress

    return is_number(host) and ipaddress.ip_address(host).is_loopback


def is_number(host: str) -> bool:
    """Whether a host is an address of its own, and no name."""
    import ipaddress

    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
