"""The engine in this process behind the face of `Client`, imported when it is asked for: a thin client needs none of it."""

import threading
from collections.abc import Callable, Generator
from typing import TypeAlias

from elman.engine import (
    SESSION_BYTES,
    Deadline,
    EmbeddedEngine,
    EngineMail,
    FollowedDocument,
    open_engine,
    refusals,
)
from elman.errors import ElmanError, GoElsewhere
from elman.languages import DEFAULT_MODEL
from elman.sync.client import Client
from elman.v1 import completion_service_pb2 as pb

Watch: TypeAlias = Callable[[int], None]
"""Is told how many more characters of a text were read."""


def unwatched(characters: int) -> None:
    """Tell nobody."""


class EngineTransport:
    """A transport without a network."""

    def __init__(self, engine: EmbeddedEngine, watch: Watch = unwatched) -> None:
        self._engine, self._watch = engine, watch
        self._awaited: set[EngineDocumentStream] = set()

    def complete(self, request: pb.CompleteRequest, seconds: float | None) -> Generator[pb.CompleteResponse]:
        with refusals():
            yield from self._engine.complete(request, self._check(len(request.prefix), seconds))

    def follow(self) -> "EngineDocumentStream":
        return EngineDocumentStream(self._engine, self._engine.follow(SESSION_BYTES), self._awaited)

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> Generator[pb.ScoreResponse]:
        with refusals():
            yield self._engine.score(request, self._check(len(request.text), seconds))

    def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        with refusals():
            return self._engine.list_models(request)

    def close(self) -> None:
        self._engine.close()

    def _check(self, characters: int, seconds: float | None) -> Callable[[int], None]:
        """Tells how many of a request's characters were read; raises AllowMoreTime when it is called after the seconds."""
        deadline, unread = Deadline(seconds), characters

        def check(left: int) -> None:
            nonlocal unread
            deadline.check(left)
            if left < unread:
                self._watch(unread - left)
                unread = left

        return check


class EngineDocumentStream(EngineMail):
    """A stream without a network: the thread that waits does the work, on the newest requests, a step at a time."""

    is_embedded = True

    def __init__(self, engine: EmbeddedEngine, follow: FollowedDocument, awaited: "set[EngineDocumentStream]") -> None:
        """`awaited` are the streams of this engine at which somebody waits."""
        self._engine, self._awaited = engine, awaited
        self._working, self._is_woken = threading.Lock(), threading.Event()
        super().__init__(follow, self._is_woken)

    def read(self, request: pb.ScoreRequest, is_idle: Callable[[], bool]) -> bytes:
        """A step of the engine, about a millisecond, after another, while there is nothing else to do."""

        def check(left: int) -> None:
            if self._awaited or not is_idle():
                raise GoElsewhere("there is something else to do")

        try:
            with self._working, refusals():
                return self._engine.score(request, check).state
        except ElmanError:
            return b""

    def wait(self, seconds: float | None) -> None:
        """Make the next responses; if only a request can bring one, wait for that. Whatever wakes it, ends it after a step."""
        self._awaited.add(self)
        try:
            with self._working:
                is_idle = not self._work()
        finally:
            self._awaited.discard(self)
        if is_idle:
            self._is_woken.wait(seconds)
        self._is_woken.clear()

    def _work(self) -> bool:
        """Whether it brought responses or a failure, or was interrupted."""
        try:
            with refusals():
                self._deliver()
                for responses in self._follow.steps():
                    self.receive(responses)
                    if responses or self._is_woken.is_set():
                        return True
        except ElmanError as error:
            self.failure = error
            return True
        return False

    def close(self) -> None:
        """Cancel what the engine is doing for it, once the present step is done."""
        with self._working:
            self._follow.close()


def open_client(model: str = DEFAULT_MODEL, *, device: str = "auto", watch: Watch = unwatched) -> Client:
    """A client on an engine in this process, for one thread.

    `model` is the name of a shipped model, a path or NAME=PATH; if it is empty, all shipped models are loaded. While a text is
    scored or completed, `watch` is told how many more of its characters were read.

    Raises InstallExtra, PickAnotherModel, MendRequest or OSError.
    """
    return Client.over([EngineTransport(open_engine(model, device), watch)])
