"""TLS between the real server and the real client: who is believed, who is let in, and certificates that are renewed."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from elman.aio.client import AsyncClient
from elman.credentials import Credentials
from elman.errors import GoElsewhere, MendRequest
from elman.protocol.retry import Retry
from elman.sync.client import Client as SyncClient
from elman_models.errors import InvalidField
from elman_server import renewal
from elman_server.security.tls import Shown, is_taken

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Authority
    from tests.server.conftest import Logged, Start, Until

    from elman_server.server import Server

ONCE = Retry(attempts=1)
TEXT = "a bad cab"
Pair: TypeAlias = "tuple[Path, Path]"


def shown(pair: Pair, **others: Any) -> dict[str, Any]:
    """The configuration of a server that shows a certificate."""
    return {"host": "localhost", "tls_certificate": str(pair[0]), "tls_key": str(pair[1]), **others}


def trusting(authority: Authority, pair: Pair | None = None) -> Credentials:
    """Those of a client that believes one authority, and may have a certificate of its own."""
    own: dict[str, Any] = {"client_certificate": str(pair[0]), "client_key": str(pair[1])} if pair else {}
    return Credentials(certificate_authority=str(authority.certificate), **own)


@asynccontextmanager
async def client_of(server: Server, credentials: Credentials, host: str = "localhost") -> AsyncGenerator[AsyncClient]:
    async with AsyncClient(f"{host}:{server.port}", retry=ONCE, credentials=credentials) as client:
        yield client


async def completes(server: Server, credentials: Credentials, host: str = "localhost") -> bool:
    """Whether a new client gets a completion. Raises ElmanError."""
    async with client_of(server, credentials, host) as client:
        return len(await client.complete(TEXT, seed=1, max_characters=5).read()) == 5


async def refused(server: Server, credentials: Credentials, words: str) -> None:
    """Ask until the refusal says the words: one that meets a connection which is just ending says less."""
    async with asyncio.timeout(20):
        while True:
            with pytest.raises(GoElsewhere) as caught:
                await completes(server, credentials)
            if re.search(words, str(caught.value)):
                return


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at so often that no test waits for it."""
    monkeypatch.setattr(renewal, "LOOK_SECONDS", 0.01)


async def test_a_completion_is_the_same_with_tls_and_without(start: Start, authority: Authority) -> None:
    secured, plain = await start(**shown(authority.issue("localhost"))), await start(host="localhost")
    async with client_of(secured, trusting(authority)) as one, client_of(plain, Credentials()) as other:
        texts = [await client.complete(TEXT, seed=1, max_characters=50).read() for client in (one, other)]
    assert len(texts[0]) == 50
    assert texts[0] == texts[1]


NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("hosts", "validity", "cause"),
    [
        (("localhost",), {"not_before": NOW - 2 * DAY, "not_after": NOW - DAY}, "certificate is not to be trusted.*expired"),
        (("localhost",), {"not_before": NOW + DAY, "not_after": NOW + 2 * DAY}, "is not to be trusted.*not yet valid"),
        (("example.org",), {}, "its certificate is another host's"),
    ],
)
async def test_a_certificate_that_does_not_hold_is_not_believed(
    start: Start, authority: Authority, hosts: tuple[str, ...], validity: dict[str, Any], cause: str
) -> None:
    server = await start(**shown(authority.issue(*hosts, **validity)))
    await refused(server, trusting(authority), cause)


async def test_another_authority_and_oneself_are_not_believed(start: Start, make_authority: Callable[[str], Authority]) -> None:
    one, other = make_authority("one"), make_authority("other")
    for pair in one.issue("localhost"), one.its_own:
        server = await start(**shown(pair))
        for credentials in trusting(other), Credentials(tls=True):
            await refused(server, credentials, "its certificate is not to be trusted")


async def test_who_does_not_speak_tls_is_told_that_the_other_side_does(start: Start, authority: Authority) -> None:
    secured, plain = await start(**shown(authority.issue("localhost"))), await start(host="localhost")
    await refused(secured, Credentials(), "it ended the connection, as one does that speaks TLS alone")
    await refused(plain, trusting(authority), "it speaks no TLS")


async def test_what_is_no_tls_harms_nobody(start: Start, authority: Authority) -> None:
    server = await start(**shown(authority.issue("localhost")))
    for rubbish in (b"", b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"a" * 5000):
        with socket.create_connection(("localhost", server.port), timeout=20) as one:
            one.sendall(rubbish)
    assert await completes(server, trusting(authority))


async def test_old_versions_of_tls_are_not_spoken(start: Start, authority: Authority) -> None:
    server = await start(**shown(authority.issue("localhost")))

    def version(newest: ssl.TLSVersion) -> str | None:
        context = ssl.create_default_context(cafile=authority.certificate)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.set_alpn_protocols(["h2"])
        context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, newest
        one = socket.create_connection(("localhost", server.port), timeout=20)
        with one, context.wrap_socket(one, server_hostname="localhost") as secured:
            return secured.version()

    assert await asyncio.to_thread(version, ssl.TLSVersion.MAXIMUM_SUPPORTED) == "TLSv1.3"
    assert await asyncio.to_thread(version, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    with pytest.raises(ssl.SSLError), pytest.warns(DeprecationWarning, match="TLSv1_1"):
        await asyncio.to_thread(version, ssl.TLSVersion.TLSv1_1)


async def test_where_certificates_are_asked_for_only_who_has_one_is_let_in(
    start: Start, make_authority: Callable[[str], Authority]
) -> None:
    ours, others = make_authority("ours"), make_authority("others")
    server = await start(**shown(ours.issue("localhost"), client_ca=str(others.certificate)))
    past: dict[str, Any] = {"not_before": NOW - 2 * DAY, "not_after": NOW - DAY}
    for refused in None, ours.issue("a@example.org", name="wrong"), others.issue("b@example.org", name="old", **past):
        with pytest.raises(GoElsewhere):
            await completes(server, trusting(ours, refused))
    assert await completes(server, trusting(ours, others.issue("c@example.org", name="good")))


@pytest.mark.parametrize("renewals", [1, 3])
async def test_a_client_shows_what_was_renewed_and_drops_no_call(start: Start, authority: Authority, renewals: int) -> None:
    server = await start(**shown(authority.issue("localhost"), client_ca=str(authority.certificate)))
    pair = authority.issue("a@example.org", name="own")
    client = AsyncClient(f"localhost:{server.port}", credentials=trusting(authority, pair))
    async with client, client.document(TEXT) as document:
        [_ async for _ in document.suggestions()]
        for _ in range(renewals):
            pair[0].write_bytes(b"half-way")
            assert len(await client.complete(TEXT, max_characters=5).read()) == 5
            replaced(authority.issue("a@example.org", name="new"), pair)
            assert len(await client.complete(TEXT, max_characters=5).read()) == 5
        document.insert(" a")
        [_ async for _ in document.suggestions()]
    past: dict[str, Any] = {"not_before": NOW - 2 * DAY, "not_after": NOW - DAY}
    with SyncClient(f"localhost:{server.port}", retry=ONCE, credentials=trusting(authority, pair)) as other:
        assert len(await asyncio.to_thread(other.complete(TEXT, max_characters=5).read)) == 5
        replaced(authority.issue("a@example.org", name="old", **past), pair)
        with pytest.raises(GoElsewhere):
            await asyncio.to_thread(other.complete(TEXT, max_characters=5).read)
        replaced(authority.issue("a@example.org", name="new"), pair)
        assert len(await asyncio.to_thread(other.complete(TEXT, max_characters=5).read)) == 5


def replaced(new: Pair, old: Pair) -> None:
    for one, other in zip(new, old, strict=True):
        shutil.copy(one, other)


async def test_a_renewed_certificate_is_for_new_connections_and_ends_no_old_one(
    start: Start, make_authority: Callable[[str], Authority], logged: Logged, until: Until
) -> None:
    old, new = make_authority("old"), make_authority("new")
    pair = old.issue("localhost")
    server = await start(**shown(pair))
    async with client_of(server, trusting(old)) as client, client.document(TEXT) as document:
        [_ async for _ in document.suggestions()]
        replaced(new.issue("localhost"), pair)
        await until("certificates renewed")
        assert await completes(server, trusting(new))
        await refused(server, trusting(old), "not to be trusted")
        document.insert(" a")
        [_ async for _ in document.suggestions()]
        assert len(await client.complete(TEXT, max_characters=5).read()) == 5
    assert [line["outcome"] for line in logged() if line["event"] == "call" and line["method"] == "Complete"] == ["OK"] * 2


async def test_a_pair_that_is_replaced_half_way_leaves_the_old_one_and_is_told_once(
    start: Start, authority: Authority, logged: Logged, until: Until
) -> None:
    pair, new = authority.issue("localhost"), authority.issue("localhost", name="new")
    server = await start(**shown(pair))
    troubles = "certificates not renewed: the old ones hold"
    shutil.copy(new[0], pair[0])
    await until(troubles)
    pair[0].write_bytes(new[0].read_bytes()[:200])
    await until(troubles, times=2)
    assert await completes(server, trusting(authority))
    shutil.copy(new[0], pair[0])
    shutil.copy(new[1], pair[1])
    await until("certificates renewed")
    assert await completes(server, trusting(authority))
    reasons = [line["reason"] for line in logged() if line["event"] == troubles]
    assert len(reasons) == len(set(reasons))
    assert f"the key of the certificate {str(pair[0])!r}"[:40] in reasons[0]
    assert "PRIVATE" not in str(logged())


@pytest.mark.parametrize("name", ["certificate", "key", "client_ca"])
@pytest.mark.parametrize("held", [b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None])
async def test_a_server_does_not_start_with_files_that_are_none(
    start: Start, authority: Authority, tmp_path: Path, name: str, held: bytes | None
) -> None:
    path = tmp_path / "held.pem"
    if held is not None:
        path.write_bytes(held)
    field = name if name == "client_ca" else f"tls_{name}"
    config = shown(authority.issue("localhost"), client_ca=str(authority.certificate)) | {field: str(path)}
    with pytest.raises((InvalidField, OSError), match="No such file" if held is None else "^(tls_certificate|client_ca): "):
        await start(**config)


async def test_a_key_of_another_certificate_or_with_a_password_is_refused_by_name(start: Start, authority: Authority) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    pair, other = authority.issue("localhost"), authority.issue("localhost", name="other")
    with pytest.raises(InvalidField, match=r"^tls_key: .* allowed: the key of the certificate"):
        await start(**shown((pair[0], other[1])))
    key: Any = load_pem_private_key(pair[1].read_bytes(), None)
    pair[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(InvalidField, match=r"^tls_key: .* allowed: a key without a password"):
        await start(**shown(pair))


def test_a_client_whose_files_are_none_is_refused_by_name(authority: Authority, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_bytes(b"rubbish")
    pair, other = authority.issue("a@example.org", name="one"), authority.issue("a@example.org", name="other")
    for credentials, words in (
        (Credentials(certificate_authority=str(rubbish)), "certificate_authority: "),
        (Credentials(certificate_authority=str(tmp_path / "none")), r"certificate_authority: .*No such file"),
        (Credentials(client_certificate=str(pair[0]), client_key=str(other[1])), "client_key: .* the key of the certificate"),
        (Credentials(client_certificate=str(rubbish), client_key=str(pair[1])), "client_certificate: "),
    ):
        with pytest.raises(MendRequest, match=words):
            AsyncClient("localhost", credentials=credentials)
    with pytest.raises(MendRequest, match="client_key: None is out of range"):
        Credentials(client_certificate=str(pair[0]))


async def test_a_key_that_only_openssl_takes_is_not_said_to_be_renewed(
    start: Start, authority: Authority, until: Until, logged: Logged, tmp_path: Path
) -> None:
    pair = authority.issue("localhost")
    server = await start(**shown(pair))
    for path, held in zip(pair, of_secp256k1(), strict=True):
        path.write_bytes(held)
    await until("certificates not renewed: the old ones hold")
    (line,) = [line for line in logged() if line["event"].startswith("certificates")]
    assert "one that gRPC takes: RSA" in line["reason"]
    assert await completes(server, trusting(authority))
    with pytest.raises(InvalidField, match=r"tls_certificate: .* one that gRPC takes"):
        await start(**shown(pair))


def of_secp256k1() -> tuple[bytes, bytes]:
    """A certificate that signs itself, and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256K1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    encoding = serialization.Encoding.PEM
    held = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return builder.sign(key, hashes.SHA256()).public_bytes(encoding), held


async def test_between_certificates_there_may_be_comments_in_any_language(start: Start, authority: Authority) -> None:
    held = authority.certificate.read_bytes()
    authority.certificate.write_bytes("# Autorité, 認証局\n".encode() + held)
    server = await start(**shown(authority.issue("localhost"), client_ca=str(authority.certificate)))
    assert await completes(server, trusting(authority, authority.issue("client", name="client")))


@pytest.mark.parametrize("is_good", [True, False])
def test_a_proof_leaves_nothing_open(authority: Authority, is_good: bool) -> None:
    chain, key = (path.read_bytes() for path in authority.issue("localhost")) if is_good else of_secp256k1()
    assert is_taken(Shown(key, chain, None)) == is_good
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        is_taken(Shown(key, chain, None))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
