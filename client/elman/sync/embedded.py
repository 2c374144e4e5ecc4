"""The engine in this process behind the face of `Client`, found when it is asked for: a thin client needs none of it."""

import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from elman.errors import AllowMoreTime, ElmanError, from_engine
from elman.extras import extra
from elman.protocol.heard import Heard, lasting
from elman.sync.client import Client
from elman.sync.stream import DocumentStream
from elman.v1 import completion_service_pb2 as pb

DEFAULT_MODEL: Final = "shakespeare"

SESSION_BYTES: Final = 4 << 20
"""What the engine in this process may keep of a document, where a server keeps 256 kB: a million characters and some states."""


class FollowedDocument(Protocol):
    """One document that is followed in this process."""

    def send(self, request: pb.FollowRequest) -> None:
        """Tell of an event."""
        ...

    def __iter__(self) -> Iterator[pb.FollowResponse]:
        """The responses, each with no more work than it needs; ends where only a request brings more."""
        ...

    def close(self) -> None:
        """Stop what is under way."""
        ...


class Engine(Protocol):
    """What elman_server.embedded offers. A refused request raises an exception with an attribute `status`."""

    def complete(self, request: pb.CompleteRequest) -> Iterator[pb.CompleteResponse]:
        """The events of one completion."""
        ...

    def follow(self, size: int) -> FollowedDocument:
        """A stream about a document, which is remembered within so many bytes."""
        ...

    def score(self, request: pb.ScoreRequest) -> pb.ScoreResponse:
        """The score of a text."""
        ...

    def list_models(self, request: pb.ListModelsRequest) -> pb.ListModelsResponse:
        """The models."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class EngineTransport:
    """A transport without a wire. A score is one step of work, which its timeout does not cut short."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> Generator[pb.CompleteResponse]:
        """The events of one completion."""
        deadline = None if seconds is None else time.monotonic() + seconds
        with refusals():
            for event in self._engine.complete(request):
                yield event
                if deadline is not None and time.monotonic() >= deadline:
                    raise AllowMoreTime("the timeout has passed")

    def follow(self) -> DocumentStream:
        """A stream about a document; to be closed."""
        return EngineDocumentStream(self._engine.follow(SESSION_BYTES))

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> Generator[pb.ScoreResponse]:
        """The score of a text, as the only event."""
        with refusals():
            yield self._engine.score(request)

    def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """The models."""
        with refusals():
            return self._engine.list_models(request)

    def close(self) -> None:
        """Give back what is held."""
        self._engine.close()


class EngineDocumentStream:
    """A stream without a wire: only the thread that waits works, on the newest requests, from one response to the next."""

    def __init__(self, follow: FollowedDocument) -> None:
        self._follow = follow
        self._working = threading.Lock()
        self._requests: deque[pb.FollowRequest] = deque()
        self._responses: deque[Heard] = deque()
        self._is_woken = threading.Event()
        self.failure: ElmanError | None = None

    def send(self, request: pb.FollowRequest) -> None:
        """Tell of an event."""
        self._responses = lasting(self._responses)
        self._requests.append(request)
        self._is_woken.set()

    def ask(self, request: pb.ScoreRequest) -> None:
        """Nothing: an engine in this process is not lost, and remembers a long document by itself."""

    def take(self) -> Heard | None:
        """The next response, if it is made."""
        return self._responses.popleft() if self._responses else None

    def wait(self, seconds: float | None) -> None:
        """Make the next response; if only a request brings one, wait for that."""
        self._is_woken.clear()
        with self._working:
            is_idle = not self._work()
        if is_idle:
            self._is_woken.wait(seconds)

    def _work(self) -> bool:
        """Whether something came of it."""
        try:
            with refusals():
                while self._requests:
                    self._follow.send(self._requests.popleft())
                response = next(iter(self._follow), None)
        except ElmanError as error:
            self.failure = error
            return True
        if response:
            self._responses.append(response)
        return response is not None

    def wake(self) -> None:
        """End the present wait."""
        self._is_woken.set()

    def close(self) -> None:
        """Stop what is under way, once the present step is done."""
        with self._working:
            self._follow.close()


def open_client(model: str = DEFAULT_MODEL, *, device: str = "auto") -> Client:
    """A client on an engine in this process, for one thread: a shipped model's name, a path or NAME=PATH; empty: all shipped.

    Raises InstallExtra, PickAnotherModel, MendRequest or OSError.
    """
    with extra("serve"):
        from elman_server.embedded import open_embedded

    with refusals():
        return Client.over([EngineTransport(open_embedded([model] if model else [], device))])


@contextmanager
def refusals() -> Generator[None]:
    """Turn what the engine refuses into this library's errors."""
    try:
        yield
    except Exception as error:
        meant = from_engine(error)
        if meant is None:
            raise
        raise meant from error
