"""Whether large bytes can be a legal message at all, told from the sizes of their fields before anything is decoded.

Decoding four megabytes of empty strings would stop the event loop for a sixth of a second, and take twenty times their size.
The fields of a message, and of what is nested in it, are walked over by their headers (protobuf's wire format).
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError

from elman_models.errors import Amount, InvalidField
from elman_server.requests.completion import LARGEST_TEXT_BYTES

LARGE: Final = 1 << 15
"""Smaller bytes are decoded without a look."""
MOST_FIELDS: Final = 64
LARGEST_FIELD: Final = 1 << 13
"""In bytes, of a field that holds no text and no state: sampling, limits with 16 stop strings, a model's name."""
TEXTS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("prefix", "insert", "text"), LARGEST_TEXT_BYTES),
    "already_received": 4 * LARGEST_TEXT_BYTES,  # it is bounded in characters
    "state": 1 << 19,
}
"""The largest texts and states, in bytes."""
NESTED: Final = ("open", "edit")


class Field(NamedTuple):
    """One field as it lies in the bytes."""

    number: int
    data: memoryview  # of a text or a nested message; empty for numbers


def check_shape(kind: Descriptor, data: bytes) -> None:
    """Raise InvalidField for large bytes that cannot be a legal message of the kind, or DecodeError for none at all."""
    if len(data) > LARGE:
        check_fields(kind, memoryview(data))


def check_fields(kind: Descriptor, data: memoryview) -> None:
    """The same of a message, or of what is nested in one."""
    for count, field in enumerate(fields_of(data)):
        if count >= MOST_FIELDS:
            raise InvalidField("request", Amount(f"more than {MOST_FIELDS} fields"), f"at most {MOST_FIELDS}")
        known = kind.fields_by_number.get(field.number)
        name = known.name if known else f"field {field.number}"
        if known and known.message_type and name in NESTED:
            check_fields(known.message_type, field.data)
        elif len(field.data) > (largest := TEXTS.get(name, LARGEST_FIELD)):
            raise InvalidField(name, Amount(f"{len(field.data)} bytes"), f"at most {largest} bytes")


def fields_of(data: memoryview) -> Iterator[Field]:
    """The fields, in order. Raises DecodeError."""
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        match key & 7:
            case 0:
                _, place = varint(data, place)
                size = 0
            case 1:
                size = 8
            case 2:
                size, place = varint(data, place)
            case 5:
                size = 4
            case _:
                raise DecodeError("a field of no known wire type")
        if place + size > len(data):
            raise DecodeError("a field that goes beyond the end")
        yield Field(key >> 3, data[place : place + size])
        place += size


def varint(data: memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place behind it. Raises DecodeError."""
    number = shift = 0
    while place < len(data) and shift < 70:
        byte = data[place]
        number |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return number, place
    raise DecodeError("a number without an end")
