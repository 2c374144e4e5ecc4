"""The engine in this process: what it offers, and how it is opened. A thin client needs none of it."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from elman.errors import AllowMoreTime, ElmanError, from_engine
from elman.extras import extra
from elman.protocol.heard import Heard, lasting
from elman.v1 import completion_service_pb2 as pb

SESSION_BYTES: Final = 4 << 20
"""What the engine in this process may keep of a document: a million characters and some states. A server keeps 256 kB."""


class FollowedDocument(Protocol):
    """One document that is followed in this process."""

    def send(self, request: pb.FollowRequest) -> None:
        """Take a request. Raises an exception with an attribute `status` if it is refused."""
        ...

    def steps(self) -> Iterator[Sequence[pb.FollowResponse]]:
        """The responses that each step brought, which may be none; ends when only a request can bring more."""
        ...

    def close(self) -> None:
        """Cancel what the engine is doing for it."""
        ...


class EmbeddedEngine(Protocol):
    """What elman_server.embedded offers. A refused request raises an exception with an attribute `status`.

    `check` is called often while there is work, with how many characters are still to be read; what it raises ends the work.
    """

    def complete(self, request: pb.CompleteRequest, check: Callable[[int], None]) -> Iterator[pb.CompleteResponse]:
        """Answer Complete."""
        ...

    def follow(self, size: int) -> FollowedDocument:
        """Answer Follow; at most `size` bytes are kept of the document."""
        ...

    def score(self, request: pb.ScoreRequest, check: Callable[[int], None]) -> pb.ScoreResponse:
        """Answer Score."""
        ...

    def list_models(self, request: pb.ListModelsRequest) -> pb.ListModelsResponse:
        """Answer ListModels."""
        ...

    @property
    def is_outdated(self) -> bool:
        """Whether a file that it was loaded from was replaced since, or since `stay`."""
        ...

    def stay(self) -> None:
        """Be what it is, whatever its files hold now."""
        ...

    def close(self) -> None:
        """End; nothing may be asked afterwards."""
        ...


class Deadline:
    """Ends work that takes too long."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def check(self, left: int) -> None:
        """Raise AllowMoreTime once the time is over, however much is left to read."""
        if self._end is not None and time.monotonic() >= self._end:
            raise AllowMoreTime("the timeout has passed")


class Waker(Protocol):
    """An event, of threads or of a loop."""

    def set(self) -> None:
        """Wake who waits."""
        ...


class EngineMail:
    """What a document's stream without a network holds: requests for the engine, and responses that nobody took yet.

    One thread may send while another has the engine work.
    """

    failure: ElmanError | None = None

    def __init__(self, follow: FollowedDocument, waker: Waker) -> None:
        self._follow, self._waker = follow, waker
        self._requests: deque[pb.FollowRequest] = deque()
        self._responses: deque[Heard] = deque()
        self._held = threading.Lock()

    def send(self, request: pb.FollowRequest) -> None:
        """Have a request taken at the next step; what was said of an older text is dropped."""
        with self._held:
            self._responses = lasting(self._responses)
        self._requests.append(request)
        self._waker.set()

    def ask(self, request: pb.ScoreRequest) -> None:
        """Do nothing: an engine in this process cannot be lost, and remembers a long document by itself."""

    def take(self) -> Heard | None:
        """The next response, if there is one."""
        with self._held:
            return self._responses.popleft() if self._responses else None

    def receive(self, responses: Sequence[pb.FollowResponse]) -> None:
        """Keep what the engine has said."""
        with self._held:
            self._responses.extend(responses)

    def wake(self) -> None:
        """End a wait."""
        self._waker.set()

    def _deliver(self) -> None:
        """Give the engine the requests."""
        while self._requests:
            self._follow.send(self._requests.popleft())


def open_engine(model: str, device: str) -> EmbeddedEngine:
    """An engine for the name of a shipped model, a path or NAME=PATH; if it is empty, all shipped models are loaded.

    Raises InstallExtra, PickAnotherModel, MendRequest or OSError.
    """
    with extra("serve"):
        from elman_server.embedded import open_embedded

    with refusals():
        return open_embedded([model] if model else [], device)


@contextmanager
def refusals() -> Generator[None]:
    """Raises the error of this library for what the engine refuses."""
    try:
        yield
    except Exception as error:
        meant = from_engine(error)
        if meant is None:
            raise
        raise meant from error
