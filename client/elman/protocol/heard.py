"""What is heard of a server about a document, and which of it an edit makes old. Knows no stream."""

from collections import deque
from typing import Final, TypeAlias

from elman.v1 import completion_service_pb2 as pb

LASTING_EVENTS: Final = ("started", "goodbye")

StateAnswer: TypeAlias = tuple[pb.ScoreRequest, bytes]
"""What a state was asked for, and the state; no bytes if none came."""

Heard: TypeAlias = pb.FollowResponse | StateAnswer


def lasting(heard: deque[Heard]) -> deque[Heard]:
    """What still holds once a newer request is sent; the rest answers an older text."""
    return deque(each for each in heard if isinstance(each, tuple) or each.WhichOneof("event") in LASTING_EVENTS)
