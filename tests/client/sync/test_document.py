"""Documents at real servers: threads, pauses, long texts, servers that leave, and replicas that are found by name."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.aio.client import AsyncClient
from elman.aio.document import AsyncDocument
from elman.errors import GoElsewhere, MendRequest, PickAnotherModel
from elman.protocol.draft import Draft
from elman.protocol.retry import Retry
from elman.sync.client import Client
from elman.sync.document import Document
from elman.sync.embedded import EngineTransport
from elman.v1 import completion_service_pb2 as pb
from elman_server.config import ServerConfig
from elman_server.embedded import open_embedded
from elman_server.server import Server

PATIENT, ONCE = Retry(first_seconds=0.02), Retry(attempts=1)
GIVEN: dict[str, Any] = {"max_characters": 12, "seed": 3, "min_confidence": 0}


@pytest.fixture
async def servers(artifact: Path) -> AsyncIterator[list[Server]]:
    """Two real servers in this event loop."""
    config = ServerConfig((f"tiny={artifact}",), port=0, metrics_port=0, rows=4, drain_notice_seconds=1, grace_seconds=0)
    servers = [Server(config) for _ in range(2)]
    for server in servers:
        await server.start()
    yield servers
    for server in servers:
        server.leave()
    await asyncio.gather(*(server.until_stopped() for server in servers))


def addresses(servers: list[Server]) -> list[str]:
    return [f"127.0.0.1:{server.port}" for server in servers]


async def last(document: AsyncDocument) -> str:
    """The whole suggestion."""
    text = ""
    async for suggestion in document.suggestions():
        text = suggestion.text
    return text


async def afresh(client: AsyncClient, document: AsyncDocument) -> str:
    text = document.text[: document.cursor]
    return await client.complete(text, temperature=0, seed=3, max_characters=12, stop=["\n"]).read()


async def test_a_document_goes_on_elsewhere_when_its_server_leaves(servers: list[Server]) -> None:
    async with AsyncClient(addresses(servers), retry=PATIENT) as client, client.document("a bad ", **GIVEN) as document:
        assert await last(document) == await afresh(client, document)
        servers[0].leave()
        leaving = asyncio.create_task(servers[0].until_stopped())
        document.insert("cab")
        assert await last(document) == await afresh(client, document)
        await leaving
        document.insert("b")
        assert await last(document) == await afresh(client, document)


async def test_suggestions_carry_the_log_probabilities_of_their_characters(servers: list[Server]) -> None:
    async with (
        AsyncClient(addresses(servers), retry=PATIENT) as client,
        client.document("a bad ", include_log_probabilities=True, whole_words=True, **GIVEN) as document,
    ):
        found = [each async for each in document.suggestions()]
        servers[0].leave()
        document.insert("c")
        found += [each async for each in document.suggestions()]
        completion = client.complete("a bad c", temperature=0, stop=["\n"], include_log_probabilities=True, **GIVEN)
        pieces = [piece async for piece in completion]
    assert found[-1].text
    assert all(len(each.log_probabilities) == len(each.text) for each in found)
    expected = [one for piece in pieces for one in piece.log_probabilities]
    assert found[-1].log_probabilities == pytest.approx(expected[: len(found[-1].text)], abs=1e-6)


async def test_nothing_is_suggested_after_a_deletion_unless_asked_for(servers: list[Server]) -> None:
    async with AsyncClient(addresses(servers)) as client, client.document("a bad cab", **GIVEN) as document:
        document.delete()
        assert await last(document) == ""
        document.delete(suggest=True)
        assert await last(document) == await afresh(client, document)
        document.dismiss()
        assert await last(document) == ""


async def test_edits_that_do_not_rest_are_not_suggested_for(servers: list[Server]) -> None:
    async with AsyncClient(addresses(servers)) as client, client.document("a", debounce_seconds=0.1, **GIVEN) as document:
        began = time.monotonic()
        document.insert("b")
        assert await last(document)
        assert time.monotonic() - began >= 0.1


async def test_a_task_draws_while_another_types(servers: list[Server]) -> None:
    drawn: list[tuple[int, str]] = []
    async with AsyncClient(addresses(servers)) as client, client.document(**GIVEN) as document:

        async def draw() -> None:
            while await document.wait():
                drawn.extend([(each.position, each.text) async for each in document.suggestions()])

        drawing = asyncio.create_task(draw())
        for character in "a bad cab":
            document.insert(character)
            await asyncio.sleep(0.001)
        expected = (9, await afresh(client, document))
        async with asyncio.timeout(10):
            while not drawn or drawn[-1] != expected:  # noqa: ASYNC110 (what is drawn tells nobody)
                await asyncio.sleep(0.01)
        await document.close()
        await drawing
    assert [position for position, _ in drawn] == sorted(position for position, _ in drawn)


def draw_while_typing(document: Document, expected: str) -> None:
    """Type in this thread while another draws, until it has drawn what is expected."""
    drawn: list[str] = []
    is_drawn = threading.Event()

    def draw() -> None:
        while document.wait():
            for suggestion in document.suggestions():
                drawn.append(suggestion.text)
                if (suggestion.position, suggestion.text) == (9, expected):
                    is_drawn.set()

    drawing = threading.Thread(target=draw)
    drawing.start()
    for character in "a bad cab":
        document.insert(character)
        time.sleep(0.001)
    assert is_drawn.wait(10)
    document.delete()
    document.close()
    drawing.join(10)
    assert not drawing.is_alive()


@pytest.mark.parametrize("debounce_seconds", [0.0, 0.05])
async def test_a_thread_draws_while_another_types(servers: list[Server], debounce_seconds: float) -> None:
    def work() -> None:
        with Client(addresses(servers)) as client:
            expected = client.complete("a bad cab", temperature=0, seed=3, max_characters=12, stop=["\n"]).read()
            draw_while_typing(client.document(debounce_seconds=debounce_seconds, **GIVEN), expected)

    await asyncio.to_thread(work)


@pytest.mark.parametrize("debounce_seconds", [0.0, 0.05])
def test_a_thread_draws_while_another_types_with_the_engine_in_this_process(artifact: Path, debounce_seconds: float) -> None:
    with elman.open(str(artifact), device="cpu") as client:
        expected = client.complete("a bad cab", temperature=0, seed=3, max_characters=12, stop=["\n"]).read()
        draw_while_typing(client.document(debounce_seconds=debounce_seconds, **GIVEN), expected)


async def test_a_long_text_is_sent_once_and_then_by_a_state(servers: list[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[bytes] = []

    def note_state(draft: Draft, request: pb.ScoreRequest, state: bytes) -> None:
        states.append(state)
        noted(draft, request, state)

    noted = Draft.note_state
    monkeypatch.setattr(Draft, "note_state", note_state)
    text = "a bad cab, a fed bed\n" * 1000
    async with AsyncClient(addresses(servers), retry=PATIENT) as client, client.document(text, stop=[], **GIVEN) as document:
        assert await last(document)
        async with asyncio.timeout(10):
            while not states:  # one is on its way, and is taken when suggestions are asked for
                await asyncio.sleep(0.01)
                await last(document)
        servers[0].leave()
        leaving = asyncio.create_task(servers[0].until_stopped())
        document.insert("a")
        assert await last(document)
        assert servers[1].statistics().row_steps < len(text) // 2
        await leaving


async def test_replicas_of_one_name_share_the_calls_and_one_that_drains_is_left_in_time(servers: list[Server]) -> None:
    async with AsyncClient(f"ipv4:{','.join(addresses(servers))}", retry=ONCE) as client:
        for _ in range(20):
            await client.score("a bad ")
        assert min(server.statistics().row_steps for server in servers) > 0
        servers[0].leave()
        leaving = asyncio.create_task(servers[0].until_stopped())
        await asyncio.sleep(0.2)  # well within the notice
        for _ in range(20):
            await client.score("a bad ")
        await leaving


async def test_a_document_follows_the_replicas_of_one_name(servers: list[Server]) -> None:
    name = f"ipv4:{','.join(addresses(servers))}"
    async with AsyncClient(name, retry=PATIENT) as client, client.document("a bad ", **GIVEN) as document:
        assert await last(document)
        servers[0].leave()
        leaving = asyncio.create_task(servers[0].until_stopped())
        document.insert("cab")
        assert await last(document) == await afresh(client, document)
        await leaving


async def test_errors_are_those_of_the_client(servers: list[Server]) -> None:
    async with AsyncClient(addresses(servers)) as client, client.document("a", model="nobody") as document:
        with pytest.raises(PickAnotherModel, match="nobody"):
            await last(document)
        document.switch("tiny")
        assert await last(document)
        with pytest.raises(MendRequest, match="temperature"):
            await last(client.document("a", temperature=-1))
    with pytest.raises(GoElsewhere):
        list(Client("127.0.0.1:1", retry=ONCE).document("a").suggestions())


REFUSED: list[tuple[Callable[[Client], object], str]] = [
    (lambda client: client.document("a\ud800"), "text: U\\+D800"),
    (lambda client: client.document("a", cursor=2), "cursor: 2 is out of range; allowed: 0 to 1"),
    (lambda client: client.document("a", alternatives=17), "alternatives: 17 is out of range; allowed: 1 to 16"),
    (lambda client: client.document("a", debounce_seconds=-1), "debounce_seconds: -1 is out of range"),
    (lambda client: client.document("a").suggestions(timeout=0), "timeout: 0 is out of range"),
]


@pytest.mark.parametrize(("act", "field"), REFUSED)
def test_a_document_that_cannot_be_is_refused_at_once(act: Callable[[Client], object], field: str) -> None:
    with Client() as client, pytest.raises(MendRequest, match=field):
        act(client)


def test_a_wake_ends_the_wait_for_an_engine_in_this_process_after_a_step(artifact: Path) -> None:
    """So that an edit waits for no more of a long text than the engine reads at once."""
    stream = EngineTransport(open_embedded([f"tiny={artifact}"], "cpu")).follow()
    opening = pb.Open(prefix="a bad cab\n" * 10_000, suggest=True)
    stream.send(pb.FollowRequest(revision=1, open=opening))
    stream.wait(None)
    started = stream.take()
    assert isinstance(started, pb.FollowResponse)
    assert started.HasField("started")
    stream.wake()
    stream.wait(None)
    assert stream.take() is None
    stream.wait(None)
    suggested = stream.take()
    assert isinstance(suggested, pb.FollowResponse)
    assert suggested.HasField("suggestion")
