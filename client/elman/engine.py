"""The engine in this process: what it offers, and how it is opened. A thin client needs none of it."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from elman.errors import from_engine
from elman.extras import extra
from elman.v1 import completion_service_pb2 as pb

DEFAULT_MODEL: Final = "shakespeare"

SESSION_BYTES: Final = 4 << 20
"""What the engine in this process may keep of a document: a million characters and some states. A server keeps 256 kB."""


class FollowedDocument(Protocol):
    """One document that is followed in this process."""

    def send(self, request: pb.FollowRequest) -> None:
        """Take a request. Raises an exception with an attribute `status` if it is refused."""
        ...

    def steps(self) -> Iterator[pb.FollowResponse | None]:
        """The responses, and None after each step that brought none; ends when only a request can bring more."""
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

    def close(self) -> None:
        """End; nothing may be asked afterwards."""
        ...


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
