"""What the models refuse.

ValueError
├── Refused            a value from outside that is not accepted; `status` is the gRPC status that says so
│   ├── InvalidField   a field out of range: names field, value and what is allowed
│   └── WrongModel     a state or digest that belongs to another model or version
└── ArtifactError      a model file that is damaged, foreign or absurd
"""

from typing import ClassVar

from elman.settings import refusal


class Amount(str):
    """How much there is of something that is too long to show, such as "3 bytes"."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Refused(ValueError):
    """A value from outside that is not accepted."""

    status: ClassVar[str]


class InvalidField(Refused):
    """A field whose value is not allowed: its name, the value and what is allowed."""

    status = "INVALID_ARGUMENT"

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(refusal(field, value, allowed))
        self.field = field


class WrongModel(Refused):
    """A state or digest belongs to another model or version; send the text again from its start."""

    status = "FAILED_PRECONDITION"


class ArtifactError(ValueError):
    """A model file is damaged, foreign or absurd."""
