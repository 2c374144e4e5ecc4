"""A real server on port 0 with small real models, and real channels to it. Knows no test."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import numpy as np
import pytest

from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub
from elman_models.execution.protocol import Start as RowStart
from elman_models.law.artifact import Model, save
from elman_models.law.state import State
from elman_server.config import ServerConfig
from elman_server.engine.asker import Asker
from elman_server.engine.ending import Ending
from elman_server.engine.job import Job
from elman_server.server import Server
from elman_server.telemetry.log import LOGGER, JsonFormatter

DEADLINE_SECONDS = 20
LOOK_SECONDS = 0.005

Start: TypeAlias = Callable[..., Awaitable[Server]]
Connect: TypeAlias = Callable[..., "Client"]
Stream: TypeAlias = grpc.aio.UnaryStreamCall[pb.CompleteRequest, pb.CompleteResponse]
Logged: TypeAlias = Callable[[], list[dict[str, Any]]]
Until: TypeAlias = Callable[..., Awaitable[None]]


class Client:
    """A channel to one server. Whatever it begins is cancelled at the latest when the test is done with it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.stub = CompletionServiceStub(channel)

    @asynccontextmanager
    async def streaming(self, request: pb.CompleteRequest, seconds: float | None = None) -> AsyncGenerator[Stream, None]:
        """A running completion, with a deadline if one is given."""
        call = self.stub.Complete(request, timeout=seconds)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                yield call
        finally:
            call.cancel()

    async def complete(self, request: pb.CompleteRequest) -> list[pb.CompleteResponse]:
        """All events of a completion. Raises grpc.aio.AioRpcError."""
        async with self.streaming(request) as call:
            return [event async for event in call]

    async def refusal(self, request: pb.CompleteRequest) -> grpc.aio.AioRpcError:
        """How a completion is refused."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.complete(request)
        return caught.value

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so at the server: a look now and then, and a deadline."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():  # noqa: ASYNC110 # statistics tell nobody that they changed
                await asyncio.sleep(LOOK_SECONDS)


def text_of(events: Sequence[pb.CompleteResponse], alternative: int = 0) -> str:
    """The text of one alternative."""
    return "".join(event.piece.text for event in events if event.piece.alternative == alternative)


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory, make_model: Callable[..., Model]) -> dict[str, Path]:
    """The files of two models: `one` (the model of the fixture `model`) and `two`."""
    folder = tmp_path_factory.mktemp("models")
    paths = {name: folder / f"{name}.safetensors" for name in ("one", "two")}
    save(make_model(), paths["one"])
    save(make_model(characters="\n !abcdefgé…😀xyz", seed=2), paths["two"])
    return paths


@pytest.fixture(scope="session")
def make_text(model: Model) -> Callable[..., Job]:
    """A text for the engine to draw, of a caller."""

    def make(caller: str, characters: int = 1000, *, consumed: int = 0, is_document: bool = False) -> Job:
        ending = Ending(characters, (), None)
        job = Job(model, RowStart(State.initial(model)), lambda _: None, np.zeros(consumed, np.int32), ending=ending)
        job.ask_for(Asker(caller, is_document=is_document))
        return job

    return make


@pytest.fixture
async def start(artifacts: dict[str, Path]) -> AsyncIterator[Start]:
    """Starts a server: the model `one`, 4 rows, no wait at its end, unless told otherwise. (make_execution=..., **config)."""
    async with AsyncExitStack() as stack:

        async def start_one(**given: Any) -> Server:
            others = {name: given.pop(name) for name in ("make_execution",) if name in given}
            small: dict[str, Any] = {"models": (f"one={artifacts['one']}",), "port": 0, "metrics_port": 0, "rows": 4}
            config: dict[str, Any] = {**small, "drain_notice_seconds": 0, "grace_seconds": 0, **given}
            server = Server(ServerConfig(**config), **others)
            await server.start()
            stack.push_async_callback(stop, server)
            return server

        yield start_one


async def stop(server: Server) -> None:
    """Stop a server, again if the test has done so."""
    server.leave()
    await server.until_stopped()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens a channel of its own to a server, or to several: (server, *options)."""
    async with AsyncExitStack() as stack:

        def connect_one(server: Server | Sequence[Server], *options: tuple[str, int | str]) -> Client:
            own = ("grpc.use_local_subchannel_pool", 1)
            servers = server if isinstance(server, Sequence) else [server]
            addresses = ",".join(f"127.0.0.1:{each.port}" for each in servers)
            channel = grpc.aio.insecure_channel(f"ipv4:{addresses}", [own, *options])
            stack.push_async_callback(channel.close)
            return Client(channel)

        yield connect_one


@pytest.fixture
async def server(start: Start) -> Server:
    """A server of the model `one` with 4 rows."""
    return await start()


@pytest.fixture
async def client(server: Server, connect: Connect) -> Client:
    """A client of `server`."""
    return connect(server)


@pytest.fixture
def text() -> Callable[..., str]:
    """Finds the text of one alternative: (events, alternative=0)."""
    return text_of


@pytest.fixture
def logged() -> Iterator[Logged]:
    """The lines of the log so far."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    level = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    LOGGER.removeHandler(handler)
    LOGGER.setLevel(level)


@pytest.fixture
def until(logged: Logged) -> Until:
    """Waits until an event is in the log so often: (event, times=1)."""

    async def wait(event: str, times: int = 1) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while sum(line["event"] == event for line in logged()) < times:  # noqa: ASYNC110 # the log tells nobody
                await asyncio.sleep(LOOK_SECONDS)

    return wait
