"""The engine in this process behind the face of `Client`, found when it is asked for: a thin client needs none of it."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, cast

from elman.client import Client
from elman.errors import AllowMoreTime, of_engine
from elman.needed import needed
from elman.v1 import completion_service_pb2 as pb

DEFAULT_MODEL: Final = "shakespeare"


class Engine(Protocol):
    """What elman_server.embedded offers. A refused request raises an exception with an attribute `status`."""

    def complete(self, request: pb.CompleteRequest) -> Iterator[pb.CompleteResponse]:
        """The events of one completion."""
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

    def score(self, request: pb.ScoreRequest, seconds: float | None) -> pb.ScoreResponse:
        """The score of a text."""
        with refusals():
            return self._engine.score(request)

    def list_models(self, request: pb.ListModelsRequest, seconds: float | None) -> pb.ListModelsResponse:
        """The models."""
        with refusals():
            return self._engine.list_models(request)

    def close(self) -> None:
        """Give back what is held."""
        self._engine.close()


def open_client(model: str = DEFAULT_MODEL, *, device: str = "auto") -> Client:
    """A client on an engine in this process, for one thread: a shipped model's name, a path or NAME=PATH; empty: all shipped.

    Raises InstallExtra, PickAnotherModel, MendRequest or OSError.
    """
    open_engine = cast("Callable[[Sequence[str], str], Engine]", needed("elman_server.embedded", "serve").open_embedded)
    with refusals():
        return Client.over([EngineTransport(open_engine([model] if model else [], device))])


@contextmanager
def refusals() -> Generator[None]:
    """Turn what the engine refuses into this library's errors."""
    try:
        yield
    except Exception as error:
        meant = of_engine(error)
        if meant is None:
            raise
        raise meant from error
