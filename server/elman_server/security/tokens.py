"""Bearer tokens, of which a file holds the hashes: a line each, with the limits of who bears it. Knows no gRPC.

    # name  hash                     limits
    alice   sha256:9f86d081884c...   calls_per_second=20 characters_per_second=5000
    alice   sha256:60303ae22b99...   concurrent_calls=4

Tokens are 256 random bits, which nobody guesses: their hash needs no salt, and no slow function.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from elman.allowed import LONGEST_TOKEN
from elman.settings import settings_of
from elman_models.errors import Amount, InvalidField
from elman_server.config import ServerConfig
from elman_server.errors import OverLimit, Revoked
from elman_server.renewal import Contents, Events, Renewal
from elman_server.security.limits import Allowance, Limits

BEGINNING: Final = "elman_"
"""Of every token that is made here, so that what looks for secrets in texts finds it."""
HASH: Final = "sha256:"
A_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
A_HASH: Final = re.compile(rf"{HASH}([0-9a-f]{{64}})")
EVENTS: Final = Events("tokens renewed", "tokens not renewed: the old ones hold")
LIMITS: Final = {each.name: each for each in settings_of(Limits)}


class Line(NamedTuple):
    """Of the file: who bears a token, and how much that one may ask for."""

    name: str
    digest: bytes
    limits: Limits

    def __str__(self) -> str:
        given = ((name, getattr(self.limits, name)) for name in LIMITS)
        limits = (f"{name}={str(value).removesuffix('.0')}" for name, value in given if value is not None)
        return " ".join((self.name, f"{HASH}{self.digest.hex()}", *limits))


def new_token(name: str, limits: Limits) -> tuple[str, Line]:
    """A token that nobody has yet, and its line. Raises InvalidField."""
    if not A_NAME.fullmatch(name):
        raise InvalidField("name", name, "1 to 64 letters, digits, dots, dashes and underscores")
    token = f"{BEGINNING}{secrets.token_urlsafe(32)}"
    return token, Line(name, digest_of(token), limits)


def digest_of(token: str) -> bytes:
    """The hash of a token."""
    return hashlib.sha256(token.encode()).digest()


def lines_of(held: bytes) -> Iterator[Line]:
    """The lines of a file. Raises InvalidField, which names the line and shows no more of it than is known to be no token."""
    for number, line in enumerate(held.decode("utf-8", "replace").splitlines(), 1):
        if words := line.partition("#")[0].split():
            yield line_of(number, words)


def line_of(number: int, words: list[str]) -> Line:
    """The line that words make. Raises InvalidField."""
    found = A_HASH.fullmatch(words[1]) if len(words) > 1 else None
    if not found or not A_NAME.fullmatch(words[0]):
        raise InvalidField(f"tokens, line {number}", Amount("this line"), f"NAME {HASH}HASH, and limits ({', '.join(LIMITS)})")
    return Line(words[0], bytes.fromhex(found[1]), limits_of(number, words[2:]))


def limits_of(number: int, words: list[str]) -> Limits:
    """The limits that words make. Raises InvalidField."""
    values: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in LIMITS:
            raise InvalidField(f"tokens, line {number}", Amount("what follows the hash"), f"limits: {', '.join(LIMITS)}")
        try:
            values[name] = LIMITS[name].read(value, InvalidField)
            LIMITS[name].check(values[name], InvalidField)
        except InvalidField:
            raise InvalidField(f"tokens, line {number}", Amount(name), LIMITS[name].range) from None
    return Limits(**values)


class Grant:
    """What the bearer of one token may do now."""

    def __init__(self, line: Line) -> None:
        self._running = 0
        self._is_revoked = False
        self._go_by(line)

    def _go_by(self, line: Line) -> None:
        self.line = line
        self._calls = Allowance(line.limits.calls_per_second)
        self._characters = Allowance(line.limits.characters_per_second)

    def renew(self, line: Line) -> None:
        """Go by what may be another line for the same token."""
        if line != self.line:
            self._go_by(line)

    def revoke(self) -> None:
        """The token is no longer in the file."""
        self._is_revoked = True

    def begin(self) -> None:
        """A call begins, and `end` ends it. Raises OverLimit, after which there is nothing to end."""
        most = self.line.limits.concurrent_calls
        if most is not None and self._running >= most:
            raise OverLimit(f"{most} calls of this token are running")
        if wait := self._calls.wait_seconds:
            raise OverLimit(f"this token may begin {self.line.limits.calls_per_second:g} calls a second", wait)
        self.check()
        self._calls.spend(1)
        self._running += 1

    def end(self) -> None:
        """A call has ended."""
        self._running -= 1

    def check(self) -> None:
        """Raise Revoked or OverLimit where no more may be asked for now."""
        if self._is_revoked:
            raise Revoked
        if wait := self._characters.wait_seconds:
            raise OverLimit(f"this token may send and get {self.line.limits.characters_per_second:g} characters a second", wait)

    def spend(self, characters: int) -> None:
        """So many were sent or got."""
        self._characters.spend(characters)


class Tokens:
    """The tokens that are taken now."""

    def __init__(self, path: str) -> None:
        """Raises InvalidField or OSError."""
        self._secret = secrets.token_bytes(32)
        self._grants: dict[bytes, Grant] = {}
        self.renewal = Renewal(EVENTS, [Path(path)], self._take)

    @classmethod
    def of(cls, config: ServerConfig) -> "Tokens | None":
        """Those that are configured. Raises InvalidField or OSError."""
        return None if config.tokens is None else cls(config.tokens)

    def grant_of(self, token: str) -> Grant | None:
        """What a token grants; None: nothing. How long that takes tells nothing of the tokens there are."""
        if not token or len(token) > LONGEST_TOKEN:
            return None
        digest = digest_of(token)
        grant = self._grants.get(self._place_of(digest))
        return grant if grant and hmac.compare_digest(grant.line.digest, digest) else None

    def _place_of(self, digest: bytes) -> bytes:
        """Where in the table a token is looked for, which a caller can neither choose nor learn."""
        return hmac.digest(self._secret, digest, "sha256")

    def _take(self, contents: Contents) -> None:
        lines = {self._place_of(line.digest): line for line in lines_of(contents[0])}
        grants = {place: self._grants.get(place) or Grant(line) for place, line in lines.items()}
        for place, line in lines.items():
            grants[place].renew(line)
        for place in self._grants.keys() - grants.keys():
            self._grants[place].revoke()
        self._grants = grants
