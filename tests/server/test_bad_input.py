"""Whatever a caller sends, the answer names field, value and range, and the next caller is served as before."""

from __future__ import annotations

import hashlib
import math
import struct
from collections import Counter
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.law.state import State, pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Client, Connect

    from elman_models.law.artifact import Model
    from elman_server.server import Server

COMPLETE = "/elman.v1.CompletionService/Complete"
SCORE = "/elman.v1.CompletionService/Score"
MIB = 1 << 20
WINDOW = 48  # of the tests' model
LARGEST_UINT32, LARGEST_INT64, LARGEST_UINT64 = (1 << 32) - 1, (1 << 63) - 1, (1 << 64) - 1
NOT_NUMBERS = (math.nan, math.inf, -math.inf)


def good(prefix: str = "abc", **given: Any) -> pb.CompleteRequest:
    """A legal request, unless told otherwise."""
    request = pb.CompleteRequest(prefix=prefix, sampling=pb.Sampling(seed=7), limits=pb.Limits(max_characters=40))
    request.MergeFrom(pb.CompleteRequest(**given))
    return request


class Bad(NamedTuple):
    """A request, and what the answer must hold."""

    name: str
    request: pb.CompleteRequest
    words: tuple[str, ...]
    status: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT


def sampling(field: str, value: float, allowed: str) -> Bad:
    given: Any = {field: value}
    request = pb.CompleteRequest(sampling=pb.Sampling(**given))
    return Bad(f"{field}={value}", request, (field, repr(float(value)), allowed))


def limits(field: str, value: Any, *words: str) -> Bad:
    return Bad(f"{field}={str(value)[:20]}", pb.CompleteRequest(limits=pb.Limits(**{field: value})), (field, *words))


def alternatives(field: str, value: Any, allowed: str) -> Bad:
    return Bad(f"{field}={value}", pb.CompleteRequest(**{field: value}), (field, str(value), allowed))


NUMBERS = [
    *(sampling("temperature", value, "0, or 0.05 to 10") for value in (*NOT_NUMBERS, -1, 1e-30, 1e30, 0.0499, 10.1, 2.0**63)),
    *(sampling("top_p", value, "above 0, at most 1") for value in (*NOT_NUMBERS, -0.5, 0, 1.01, 1e300, 2.0**63)),
    *(sampling("min_p", value, "0 to 1") for value in (*NOT_NUMBERS, -1e-9, 1.01, 1e300, 2.0**63)),
    *(
        limits("min_confidence", value, repr(float(value)), "2^-20 to 1")
        for value in (*NOT_NUMBERS, -1, 0, 2.0**-21, 1.5, 1e30)
    ),
    *(limits("max_characters", value, str(value), "1 to 1048576") for value in (0, MIB + 1, LARGEST_UINT32)),
    *(alternatives("alternatives", value, "1 to 16") for value in (0, 17, LARGEST_UINT32)),
    *(alternatives("first_alternative", value, "0 to 65535") for value in (65536, LARGEST_UINT32)),
    Bad(
        "last alternative beyond",
        pb.CompleteRequest(alternatives=2, first_alternative=65535),
        ("first_alternative", "65535"),
    ),
    Bad(
        "more alternatives than ranks",
        pb.CompleteRequest(alternatives=16, sampling=pb.Sampling(temperature=0)),
        ("alternatives", "16", "at most 13"),
    ),
]

TEXTS = [
    limits("stop", [""], "stop[0]", "0 characters", "1 to 64"),
    limits("stop", ["ok", "x" * 10_000], "stop[1]", "10,000 characters", "1 to 64"),
    limits("stop", ["x" * 65], "stop[0]", "65 characters", "1 to 64"),
    limits("stop", ["x"] * 17, "stop", "17 strings", "at most 16"),
    Bad("prefix", pb.CompleteRequest(prefix="a" * (MIB + 1)), ("prefix", "1048577 bytes", "at most 1048576")),
    Bad("wide prefix", pb.CompleteRequest(prefix="😀" * (MIB // 4) + "a"), ("prefix", "1048577 bytes", "at most 1048576")),
    Bad("foreign name", pb.CompleteRequest(model=pb.Model(name="nobody")), ("nobody", "one"), grpc.StatusCode.NOT_FOUND),
    Bad("long name", pb.CompleteRequest(model=pb.Model(name="é" * 999)), ("model.name", "one"), grpc.StatusCode.NOT_FOUND),
    Bad(
        "huge name", pb.CompleteRequest(model=pb.Model(name="é" * MIB)), ("model", f"{2 * MIB + 5} bytes", "at most 8192 bytes")
    ),
    Bad(
        "foreign digest",
        pb.CompleteRequest(model=pb.Model(digest="ab" * 32)),
        ("model.digest", "ab" * 32, "one"),
        grpc.StatusCode.FAILED_PRECONDITION,
    ),
    Bad(
        "foreign digest of a name",
        pb.CompleteRequest(model=pb.Model(name="one", digest="ab" * 32)),
        ("model.digest", "ab" * 32, "one"),
        grpc.StatusCode.FAILED_PRECONDITION,
    ),
    *(
        Bad(f"digest {digest[:5]}", pb.CompleteRequest(model=pb.Model(digest=digest)), ("model.digest", digest[:9], "64 lower"))
        for digest in ("a", "AB" * 32, "ab" * 31 + "zz", "ab" * 33, "é" * 999)
    ),
]


@pytest.mark.parametrize("cases", [NUMBERS, TEXTS], ids=["numbers", "texts"])
async def test_a_field_out_of_range_is_refused_by_name_value_and_range(client: Client, cases: list[Bad]) -> None:
    for bad in cases:
        refusal = await client.refusal(bad.request)
        details = refusal.details() or ""
        assert (bad.name, refusal.code()) == (bad.name, bad.status)
        assert [word for word in bad.words if word not in details] == [], details
        assert len(details) < 500


def seal(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()[:8]


def state_cases(state: bytes, model: Model, other: bytes) -> dict[str, tuple[bytes, grpc.StatusCode, str]]:
    """Name -> (state, status, what the message holds)."""
    invalid, foreign = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION
    body, position = state[:-8], int.from_bytes(state[18:26], "little")
    late = struct.pack("<Q", (1 << 62) - 10)
    never = struct.pack("<Q", LARGEST_UINT64)
    flipped = bytes([state[0], state[1], *state[2:30], state[30] ^ 4, *state[31:]])
    return {
        "one byte": (b"\1", invalid, "1 bytes"),
        "truncated": (state[:-1], invalid, f"{len(state) - 1} bytes"),
        "half": (state[: len(state) // 2], invalid, "bytes"),
        "flipped": (flipped, invalid, "checksum"),
        "too long": (seal(body + b"\0"), invalid, f"{len(state)} bytes"),
        "huge": (bytes(3 * MIB), invalid, f"{3 * MIB} bytes"),
        "-128 inside": (seal(body[:30] + b"\x80" + body[31:]), invalid, "-128"),
        "position 2^64 - 1": (seal(body[:18] + never + body[26:]), invalid, str(LARGEST_UINT64)),
        "no room for the text": (seal(body[:18] + late + body[26:] + bytes(WINDOW - position)), invalid, "2^62"),
        "remembered text cut": (seal(body[:-1]), invalid, f"{len(state)} bytes at position {position}"),
        "remembered text lengthened": (seal(body + b"\0"), invalid, f"{len(state)} bytes at position {position}"),
        "a character beyond the vocabulary": (seal(body[:-1] + b"\xff"), invalid, "255 is out of range; allowed: characters"),
        "format 1": (seal(b"\1" + body[1:]), foreign, "format 1"),
        "semantics 1": (seal(body[:1] + b"\1" + body[2:]), foreign, "semantics version 1"),
        "another model": (other, foreign, model.digest[:32]),
    }


async def test_a_state_that_is_damaged_or_of_another_is_refused(
    client: Client, model: Model, make_model: Callable[..., Model]
) -> None:
    other = make_model(seed=9)
    state = (await client.complete(good()))[-1].finished.state
    cases = state_cases(state, model, pack(State.initial(other), other))
    for name, (data, status, words) in cases.items():
        refusal = await client.refusal(pb.CompleteRequest(state=data))
        assert (name, refusal.code()) == (name, status)
        assert "state" in (refusal.details() or "")
        assert words in (refusal.details() or "")


def resumed(model: Model, received: str, **given: Any) -> pb.CompleteRequest:
    """A legal request with already_received, unless told otherwise."""
    return good(model=pb.Model(digest=model.digest), already_received=received, **given)


async def test_what_cannot_be_resumed_is_refused(client: Client, model: Model) -> None:
    seedless, anyone = resumed(model, "ab"), resumed(model, "ab")
    seedless.sampling.ClearField("seed")
    anyone.ClearField("model")
    cases = {
        "seed: absent": seedless,
        "model.digest: absent": anyone,
        "alternatives: 2": resumed(model, "ab", alternatives=2),
        "at most max_characters = 40": resumed(model, "a" * 41),
        "'Z'": resumed(model, "abZ"),
        "no whole stop": resumed(model, "abcab", limits=pb.Limits(stop=["ca"])),
    }
    for words, request in cases.items():
        refusal = await client.refusal(request)
        assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert words in (refusal.details() or "")


async def test_already_received_at_the_limit_ends_with_no_text(client: Client, model: Model) -> None:
    started, finished = await client.complete(resumed(model, "a" * 40))
    assert started.started.start_position == 3
    assert finished.finished.reason == pb.FINISH_REASON_LENGTH
    assert finished.finished.usage.generated_characters == 0


async def test_a_stop_that_straddles_the_break_ends_with_nothing_sent(
    client: Client, model: Model, text: Callable[..., str]
) -> None:
    whole = text(await client.complete(good()))
    request = resumed(model, whole[:10], limits=pb.Limits(stop=[whole[8:14]]))
    events = await client.complete(request)
    assert text(events) == ""
    assert events[-1].finished.reason == pb.FINISH_REASON_STOP


async def test_any_text_may_be_continued_and_what_the_vocabulary_lacks_is_counted(client: Client, model: Model) -> None:
    for prefix in ("", "a\0b", "e\u0301 \u0327", "👩\u200d🚀 😀 Ω", "\r\n\ufeff", "\U0010ffff", "a" * 5000):
        usage = (await client.complete(good(prefix)))[-1].finished.usage
        assert usage.consumed_characters == len(prefix)
        assert usage.unknown_characters == sum(character not in model.vocabulary.characters for character in prefix)


@pytest.mark.parametrize("prefix", ["a" * MIB, "😀" * (MIB // 4)], ids=["narrow", "wide"])
async def test_a_prefix_of_a_mebibyte_is_begun(client: Client, server: Server, prefix: str) -> None:
    async with client.streaming(pb.CompleteRequest(prefix=prefix)) as call:
        event = await call.read()
        assert isinstance(event, pb.CompleteResponse)
        assert event.started.start_position == len(prefix)
    await client.until(lambda: server.statistics().busy_rows == 0)


async def test_a_message_over_the_transport_s_limit_is_not_to_be_retried(client: Client) -> None:
    refusal = await client.refusal(pb.CompleteRequest(prefix="a" * (4 * MIB)))
    assert refusal.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    trailing = {key for key, _ in refusal.trailing_metadata() or ()}
    assert not trailing & {"grpc-retry-pushback-ms", "grpc-status-details-bin"}


async def test_bytes_that_are_not_a_message_are_refused(client: Client) -> None:
    for method in (COMPLETE, SCORE):
        for data in (b"\x1a\x02\xff\xfe", b"\xff", b"\x1a\x7fshort", b"\x1a\x03\xed\xa0\x80"):
            refusal = await raw_refusal(client.channel, method, data)
            assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert f"request: {len(data)} bytes" in (refusal.details() or "")
            assert "decodes" in (refusal.details() or "")


async def test_requests_whose_bytes_were_changed_at_random_are_served_or_refused_and_never_a_defect(client: Client) -> None:
    random = Random(1)
    sampling, limits = pb.Sampling(temperature=0.5, top_k=3, seed=1), pb.Limits(max_characters=9, stop=["ab", "\n"])
    legal = pb.CompleteRequest(prefix="bad cab 😀", sampling=sampling, limits=limits, alternatives=2).SerializeToString()
    codes = Counter[grpc.StatusCode]()
    for _ in range(400):
        data = bytearray(legal)
        for _ in range(random.randint(1, 3)):
            start = random.randrange(len(data))
            data[start : start + random.randint(0, 4)] = random.randbytes(random.randint(0, 4))
        streaming: Any = client.channel.unary_stream
        call = streaming(COMPLETE)(bytes(data), timeout=1.0)
        with suppress(grpc.aio.AioRpcError):
            while isinstance(await call.read(), bytes):
                pass
        codes[await call.code()] += 1
    assert not codes.keys() & {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
    assert codes[grpc.StatusCode.INVALID_ARGUMENT] > 100


async def raw_refusal(channel: grpc.aio.Channel, method: str, data: bytes) -> grpc.aio.AioRpcError:
    """How bytes are refused."""
    call: grpc.aio.UnaryStreamCall[bytes, bytes] = channel.unary_stream(method)(data)  # pyright: ignore[reportUnknownVariableType] # raw
    try:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        return caught.value
    finally:
        call.cancel()


async def test_a_score_takes_as_much_as_it_says_and_no_more(client: Client, server: Server) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.stub.Score(pb.ScoreRequest(text="a" * (262_144 + 1)))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "text: 262145 characters" in (caught.value.details() or "")
    call = client.stub.Score(pb.ScoreRequest(text="a" * 262_144))
    try:
        await client.until(lambda: server.statistics().busy_rows == 1)
    finally:
        call.cancel()
    await client.until(lambda: server.statistics().busy_rows == 0)


async def test_an_empty_score_costs_nothing(client: Client) -> None:
    response = await client.stub.Score(pb.ScoreRequest())
    assert (response.characters, response.total_log_probability) == (0, 0)
    assert response.state


async def test_the_ends_of_every_range_are_served(client: Client) -> None:
    for legal in (
        pb.Sampling(temperature=-0.0),
        pb.Sampling(temperature=0.05, top_k=LARGEST_UINT32),
        pb.Sampling(temperature=10, top_p=5e-324),
        pb.Sampling(min_p=1.0, seed=LARGEST_UINT64),
        pb.Sampling(min_p=5e-324, seed=LARGEST_INT64),
    ):
        limits = pb.Limits(max_characters=5, min_confidence=2.0**-20, stop=["x" * 64] * 16)
        request = pb.CompleteRequest(sampling=legal, limits=limits, alternatives=2, first_alternative=3)
        events = await client.complete(request)
        assert [event.finished.alternative for event in events if event.HasField("finished")] in ([3, 4], [4, 3])


async def test_after_all_of_it_the_same_server_gives_the_same_bytes(
    client: Client, text: Callable[..., str], server: Server, connect: Connect
) -> None:
    before = await client.complete(good())
    for bad in (*NUMBERS, *TEXTS):
        await client.refusal(bad.request)
    after = await connect(server).complete(good())
    assert text(after) == text(before)
    assert after[-1].finished.state == before[-1].finished.state
    assert server.statistics().busy_rows == 0
