"""Follow at a real server: late words, bad requests, silence, floods, leaving and being left."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
import pytest

from elman.v1 import completion_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.server.conftest import Client, Connect, Logged, Start

    from elman_models.law.artifact import Model
    from elman_server.server import Server

FOLLOW = "/elman.v1.CompletionService/Follow"
MIB = 1 << 20
DEADLINE_SECONDS = 60
SAMPLING, LIMITS = pb.Sampling(seed=7), pb.Limits(max_characters=30)
ENDLESS = pb.Limits(max_characters=1 << 14)  # seconds for the reference

Call: TypeAlias = grpc.aio.StreamStreamCall[pb.FollowRequest, pb.FollowResponse]


class Editor:
    """One stream, with the next revision's number."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.revision = 0

    async def send(self, **event: Any) -> None:
        """One request, of the next revision unless it says otherwise."""
        self.revision = event.pop("revision", self.revision + 1)
        await self.call.write(pb.FollowRequest(revision=self.revision, **event))

    async def open(self, prefix: str = "abc", **given: Any) -> None:
        """An open, of the usual parameters unless it says otherwise."""
        fields: dict[str, Any] = {"prefix": prefix, "sampling": SAMPLING, "limits": LIMITS, "include_state": True, **given}
        await self.send(open=pb.Open(**fields))

    async def hear(self) -> pb.FollowResponse:
        """The next response. Raises grpc.aio.AioRpcError."""
        response = await self.call.read()
        if not isinstance(response, pb.FollowResponse):
            raise await refusal(self.call)
        return response

    async def suggestion(self) -> tuple[str, bytes]:
        """Text and last state of the next suggestion, all of it of the newest revision."""
        text = ""
        while True:
            response = await self.hear()
            assert response.revision == self.revision
            text += response.suggestion.text
            if response.HasField("finished"):
                return text, response.finished.state


async def until_end(call: Any) -> None:
    """Read what is left. Raises grpc.aio.AioRpcError unless the stream ends well."""
    while await call.read() is not grpc.aio.EOF:
        pass
    if await call.code() is not grpc.StatusCode.OK:
        raise await refusal(call)


async def refusal(call: Call) -> grpc.aio.AioRpcError:
    """How a stream ended."""
    initial, trailing = await call.initial_metadata(), await call.trailing_metadata()
    return grpc.aio.AioRpcError(await call.code(), initial, trailing, await call.details())


@asynccontextmanager
async def following(client: Client) -> AsyncGenerator[Editor, None]:
    """A stream, cancelled at the latest when the test is done with it."""
    call: Call = client.stub.Follow()  # pyright: ignore[reportAssignmentType] # the stub knows both faces
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            yield Editor(call)
    finally:
        call.cancel()


async def afresh(client: Client, prefix: str) -> tuple[str, bytes]:
    """What Complete says."""
    events = await client.complete(pb.CompleteRequest(prefix=prefix, sampling=SAMPLING, limits=LIMITS))
    return "".join(event.piece.text for event in events), events[-1].finished.state


def is_idle(server: Server) -> bool:
    statistics = server.statistics()
    return (statistics.busy_rows, statistics.waiting) == (0, 0)


async def test_typing_and_accepting_is_answered_like_complete(client: Client, model: Model) -> None:
    async with following(client) as editor:
        await editor.open()
        started = (await editor.hear()).started
        assert (started.model.name, started.model.digest) == ("one", model.digest)
        assert (started.seed, started.start_position) == (7, 3)
        text, (told, state) = "abc", await editor.suggestion()
        assert (told, state) == await afresh(client, text)
        for character in "dad fed":
            await editor.send(edit=pb.Edit(keep=len(text), insert=character))
            text += character
            assert await editor.suggestion() == await afresh(client, text)
        told, _ = await afresh(client, text)
        await editor.send(accept=pb.Accept(characters=11))
        assert await editor.suggestion() == await afresh(client, text + told[:11])


async def test_a_seed_that_is_not_given_is_drawn_and_told(client: Client) -> None:
    async with following(client) as editor:
        await editor.open(sampling=pb.Sampling(), limits=LIMITS)
        seed = (await editor.hear()).started.seed
        text, _ = await editor.suggestion()
        (_, *events) = await client.complete(pb.CompleteRequest(prefix="abc", sampling=pb.Sampling(seed=seed), limits=LIMITS))
        assert text == "".join(event.piece.text for event in events)


async def test_requests_that_have_ended_are_answered_and_the_stream_ends_well(client: Client) -> None:
    async with following(client) as editor:
        await editor.open()
        await editor.call.done_writing()
        await editor.hear()
        assert await editor.suggestion() == await afresh(client, "abc")
        assert await editor.call.read() is grpc.aio.EOF
        assert await editor.call.code() is grpc.StatusCode.OK


async def test_a_stream_that_asks_for_nothing_ends_well(client: Client) -> None:
    async with following(client) as editor:
        await editor.call.done_writing()
        assert await editor.call.read() is grpc.aio.EOF
        assert await editor.call.code() is grpc.StatusCode.OK


async def test_a_silent_stream_does_no_work_and_goes_on_when_it_speaks(client: Client, server: Server) -> None:
    async with following(client) as editor:
        await editor.open()
        await editor.hear()
        await editor.suggestion()
        await client.until(lambda: is_idle(server))
        ticks = server.statistics().ticks
        await asyncio.sleep(0.2)
        assert server.statistics().ticks == ticks
        await editor.send(edit=pb.Edit(keep=3, insert="d"))
        assert await editor.suggestion() == await afresh(client, "abcd")


NOTHING_OPENED: dict[str, tuple[dict[str, Any], str]] = {
    "edit first": ({"edit": pb.Edit(insert="a")}, "event: 'edit'"),
    "accept first": ({"accept": pb.Accept(characters=1)}, "event: 'accept'"),
    "dismiss first": ({"dismiss": pb.Dismiss()}, "event: 'dismiss'"),
    "no event": ({}, "event: absent"),
    "revision 0": ({"revision": 0, "open": pb.Open()}, "revision: 0 is out of range; allowed: above 0"),
    "temperature": ({"open": pb.Open(sampling=pb.Sampling(temperature=99))}, "temperature: 99.0"),
    "alternatives": ({"open": pb.Open(alternatives=0)}, "alternatives: 0 is out of range; allowed: 1 to 16"),
    "state": ({"open": pb.Open(state=b"1")}, "state: 1 bytes"),
    "prefix": ({"open": pb.Open(prefix="a" * (MIB + 1))}, "prefix: 1048577 bytes"),
}
OPENED: dict[str, tuple[dict[str, Any], str]] = {
    "a revision again": ({"revision": 1, "edit": pb.Edit(keep=3, insert="a")}, "revision: 1 is out of range; allowed: above 1"),
    "keep too much": ({"edit": pb.Edit(keep=4)}, "keep: 4 is out of range; allowed: 0 to 3"),
    "keep far too much": ({"edit": pb.Edit(keep=(1 << 64) - 1)}, "keep: 18446744073709551615"),
    "insert": ({"edit": pb.Edit(keep=3, insert="é" * MIB)}, "insert: 2097152 bytes"),
    "no such alternative": ({"accept": pb.Accept(alternative=1, characters=1)}, "alternative: 1"),
    "more than was suggested": ({"accept": pb.Accept(characters=31)}, "characters: 31 is out of range; allowed: 1 to 30"),
    "nothing of it": ({"accept": pb.Accept()}, "characters: 0 is out of range; allowed: 1 to 30"),
    "no event": ({}, "event: absent"),
}


@pytest.mark.parametrize("name", NOTHING_OPENED)
async def test_a_stream_that_begins_badly_is_refused(client: Client, server: Server, name: str) -> None:
    event, words = NOTHING_OPENED[name]
    async with following(client) as editor:
        await editor.send(**event)
        await is_refused(editor, words)
    assert is_idle(server)


@pytest.mark.parametrize("name", OPENED)
async def test_a_request_out_of_range_ends_its_stream_and_no_other(client: Client, name: str) -> None:
    event, words = OPENED[name]
    async with following(client) as editor, following(client) as neighbour:
        for one in (editor, neighbour):
            await one.open()
            await one.hear()
            await one.suggestion()
        await editor.send(**event)
        await is_refused(editor, words)
        await neighbour.send(edit=pb.Edit(keep=3, insert="d"))
        assert await neighbour.suggestion() == await afresh(client, "abcd")


async def is_refused(editor: Editor, words: str, code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await editor.hear()
    assert (caught.value.code(), words in (caught.value.details() or "")) == (code, True), caught.value.details()


async def test_what_was_dismissed_or_replaced_can_not_be_accepted(client: Client) -> None:
    for event in ({"dismiss": pb.Dismiss()}, {"edit": pb.Edit(keep=2)}, {"accept": pb.Accept(characters=2, suggest=False)}):
        async with following(client) as editor:
            await editor.open()
            await editor.hear()
            await editor.suggestion()
            await editor.send(**event)
            await editor.send(accept=pb.Accept(characters=1))
            await is_refused(editor, "alternative: 0 is out of range; allowed: those suggested for the revision before: none")


async def test_a_model_that_is_not_served_is_refused(client: Client) -> None:
    for model, code in (
        (pb.Model(name="nobody"), grpc.StatusCode.NOT_FOUND),
        (pb.Model(digest="ab" * 32), grpc.StatusCode.FAILED_PRECONDITION),
    ):
        async with following(client) as editor:
            await editor.open(model=model)
            await is_refused(editor, "model.", code)


@pytest.mark.parametrize("data", [b"\x1a\x02\xff\xfe", b"\xff", b"\x08\x01\x1a\x05\x12\x03\xed\xa0\x80"])
async def test_bytes_that_are_not_a_request_are_refused(client: Client, data: bytes) -> None:
    call: Any = client.channel.stream_stream(FOLLOW)()  # pyright: ignore[reportUnknownVariableType] # raw
    try:
        await call.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="abc")).SerializeToString())
        await call.read()
        await call.write(data)
        with pytest.raises(grpc.aio.AioRpcError, match=f"request: {len(data)} bytes .* FollowRequest that decodes") as caught:
            await until_end(call)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    finally:
        call.cancel()


async def test_an_insert_over_the_transport_s_limit_is_not_to_be_retried(client: Client, server: Server) -> None:
    async with following(client) as editor:
        await editor.open()
        await editor.hear()
        await editor.suggestion()
        await editor.send(edit=pb.Edit(keep=3, insert="a" * 10 * MIB))
        await is_refused(editor, "larger", grpc.StatusCode.RESOURCE_EXHAUSTED)
    await client.until(lambda: is_idle(server))


async def test_text_may_come_in_parts_of_a_mebibyte(start: Start, connect: Connect) -> None:
    client = connect(await start())
    text = "a bad cab, a fed bed\n" * (MIB // 21)
    async with following(client) as editor:
        await editor.open(text, suggest=False)
        for _ in range(2):
            await editor.send(edit=pb.Edit(keep=len(text) * (editor.revision), insert=text, suggest=editor.revision == 2))
        while not (response := await editor.hear()).HasField("finished"):
            assert response.HasField("started") or response.revision == 3
        told = response.finished.usage
        assert told.spared_characters + told.consumed_characters == 3 * len(text)


async def test_who_leaves_frees_the_row(start: Start, connect: Connect, logged: Logged) -> None:
    server = await start(instructions="reference")
    client = connect(server)
    async with following(client) as editor:
        await editor.open(limits=ENDLESS)
        await editor.hear()
        await editor.hear()
        await client.until(lambda: server.statistics().busy_rows == 1)
    await client.until(lambda: is_idle(server) and bool(outcomes(logged)))
    assert outcomes(logged) == ["CANCELLED"]


async def test_a_newer_revision_frees_the_row_of_the_older(start: Start, connect: Connect) -> None:
    server = await start(instructions="reference")
    client = connect(server)
    async with following(client) as editor:
        await editor.open(limits=ENDLESS)
        await editor.hear()
        await editor.hear()
        await editor.send(dismiss=pb.Dismiss())
        await client.until(lambda: is_idle(server))


async def test_a_flood_of_edits_leaves_the_last_suggestion_and_the_neighbour_right(
    client: Client, server: Server, connect: Connect
) -> None:
    flooded, other = connect(server), client
    async with following(flooded) as editor, following(other) as neighbour:
        await editor.open("", suggest=False)
        await neighbour.open()
        await neighbour.hear()
        await neighbour.suggestion()

        async def flood() -> None:
            for place in range(10_000):
                await editor.send(edit=pb.Edit(keep=place, insert="abcde "[place % 6]))

        flooding = asyncio.create_task(flood())
        text = "abc"
        while not flooding.done():
            await neighbour.send(edit=pb.Edit(keep=len(text), insert="d"))
            text += "d"
            await neighbour.suggestion()
        await flooding
        await editor.call.done_writing()
        responses = [response async for response in editor.call]
        revisions = [response.revision for response in responses]
        assert revisions == sorted(revisions)
        last = "".join(response.suggestion.text for response in responses if response.revision == editor.revision)
        assert last == (await afresh(other, "".join("abcde "[place % 6] for place in range(10_000))))[0]


async def test_a_leaving_server_says_goodbye_to_the_silent_and_to_the_busy(start: Start, connect: Connect) -> None:
    server, other = await start(drain_notice_seconds=0, grace_seconds=60), connect(await start())
    client = connect(server)
    async with following(client) as silent, following(client) as busy:
        await silent.open()
        await silent.hear()
        await silent.suggestion()
        await busy.open(limits=ENDLESS)
        await busy.hear()
        await busy.hear()  # a piece: the state before it is known by then
        await client.until(lambda: server.statistics().busy_rows == 1)
        server.leave()
        async with asyncio.timeout(10):
            assert await server.until_stopped() == 0
        for editor in (silent, busy):
            response = await editor.hear()
            while not response.HasField("goodbye"):
                response = await editor.hear()
            assert (response.revision, response.goodbye.position) == (1, 3)
            await is_refused(editor, "draining", grpc.StatusCode.UNAVAILABLE)
            async with following(other) as moved:
                await moved.open("", state=response.goodbye.state)
                await moved.hear()
                assert await moved.suggestion() == await afresh(other, "abc")


def outcomes(logged: Logged) -> list[str]:
    return [line["outcome"] for line in logged() if line.get("method") == "Follow"]


async def test_nothing_that_was_written_is_logged_and_outcomes_are_counted(
    client: Client, server: Server, logged: Logged
) -> None:
    async with following(client) as editor:
        await editor.open("abc", suggest=True)
        await editor.hear()
        await editor.suggestion()
        await editor.send(accept=pb.Accept(characters=3))
        await editor.suggestion()
        await editor.send(dismiss=pb.Dismiss())
        await editor.send(edit=pb.Edit(keep=6, insert="bed"))
        await editor.suggestion()
        await editor.call.done_writing()
        assert await editor.call.read() is grpc.aio.EOF
    (line,) = [line for line in logged() if line.get("method") == "Follow"]
    assert (line["outcome"], line["seed"], line["generated_characters"]) == ("OK", 7, 90)
    assert "bed" not in str(line)
