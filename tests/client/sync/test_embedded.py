"""Reading ahead at an engine in this process: only while nobody edits and nobody waits for suggestions."""

from collections.abc import Callable, Iterator

from elman.sync.embedded import EngineTransport
from elman.sync.stream import DocumentStream
from elman.v1 import completion_service_pb2 as pb


class Engine:
    """An engine that looks up twice before a text is read. Its documents do something when they are waited for."""

    def __init__(self) -> None:
        self.act: Callable[[], object] = lambda: None

    def complete(self, request: pb.CompleteRequest, check: Callable[[int], None]) -> Iterator[pb.CompleteResponse]:
        raise AssertionError

    def follow(self, size: int) -> "Engine":
        return self

    def send(self, request: pb.FollowRequest) -> None:
        raise AssertionError

    def steps(self) -> Iterator[list[pb.FollowResponse]]:
        self.act()
        yield [pb.FollowResponse(revision=1)]

    def score(self, request: pb.ScoreRequest, check: Callable[[int], None]) -> pb.ScoreResponse:
        check(2)
        check(1)
        return pb.ScoreResponse(state=b"state")

    def list_models(self, request: pb.ListModelsRequest) -> pb.ListModelsResponse:
        raise AssertionError

    is_outdated = False

    def stay(self) -> None: ...

    def close(self) -> None: ...


def read(stream: DocumentStream, *idle: bool) -> bytes:
    moments = iter(idle)
    return stream.read(pb.ScoreRequest(text="a"), lambda: next(moments))


def test_a_state_is_read_unless_there_is_something_else_to_do() -> None:
    stream = EngineTransport(Engine()).follow()
    assert stream.is_embedded
    assert read(stream, True, True) == b"state"
    assert read(stream, False) == b""
    assert read(stream, True, False) == b""


def test_reading_ahead_gives_way_to_another_document_that_somebody_waits_for() -> None:
    engine = Engine()
    transport = EngineTransport(engine)
    stream, other = transport.follow(), transport.follow()
    found: list[bytes] = []
    engine.act = lambda: found.append(read(stream, True, True))
    other.wait(None)
    assert found == [b""]
    assert read(stream, True, True) == b"state"
