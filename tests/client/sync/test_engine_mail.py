"""What an engine says while somebody types is neither lost nor in the way of the next key."""

import sys
import threading
from collections.abc import Iterator, Sequence

import pytest

from elman.engine import EngineMail
from elman.v1 import completion_service_pb2 as pb

STARTED = pb.FollowResponse(started=pb.Started())
KEYS, RESPONSES = 300, 3000


class Silent:
    """A document of an engine that is not asked."""

    def send(self, request: pb.FollowRequest) -> None:
        """Nothing is sent."""

    def steps(self) -> Iterator[Sequence[pb.FollowResponse]]:
        """None are made."""
        return iter(())

    def close(self) -> None:
        """Nothing runs."""


@pytest.fixture
def often() -> Iterator[None]:
    """Threads take turns as often as they can."""
    seconds = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(seconds)


@pytest.mark.usefixtures("often")
def test_keys_and_responses_that_come_together_lose_nothing() -> None:
    mail = EngineMail(Silent(), threading.Event())
    working = threading.Thread(target=lambda: [mail.receive([STARTED]) for _ in range(RESPONSES)])
    working.start()
    for _ in range(KEYS):
        mail.send(pb.FollowRequest())
    working.join()
    assert sum(mail.take() is not None for _ in range(RESPONSES + 1)) == RESPONSES
