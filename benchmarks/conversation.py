"""What a real server answered, kept so that the echo server can say the same: the same bytes in as many messages.

Of Complete, a conversation is a call. Of Follow, it is what followed one request: the open first, then each key.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from elman.v1 import completion_service_pb2 as pb

Message = TypeVar("Message", pb.CompleteResponse, pb.FollowResponse)


def save(conversations: Sequence[Sequence[Message]], path: Path) -> None:
    """Write every message as hexadecimal digits."""
    path.write_text(json.dumps([[message.SerializeToString().hex() for message in one] for one in conversations]))


def load(path: Path, kind: type[Message]) -> list[list[Message]]:
    """Read what `save` wrote."""
    return [[kind.FromString(bytes.fromhex(digits)) for digits in one] for one in json.loads(path.read_text())]
