"""The certificate that the server shows, and the authority of those that clients must show, while the server runs."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc

from elman.pem import File, read_authority, read_pair
from elman_models.errors import InvalidField
from elman_server.config import ServerConfig
from elman_server.renewal import Contents, Events, Renewal

TAKEN: Final = "one that gRPC takes: RSA, Ed25519, or ECDSA with P-256, P-384 or P-521"
EVENTS: Final = Events("certificates renewed", "certificates not renewed: the old ones hold")


class Shown(NamedTuple):
    """What is to be shown and asked for, in PEM: gRPC is told only where it runs, for it has threads from then on."""

    key: bytes
    chain: bytes
    authority: bytes | None


class Certificates:
    """Renewed while connections go on: each keeps what it was made with, and the next gets what is newest."""

    def __init__(self, certificate: str, key: str, client_ca: str | None) -> None:
        """Raises InvalidField or OSError."""
        self._certificate, self._key = File("tls_certificate", certificate), File("tls_key", key)
        self._client_ca = None if client_ca is None else File("client_ca", client_ca)
        self._is_shown = False
        self._newest = deque[Shown](maxlen=1)  # its pop is atomic: threads of gRPC take from it
        self.renewal = Renewal(EVENTS, [Path(each) for each in (certificate, key, client_ca) if each], self._take)

    @classmethod
    def of(cls, config: ServerConfig) -> "Certificates | None":
        """Those that are configured. Raises InvalidField or OSError."""
        if config.tls_certificate is None or config.tls_key is None:
            return None
        return cls(config.tls_certificate, config.tls_key, config.client_ca)

    def credentials(self) -> grpc.ServerCredentials:
        """What a port is opened with. Raises InvalidField."""
        self._is_shown = True
        self._prove(self._newest[0])
        fetch: Any = self._renewed  # which may return None, as gRPC documents it; its types do not say so
        return grpc.dynamic_ssl_server_credentials(configuration(self._newest.pop()), fetch, self._client_ca is not None)

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """Asked by gRPC before each handshake: what to show from now on, where that is something new."""
        try:
            return configuration(self._newest.pop())
        except IndexError:
            return None

    def _take(self, _: Contents) -> None:
        """Check what the files hold, and have the next connection made with it.

        gRPC itself checks only once a port is open, for no fork would survive that (workers/nursery.py).
        """
        pair = read_pair(self._certificate, self._key, InvalidField)
        authority = None if self._client_ca is None else read_authority(self._client_ca, InvalidField)
        shown = Shown(pair.key, pair.chain, authority)
        if self._is_shown:
            self._prove(shown)
        self._newest.append(shown)

    def _prove(self, shown: Shown) -> None:
        """Raise InvalidField unless gRPC takes it: what it does not take, it would not show, and say nothing."""
        if not is_taken(shown):
            raise InvalidField(self._certificate.setting, self._certificate.path, TAKEN)


def configuration(shown: Shown) -> grpc.ServerCertificateConfiguration:
    """The same, for gRPC."""
    return grpc.ssl_server_certificate_configuration([(shown.key, shown.chain)], shown.authority)


def is_taken(shown: Shown) -> bool:
    """Whether a port can be opened with it: at a server that nobody knows and that takes no call."""
    credentials = grpc.ssl_server_credentials([(shown.key, shown.chain)], shown.authority, shown.authority is not None)
    server = grpc.server(ThreadPoolExecutor(1))
    try:
        return bool(server.add_secure_port("127.0.0.1:0", credentials))
    except RuntimeError:
        return False
    finally:
        server.start()  # otherwise stopping it would close nothing
        server.stop(None).wait()
