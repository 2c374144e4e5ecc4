"""Certificates and keys in PEM files, read and checked before gRPC takes them: of a wrong one it says only that nobody answers.

Imports the standard library alone, and no setting by name: the server's and the client's errors are handed in.
"""

import ssl
from pathlib import Path
from typing import Final, NamedTuple

from elman.settings import Refuse, shown

ALLOWED: Final = "one certificate or several, in PEM"


class File(NamedTuple):
    """A file, and the setting that names it."""

    setting: str
    path: str

    def read(self, refuse: Refuse) -> bytes:
        """What it holds. Raises `refuse(...)`."""
        try:
            return Path(self.path).expanduser().read_bytes()
        except OSError as error:
            raise refuse(self.setting, self.path, f"a file that can be read ({error.strerror})") from None


class Pair(NamedTuple):
    """A certificate, with those that lead from it to an authority, and its key."""

    chain: bytes
    key: bytes


def read_pair(certificate: File, key: File, refuse: Refuse) -> Pair:
    """A certificate and the key that belongs to it. Raises `refuse(...)`, also where they change meanwhile."""
    pair = Pair(certificate.read(refuse), key.read(refuse))
    check_pair(certificate, key, refuse)
    if pair != Pair(certificate.read(refuse), key.read(refuse)):
        raise refuse(certificate.setting, certificate.path, "a file that does not change while it is read")
    return pair


def check_pair(certificate: File, key: File, refuse: Refuse) -> None:
    """Raise `refuse(...)` unless one belongs to the other. Python's ssl reads them from files alone."""

    def no_password() -> str:
        raise refuse(key.setting, key.path, "a key without a password, in PEM")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_cert_chain(Path(certificate.path).expanduser(), Path(key.path).expanduser(), no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise refuse(key.setting, key.path, f"the key of the certificate {shown(certificate.path)}") from None
        allowed = f"{ALLOWED}, with its key in {key.setting} ({error.reason or 'not readable'})"
        raise refuse(certificate.setting, certificate.path, allowed) from None


def read_authority(file: File, refuse: Refuse) -> bytes:
    """Certificates of authorities, between which there may be comments in any language. Raises `refuse(...)`."""
    held = file.read(refuse)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=held.decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError):
        raise refuse(file.setting, file.path, ALLOWED) from None
    return held
