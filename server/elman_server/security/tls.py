"""The certificate that the server shows, and the authority of those that clients must show. Checked before gRPC takes them."""

import ssl
from collections import deque
from pathlib import Path
from typing import Any, Final

import grpc

from elman.settings import shown
from elman_models.errors import InvalidField
from elman_server.config import ServerConfig
from elman_server.security.renewal import Contents, Renewal

CERTIFICATES: Final = "a certificate or several, in PEM"


class Certificates:
    """Renewed while connections go on: each keeps what it was made with, and the next gets what is newest."""

    def __init__(self, certificate: str, key: str, client_ca: str | None) -> None:
        """Raises InvalidField or OSError."""
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        self._newest = deque[grpc.ServerCertificateConfiguration](maxlen=1)  # its pop is atomic: threads of gRPC take from it
        paths = [Path(each) for each in (certificate, key, client_ca) if each is not None]
        self.renewal = Renewal("certificates", paths, self._take)

    @classmethod
    def of(cls, config: ServerConfig) -> "Certificates | None":
        """Those that are configured. Raises InvalidField or OSError."""
        if config.tls_certificate is None or config.tls_key is None:
            return None
        return cls(config.tls_certificate, config.tls_key, config.client_ca)

    def credentials(self) -> grpc.ServerCredentials:
        """What a port is opened with."""
        fetch: Any = self._renewed  # which may return None, as gRPC documents it; its types do not say so
        return grpc.dynamic_ssl_server_credentials(self._newest.pop(), fetch, self._client_ca is not None)

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """Asked by gRPC before each handshake: what to show from now on, where that is something new."""
        try:
            return self._newest.pop()
        except IndexError:
            return None

    def _take(self, contents: Contents) -> None:
        chain, key, *client_ca = contents
        check_pair(self._certificate, self._key)
        if self._client_ca is not None:
            check_authority(self._client_ca, client_ca[0])
        if any(Path(path).read_bytes() != held for path, held in ((self._certificate, chain), (self._key, key))):
            raise InvalidField("tls_certificate", self._certificate, "a file that does not change while it is read")
        self._newest.append(grpc.ssl_server_certificate_configuration([(key, chain)], *client_ca))


def check_pair(certificate: str, key: str) -> None:
    """Raise InvalidField unless the files hold a certificate and its key. Python's ssl reads them from files alone."""

    def no_password() -> str:
        raise InvalidField("tls_key", key, "a key without a password, in PEM")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InvalidField("tls_key", key, f"the key of the certificate {shown(certificate)}") from None
        allowed = f"{CERTIFICATES}, with its key in tls_key ({error.reason or 'not readable'})"
        raise InvalidField("tls_certificate", certificate, allowed) from None


def check_authority(path: str, held: bytes) -> None:
    """Raise InvalidField unless it is certificates."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=held.decode())
    except (ssl.SSLError, ValueError):
        raise InvalidField("client_ca", path, CERTIFICATES) from None
