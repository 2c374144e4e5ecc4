"""Whom a client trusts and what it shows: authorities, a certificate of its own, a token. Imports no gRPC.

A token travels encrypted, or stays on this machine. Files are read again when they are needed: whoever renews them restarts
nothing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from elman.addresses import is_here, is_socket
from elman.allowed import LONGEST_TOKEN
from elman.errors import MendRequest
from elman.settings import EITHER, FILE, check, setting

Metadata: TypeAlias = tuple[tuple[str, str], ...]
Stamp: TypeAlias = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Credentials:
    """How a client trusts a server and is trusted by it. Raises MendRequest.

    | field                          | meaning                                                                            |
    | tls                            | speak TLS, to a server whose certificate a well-known authority has signed         |
    | certificate_authority          | a file of other authorities' certificates, in PEM, which alone are believed        |
    | client_certificate, client_key | files in PEM: what is shown to a server that asks for it                           |
    | token_file                     | a file that holds the token which each call bears                                  |

    Whoever names a certificate speaks TLS. At Unix sockets nobody does.
    """

    tls: bool = setting(False, EITHER, "speak TLS with the server; also where one of the certificates below is named")
    certificate_authority: str | None = setting(
        None, FILE, "certificates of who signed the server's, in PEM", default_words="the well-known authorities"
    )
    client_certificate: str | None = setting(None, FILE, "a certificate to show the server, in PEM", default_words="none")
    client_key: str | None = setting(None, FILE, "the key of that certificate, in PEM", default_words="none")
    token_file: str | None = setting(None, FILE, "a file with the token that each call is to bear", default_words="none")

    def __post_init__(self) -> None:
        check(self, MendRequest.of_field)
        if (self.client_certificate is None) != (self.client_key is None):
            missing = "client_key" if self.client_key is None else "client_certificate"
            raise MendRequest.of_field(missing, None, "a file: a certificate and its key go together")

    def is_encrypted(self, target: str) -> bool:
        """Whether TLS is spoken with a target."""
        return not is_socket(target) and (self.tls or bool(self.certificate_authority or self.client_certificate))

    def stamp(self) -> Stamp:
        """What tells whether certificates were renewed; nothing where there are none."""
        files = (self.certificate_authority, self.client_certificate, self.client_key)
        return tuple(stamp_of(file) for file in files if file is not None)

    def check_target(self, target: str) -> None:
        """Raise MendRequest where a token would travel for others to read."""
        if self.token_file is not None and not self.is_encrypted(target) and not is_here(target):
            raise MendRequest(
                f"token_file: a token would travel in plain text to {target}; allowed: with --tls, or to this machine"
            )

    def metadata(self) -> Metadata:
        """What a call carries. Raises MendRequest for a file that holds no token."""
        return () if self.token_file is None else (("authorization", f"Bearer {token_in(self.token_file)}"),)


NONE: Final = Credentials()
"""Those of a client to whom none were given."""


def stamp_of(file: str) -> tuple[int, ...]:
    """What tells one state of a file from another; nothing where it is not there."""
    try:
        found = Path(file).expanduser().stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def token_in(path: str) -> str:
    """The token that a file holds. Raises MendRequest, which does not show it."""
    from elman.pem import File

    words = File("token_file", path).read(MendRequest.of_field).split()
    token = words[0].decode("utf-8", "replace") if len(words) == 1 else ""
    if not (token.isascii() and token.isprintable() and 0 < len(token) <= LONGEST_TOKEN):
        raise MendRequest.of_field("token_file", path, f"a file of one token: 1 to {LONGEST_TOKEN} characters without spaces")
    return token
