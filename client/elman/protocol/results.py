"""What comes back, as values: plain data without a transport."""

import json
import math
from base64 import b64encode
from dataclasses import asdict, dataclass, field
from typing import Any

from elman.errors import ElmanError
from elman.settings import shown
from elman.v1 import completion_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class Piece:
    """The next part of the text of one alternative; `str(piece)` is its text."""

    text: str
    alternative: int
    position: int
    log_probabilities: tuple[float, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def of(cls, piece: pb.Piece) -> "Piece":
        """The value that a message of the proto stands for."""
        return cls(piece.text, piece.alternative, piece.position, tuple(piece.log_probabilities))


@dataclass(frozen=True, slots=True)
class Usage:
    """What one alternative consumed and how long it took, as reported by the stream that finished it."""

    consumed_characters: int
    spared_characters: int
    unknown_characters: int
    generated_characters: int
    queue_seconds: float
    prime_seconds: float
    decode_seconds: float
    recalled_characters: int | None = None  # None: not counted

    @classmethod
    def of(cls, usage: pb.Usage) -> "Usage":
        """The value that a message of the proto stands for."""
        counted = [name for name in cls.__slots__ if name != "recalled_characters" or usage.HasField(name)]
        return cls(**{name: getattr(usage, name) for name in counted})


@dataclass(slots=True, repr=False)
class Alternative:
    """What was received of one alternative so far; `finish_reason` is None until it ended."""

    number: int
    pieces: list[str] = field(default_factory=list[str])
    log_probabilities: list[float] = field(default_factory=list[float])
    characters: int = 0
    finish_reason: str | None = None  # "length", "stop" or "confidence"
    state: bytes = b""
    usage: Usage | None = None

    @property
    def text(self) -> str:
        """The text received."""
        return "".join(self.pieces)

    def __repr__(self) -> str:
        return f"Alternative({self.number}, {shown(self.text)}, finish_reason={self.finish_reason!r})"

    def add(self, piece: Piece) -> None:
        """Append the next part of its text."""
        self.pieces.append(piece.text)
        self.log_probabilities.extend(piece.log_probabilities)
        self.characters += len(piece.text)

    def finish(self, finished: pb.Finished) -> None:
        """Take reason, state and usage from its last event."""
        self.finish_reason = reason_name(finished.reason)
        self.state = finished.state
        self.usage = Usage.of(finished.usage)

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` takes; log-probabilities only if there are any."""
        value: dict[str, Any] = {"alternative": self.number, "text": self.text, "finish_reason": self.finish_reason}
        value |= {"state": base64(self.state), "usage": asdict(self.usage) if self.usage else None}
        return value | ({"log_probabilities": self.log_probabilities} if self.log_probabilities else {})


@dataclass(frozen=True, slots=True)
class Score:
    """How likely a text is. Logarithms are natural; means per character are over all characters, unknown ones included."""

    characters: int
    unknown_characters: int
    total_log_probability: float
    log_probabilities: tuple[float, ...] = field(repr=False)
    state: bytes = field(repr=False)

    @classmethod
    def of(cls, response: pb.ScoreResponse) -> "Score":
        """The value that a message of the proto stands for."""
        return cls(
            response.characters,
            response.unknown_characters,
            response.total_log_probability,
            tuple(response.log_probabilities),
            response.state,
        )

    @property
    def nats_per_character(self) -> float:
        """The mean surprise in nats; 0 for an empty text."""
        return -self.total_log_probability / self.characters if self.characters else 0.0

    @property
    def bits_per_character(self) -> float:
        """The mean surprise in bits; 0 for an empty text."""
        return self.nats_per_character / math.log(2)

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` takes; log-probabilities only if there are any."""
        value: dict[str, Any] = {
            "characters": self.characters,
            "unknown_characters": self.unknown_characters,
            "total_log_probability": self.total_log_probability,
            "nats_per_character": self.nats_per_character,
            "bits_per_character": self.bits_per_character,
            "state": base64(self.state),
        }
        return value | ({"log_probabilities": self.log_probabilities} if self.log_probabilities else {})


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model that a server has loaded; `about` holds recipe, quality and licence."""

    name: str
    digest: str
    semantics_version: int
    layer_sizes: tuple[int, ...]
    vocabulary: str = field(repr=False)
    state_bytes: int
    about: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, description: pb.ModelDescription) -> "ModelDescription":
        """The value that a message of the proto stands for."""
        return cls(
            description.model.name,
            description.model.digest,
            description.semantics_version,
            tuple(description.layer_sizes),
            description.vocabulary,
            description.state_bytes,
            json.loads(description.about_json or "{}"),
        )

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` takes."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """What a model is doing: `busy_rows` of `rows` texts advance, and `waiting` wait, one of them for `oldest_seconds`.

    `is_kept`: its file holds something else by now, which was not taken. `is_replaced`: another one has taken its place.
    """

    name: str
    digest: str
    execution: str
    rows: int
    busy_rows: int
    waiting: int
    oldest_seconds: float
    is_kept: bool = False
    is_replaced: bool = False

    @classmethod
    def of(cls, status: pb.ModelStatus) -> "ModelStatus":
        """The value that a message of the proto stands for."""
        return cls(
            status.model.name,
            status.model.digest,
            status.execution,
            status.rows,
            status.busy_rows,
            status.waiting,
            status.oldest_seconds,
            status.is_kept,
            status.is_replaced,
        )


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """How a server is doing: its version, how long it runs, whether it is leaving, its calls, the bytes held for them."""

    version: str
    up_seconds: float
    is_draining: bool
    calls: int
    held_bytes: int
    most_bytes: int
    models: tuple[ModelStatus, ...]

    @classmethod
    def of(cls, response: pb.ListModelsResponse) -> "ServerStatus":
        """The value that a message of the proto stands for. Raises ElmanError where it tells none."""
        if not response.HasField("server"):
            raise ElmanError("no status is told: the server is an older one, or the engine runs in this process")
        status = response.server
        return cls(
            status.version,
            status.up_seconds,
            status.is_draining,
            status.calls,
            status.held_bytes,
            status.most_bytes,
            tuple(map(ModelStatus.of, status.models)),
        )

    def to_json(self) -> dict[str, Any]:
        """A value that `json.dumps` takes."""
        return asdict(self)


def reason_name(reason: int) -> str:
    """FINISH_REASON_LENGTH -> "length"; a number that this version does not know, as its digits."""
    names = {value: name for name, value in pb.FinishReason.items()}
    return names.get(reason, str(reason)).removeprefix("FINISH_REASON_").lower()


def base64(data: bytes) -> str:
    """Bytes as Base64, which JSON can carry."""
    return b64encode(data).decode("ascii")
