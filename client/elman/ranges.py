"""What a value must be for a request to carry it. A refusal names the field, the value and the range.

Knows no request: the server checks every narrower range.
"""

from numbers import Integral, Real
from typing import Final

from elman.allowed import TIMEOUT
from elman.errors import MendRequest
from elman.settings import shown

LARGEST_UINT32: Final = (1 << 32) - 1
LARGEST_UINT64: Final = (1 << 64) - 1


def check_type(field: str, value: object, kind: type, allowed: str) -> None:
    """Raise TypeError, in the words of the other refusals, for a value of another type. True and False are no numbers here."""
    if not isinstance(value, kind) or (kind in (Integral, Real) and isinstance(value, bool)):
        raise TypeError(f"{field}: {shown(value)} is of type {type(value).__name__}; allowed: {allowed}")


def unsigned(field: str, value: int, largest: int = LARGEST_UINT32) -> int:
    """The number, if the field can carry it."""
    return in_range(field, value, 0, largest)


def in_range(field: str, value: int, least: int, most: int) -> int:
    """The number, if it lies in the range. Raises MendRequest or TypeError."""
    check_type(field, value, Integral, "a whole number")
    if not least <= value <= most:
        raise MendRequest(f"{field}: {value} is out of range; allowed: {least} to {most}")
    return value


def as_double(field: str, value: float) -> float:
    """The number, if a double can carry it. Raises MendRequest or TypeError."""
    check_type(field, value, Real, "a number")
    try:
        return float(value)
    except OverflowError:
        raise MendRequest(f"{field}: a number this large is out of range; allowed: a double") from None


def switch(field: str, is_on: bool) -> bool:
    """Whether something is on. Raises TypeError."""
    check_type(field, is_on, bool, "True or False")
    return is_on


def encodable(field: str, text: str) -> str:
    """The text, if UTF-8 can carry it. Raises MendRequest or TypeError."""
    check_type(field, text, str, "text (str)")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        lone = f"U+{ord(text[error.start]):04X}"
        raise MendRequest(
            f"{field}: {lone} at character {error.start} is not a character; allowed: text without lone surrogates"
        ) from None
    return text


def checked_timeout(seconds: float | None) -> float | None:
    """The timeout of a call. Raises MendRequest or TypeError."""
    if seconds is not None:
        check_type("timeout", seconds, Real, "a number of seconds, or none")
    if seconds is not None and seconds not in TIMEOUT:
        raise MendRequest.of_field("timeout", seconds, str(TIMEOUT))
    return seconds


def not_negative(field: str, seconds: float) -> float:
    """The seconds, 0 or more. Raises MendRequest or TypeError."""
    check_type(field, seconds, Real, "a number of seconds")
    if not seconds >= 0:
        raise MendRequest(f"{field}: {seconds} is out of range; allowed: 0 seconds or more")
    return seconds
