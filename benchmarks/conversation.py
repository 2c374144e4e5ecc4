"""What a real server answered, kept so that the echo server can say the same: the same bytes in as many messages."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from elman.v1 import completion_service_pb2 as pb

Conversation: TypeAlias = Sequence[pb.CompleteResponse]


def save(conversations: Sequence[Conversation], path: Path) -> None:
    """Write every message as hexadecimal digits."""
    path.write_text(json.dumps([[message.SerializeToString().hex() for message in one] for one in conversations]))


def load(path: Path) -> list[Conversation]:
    """Read what `save` wrote."""
    return [[pb.CompleteResponse.FromString(bytes.fromhex(digits)) for digits in one] for one in json.loads(path.read_text())]
