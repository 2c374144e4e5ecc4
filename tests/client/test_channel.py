"""Addresses as people give them, and as gRPC wants them; how soon a lost server is looked for again."""

import pytest

from elman.addresses import is_one_server, targets
from elman.channel import LONGEST_RECONNECT_MS
from elman.errors import ElmanError, GoElsewhere
from elman.protocol.retry import Retry, Tries

RECONNECT_JITTER = 0.2
"""gRPC's own: by so much of itself a wait before it connects anew may be longer."""


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ("localhost", "localhost:50051"),
        ("10.0.0.1", "10.0.0.1:50051"),
        ("::1", "[::1]:50051"),
        ("fe80::1", "[fe80::1]:50051"),
        ("::ffff:10.0.0.1", "[::ffff:10.0.0.1]:50051"),
        ("[::1]", "[::1]:50051"),
        ("dns:///name", "dns:///name:50051"),
        ("dns:name", "dns:name:50051"),
        ("dns://8.8.8.8/name", "dns://8.8.8.8/name:50051"),
    ],
)
def test_a_host_without_a_port_means_elman_s(given: str, target: str) -> None:
    assert targets(given) == [target]
    assert targets([given, "b:1"]) == [target, "b:1"]


@pytest.mark.parametrize(
    "target",
    [
        "localhost:1",
        "[::1]:1",
        "dns:///name:1",
        "dns://8.8.8.8/name:1",
        "dns:///[::1]:1",
        "localhost:65535",
        "unix:socket",
        "unix:99999",
        "unix:///run/socket",
        "ipv4:10.0.0.1:1,10.0.0.2:1",
        "ipv6:[::1]:1",
        "xds:///name",
    ],
)
def test_what_names_a_port_or_needs_none_is_left_to_grpc(target: str) -> None:
    assert targets(target) == [target]


@pytest.mark.parametrize(
    "target",
    ["unix:///run/socket", "localhost:1", "10.0.0.1:1", "[fe80::1]:1", "ipv4:10.0.0.1:1", "ipv6:[::1]:1", "dns:///10.0.0.1:1"],
)
def test_a_number_is_one_server(target: str) -> None:
    assert is_one_server(target)


@pytest.mark.parametrize(
    "target", ["dns:///elman:1", "elman:1", "ipv4:10.0.0.1:1,10.0.0.2:1", "xds:///name", "localhost.example:1"]
)
def test_a_name_or_a_list_may_be_several_servers(target: str) -> None:
    assert not is_one_server(target)


@pytest.mark.parametrize("given", ["", [], ["a:1", ""]])
def test_no_address_is_refused(given: str | list[str]) -> None:
    with pytest.raises(ElmanError, match="allowed: HOST, HOST:PORT, or several"):
        targets(given)


@pytest.mark.parametrize("given", ["localhost:65536", "127.0.0.1:115587", "[::1]:0", "dns:///name:99999", "localhost:"])
def test_a_port_that_there_is_not_is_refused_for_grpc_would_take_another(given: str) -> None:
    with pytest.raises(ElmanError, match="its port is out of range; allowed: 1 to 65535"):
        targets(["a:1", given])


@pytest.mark.parametrize("address", ["http://localhost:50051", "https://[::1]:443"])
def test_the_address_of_a_page_is_refused(address: str) -> None:
    with pytest.raises(ElmanError, match=r"it is no page; leave out https?://"):
        targets(address)


class InHaste:
    """A clock whose waits are as short as they can be."""

    def now(self) -> float:
        return 0.0

    def jitter(self) -> float:
        return 0.0


@pytest.mark.parametrize("addresses", [1, 2, 3])
def test_the_retries_of_a_call_outlast_the_longest_wait_before_a_connection_is_tried_anew(addresses: int) -> None:
    tries = Tries(Retry(), addresses, 0, None, InHaste())
    waited = sum(tries.failed(GoElsewhere("")) for _ in range(Retry().attempts - 1))
    assert waited > LONGEST_RECONNECT_MS / 1000 * (1 + RECONNECT_JITTER)
