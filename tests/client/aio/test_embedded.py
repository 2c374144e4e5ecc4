"""The engine in this process for an event loop: it says what the synchronous one says, and lets others in between its steps."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.aio.client import AsyncClient
from elman.aio.embedded import AsyncEngineDocumentStream, AsyncEngineTransport
from elman.engine import open_engine
from elman.errors import AllowMoreTime, MendRequest
from elman.v1 import completion_service_pb2 as pb

GIVEN: dict[str, Any] = {"max_characters": 12, "seed": 3, "min_confidence": 0}
LONG = "a bad cab\n" * 10_000


@pytest.fixture
async def client(artifact: Path) -> AsyncIterator[AsyncClient]:
    async with AsyncClient.over([AsyncEngineTransport(open_engine(str(artifact), "cpu"))]) as client:
        yield client


async def test_it_says_what_the_synchronous_one_says(client: AsyncClient, artifact: Path) -> None:
    with elman.open(str(artifact), device="cpu") as twin:
        assert await client.complete("a bad ", seed=1).read() == twin.complete("a bad ", seed=1).read()
        assert await client.score("a bad cab") == twin.score("a bad cab")
        assert await client.models() == twin.models()
        async with client.document("a bad ", **GIVEN) as document:
            with twin.document("a bad ", **GIVEN) as other:
                for character in "cab":
                    document.insert(character)
                    other.insert(character)
                    assert [one.text async for one in document.suggestions()] == [one.text for one in other.suggestions()]


async def test_what_is_refused_is_named(client: AsyncClient) -> None:
    with pytest.raises(MendRequest, match="temperature"):
        await client.complete("a", temperature=99).read()
    document = client.document("a", max_characters=1 << 20)
    with pytest.raises(MendRequest, match="max_characters"):
        _ = [one async for one in document.suggestions()]


async def test_a_timeout_ends_a_long_text(client: AsyncClient) -> None:
    with pytest.raises(AllowMoreTime):
        await client.score(LONG * 10, timeout=0.001)


async def test_others_have_their_turn_while_a_long_text_is_read_and_an_edit_ends_the_wait(artifact: Path) -> None:
    stream: AsyncEngineDocumentStream = AsyncEngineTransport(open_engine(str(artifact), "cpu")).follow()
    stream.send(pb.FollowRequest(revision=1, open=pb.Open(prefix=LONG, suggest=True)))
    await stream.wait(None)
    started = stream.take()
    assert isinstance(started, pb.FollowResponse)
    assert started.HasField("started")
    waiting = asyncio.create_task(stream.wait(None))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()
    stream.send(pb.FollowRequest(revision=2, edit=pb.Edit(keep=0, insert="a bad ", suggest=True)))
    await waiting
    assert stream.take() is None
    await stream.wait(None)
    response = stream.take()
    assert isinstance(response, pb.FollowResponse)
    assert (response.revision, response.HasField("suggestion")) == (2, True)


async def test_a_wait_for_the_next_request_ends_after_its_seconds(client: AsyncClient) -> None:
    stream = AsyncEngineTransport(open_engine("shakespeare", "cpu")).follow()
    await stream.wait(0.001)
    assert stream.take() is None


def test_neither_grpc_nor_torch_is_imported_for_it() -> None:
    code = (
        "import sys, elman.aio.embedded, elman_server.embedded, elman.lsp.server; print(*{'grpc', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
